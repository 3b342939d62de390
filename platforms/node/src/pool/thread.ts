import { Worker } from "node:worker_threads";

import { HostError, type HostErrorCode } from "../errors.js";
import type { Reply } from "../sandbox/sandbox.js";
import type { WireRequest } from "../sandbox/transport.js";
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

  constructor(module: Promise<WebAssembly.Module>, onEnd: (thread: Thread) => void) {
    this.#onEnd = onEnd;
    const workerData: WorkerData = { outcomes: this.#outcomes };
    // Neither the environment, where a key may stand, nor the flags of this process.
    this.#worker = new Worker(WORKER, { workerData, env: {}, execArgv: [], name: "refund-node" });
    this.#worker.on("message", (message: FromWorker) => this.#hear(message));
    this.#worker.on("error", (error) => void this.#end("trapped", `its thread ended: ${error.message}`));
    this.#worker.on("exit", () => void this.#end("trapped", "its thread ended"));
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
      void this.#loaded.then(() => this.#post(job.task));
    });
  }

  /** Ends the thread, whatever it does. */
  async stop(reason: HostError): Promise<void> {
    this.#settle((running) => running.reject(brokenOff(running, reason.code, "the refund node was closed")));
    await this.#worker.terminate();
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
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
    const outcome = await running.send(wire, running.abort.signal);
    this.#post({ request, outcome });
    const count = new Int32Array(this.#outcomes);
    Atomics.add(count, 0, 1);
    Atomics.notify(count, 0);
  }

  #post(message: Load | Task | Outcome): void {
    this.#worker.postMessage(message);
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

function brokenOff(job: Job, code: HostErrorCode, why: string): HostError {
  const advice = job.changesSomething
    ? "It may or may not have been carried out: call again with the same input, which finds out; read a dispute first."
    : "It changes nothing: call again.";
  return new HostError(code, `the call was broken off: ${why}. ${advice}`);
}
