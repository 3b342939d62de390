import type { Changes } from "../changes.js";
import { HostError } from "../errors.js";
import { notStarted } from "../failures.js";
import type { Reply } from "../sandbox/sandbox.js";
import type { WireOutcome, WireRequest } from "../sandbox/transport.js";
import type { Task } from "./messages.js";
import { Thread } from "./thread.js";

/** How a pool is bounded. */
export interface PoolOptions {
  /** How many calls run at the same time. */
  workers: number;
  /** How many more may wait. */
  queue: number;
  /** How long a call may take once it runs, in milliseconds. */
  timeout: number;
}

/** A call, and what it needs of the main thread. */
export interface Job {
  task: Task;
  /** What its requests can have changed; `send` notes it. */
  changes: Changes;
  /** Sends one request of the call. */
  send: (wire: WireRequest, signal: AbortSignal) => Promise<WireOutcome>;
  /** Takes the call back while it waits. */
  signal: AbortSignal | undefined;
}

interface Waiting extends Job {
  resolve: (reply: Reply) => void;
  reject: (error: unknown) => void;
  onAbort: () => void;
}

/** A few threads, and the calls that wait for one. */
export class Pool {
  readonly #module: Promise<WebAssembly.Module>;
  readonly #options: PoolOptions;
  readonly #threads: Thread[] = [];
  readonly #waiting: Waiting[] = [];
  #isClosed = false;

  constructor(module: Promise<WebAssembly.Module>, options: PoolOptions) {
    this.#module = module;
    this.#options = options;
    // Where no thread is to be had, the first call says so.
    void this.#idle();
  }

  run(job: Job): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw closed();
      job.signal?.throwIfAborted();
      if (this.#waiting.length >= this.#options.queue) {
        const why = `${String(this.#options.queue)} calls wait already: try again later`;
        throw new HostError("busy", `${why}. Nothing was sent.`);
      }
      const waiting: Waiting = { ...job, resolve, reject, onAbort: () => this.#takeBack(waiting) };
      job.signal?.addEventListener("abort", waiting.onAbort);
      this.#waiting.push(waiting);
      this.#dispatch();
    });
  }

  /** Ends every thread. What waits is refused, what runs is broken off. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#waiting.splice(0)) job.reject(closed());
    await Promise.all(this.#threads.splice(0).map((thread) => thread.stop(closed())));
  }

  #takeBack(job: Waiting): void {
    const place = this.#waiting.indexOf(job);
    if (place < 0) return;
    this.#waiting.splice(place, 1);
    job.signal?.removeEventListener("abort", job.onAbort);
    job.reject(job.signal?.reason);
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#idle();
      // A thread that runs a call takes the next one when it is through.
      if (!(thread instanceof Thread) && this.#threads.length > 0) return;
      const job = this.#waiting.shift() as Waiting;
      job.signal?.removeEventListener("abort", job.onAbort);
      if (thread instanceof Thread) {
        void thread
          .run(job, this.#options.timeout)
          .then(job.resolve, job.reject)
          .finally(() => this.#dispatch());
      } else {
        job.reject(thread);
      }
    }
  }

  /** A thread without a call; undefined where all are busy, an error where none can be had. */
  #idle(): Thread | HostError | undefined {
    const idle = this.#threads.find((thread) => thread.isIdle);
    if (idle || this.#threads.length >= this.#options.workers) return idle;
    try {
      const started = new Thread(this.#module, (thread) => this.#forget(thread));
      this.#threads.push(started);
      return started;
    } catch (error) {
      return notStarted("no thread can be started", error);
    }
  }

  #forget(thread: Thread): void {
    const place = this.#threads.indexOf(thread);
    if (place >= 0) this.#threads.splice(place, 1);
  }
}

function closed(): HostError {
  return new HostError("closed", "this refund node was closed. Nothing was sent.");
}
