import { Worker } from "node:worker_threads";

import { HostError, type HostErrorCode } from "../errors.js";
import { reasonOf } from "../failures.js";
import type { Reply } from "../sandbox/sandbox.js";
import type { WireOutcome, WireRequest } from "../sandbox/transport.js";
import type { FromWorker, Load, Outcome, Task, WorkerData } from "./messages.js";
import type { Job } from "./pool.js";

const WORKER = new URL("./worker.js", import.meta.url);

interface Running extends Job {
  resolve: (reply: Reply) => void;
  reject: (error: unknown) => void;
  /** Breaks off its requests. */
  abort: AbortController;
  timer: NodeJS.Timeout;
}

/** A worker as the pool sees it: one call at a time. */
export class Thread {
  readonly #worker: Worker;
  readonly #outcomes = new SharedArrayBuffer(4);
  readonly #loaded: Promise<void>;
  readonly #onEnd: (thread: Thread) => void;
  #running: Running | undefined;
  /** Its program is loaded. */
  #isStarted = false;

  constructor(module: Promise<WebAssembly.Module>, onEnd: (thread: Thread) => void) {
    this.#onEnd = onEnd;
    const workerData: WorkerData = { outcomes: this.#outcomes };
    // Neither the environment, where a key may stand, nor the flags of this process.
    this.#worker = new Worker(WORKER, { workerData, env: {}, execArgv: [], name: "refund-node" });
    this.#worker.on("message", (message: FromWorker) => this.#hear(message));
    this.#worker.on("error", (error) => void this.#died(`: ${reasonOf(error)}`));
    this.#worker.on("exit", () => void this.#died(""));
    this.#worker.unref();
    // Where there is no module, whoever opens the pool is told, and closes it.
    this.#loaded = module.then((compiled) => this.#post({ module: compiled }), () => undefined);
  }

  get isIdle(): boolean {
    return this.#running === undefined;
  }

  run(job: Job, timeout: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const late = (): void => void this.#end("timeout", `it took longer than ${String(timeout)} ms`);
      const timer = setTimeout(late, timeout);
      this.#running = { ...job, resolve, reject, timer, abort: new AbortController() };
      // A program that waits for a call stays alive for it, and for nothing else.
      this.#worker.ref();
      void this.#loaded.then(() => this.#post(job.task)).catch((error: unknown) => this.#end("trapped", reasonOf(error)));
    });
  }

  /** Ends the thread, whatever it does. */
  async stop(reason: HostError): Promise<void> {
    this.#settle((running) => running.reject(brokenOff(running, reason.code, "the refund node was closed")));
    await this.#worker.terminate();
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case "started":
        this.#isStarted = true;
        break;
      case "request":
        void this.#send(message.request, message.wire);
        break;
      case "done":
        this.#settle((running) => running.resolve(message.reply));
        break;
      case "trapped":
        this.#settle((running) => running.reject(brokenOff(running, "trapped", message.reason)));
        break;
    }
  }

  async #send(request: number, wire: WireRequest): Promise<void> {
    const running = this.#running;
    if (!running) return;
    const failed = (): WireOutcome => ({ error: "internal-error" });
    const outcome = await running.send(wire, running.abort.signal).catch(failed);
    this.#post({ request, outcome });
    const count = new Int32Array(this.#outcomes);
    Atomics.add(count, 0, 1);
    Atomics.notify(count, 0);
  }

  #post(message: Load | Task | Outcome): void {
    this.#worker.postMessage(message);
  }

  async #died(why: string): Promise<void> {
    if (this.#isStarted) await this.#end("trapped", `its thread ended${why}`);
    else await this.#end("not-started", `its thread could not be started${why}`);
  }

  async #end(code: HostErrorCode, why: string): Promise<void> {
    this.#onEnd(this);
    this.#settle((running) => running.reject(brokenOff(running, code, why)));
    await this.#worker.terminate();
  }

  #settle(how: (running: Running) => void): void {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    this.#worker.unref();
    clearTimeout(running.timer);
    running.abort.abort();
    how(running);
  }
}

/** What left is settled by now: the requests of the call were ended before. */
function brokenOff(job: Job, code: HostErrorCode, why: string): HostError {
  const { state } = job.changes;
  const told = state === "nothing-sent" ? NOTHING : `${MAYBE} ${howToFindOut(job.task)}`;
  return new HostError(code, `the call was broken off: ${why}. ${told}`, state);
}

const NOTHING = "Nothing was sent: no request that changes anything left for Stripe in this call.";
const MAYBE = "It may have been made: a request that changes something left for Stripe.";

function howToFindOut(task: Task): string {
  const operation = task.call === "invoke" ? task.operation : "";
  if (operation.startsWith("disputes.")) return "Read the dispute before you call again.";
  const same = operation === "refunds.create" ? "operation id" : "input";
  return `Call again with the same ${same} to find out.`;
}
