/** One worker of the pool: a thread with the sandbox in it, which may block as long as it likes. */
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from "node:worker_threads";

import { reasonOf } from "../failures.js";
import { Sandbox, type Reply } from "../sandbox/sandbox.js";
import type { Pending, Transport, WireOutcome, WireRequest } from "../sandbox/transport.js";
import type { FromWorker, Load, Outcome, Task, WorkerData } from "./messages.js";

const { outcomes } = workerData as WorkerData;
const port = parentPort as MessagePort;

/** The component. It comes with the first message. */
let module: WebAssembly.Module;

/** Counted over all instances, so that a late answer to one is never taken for an answer to the next. */
let requests = 0;

/** Requests of one instance, sent by the main thread, which has the key. */
class Bridge implements Transport {
  readonly #signal = new Int32Array(outcomes);
  readonly #arrived = new Map<number, WireOutcome>();

  start(wire: WireRequest): Pending {
    requests += 1;
    const request = requests;
    send({ type: "request", request, wire });
    return {
      outcome: () => this.#arrived.get(request),
      wait: () => {
        while (!this.#arrived.has(request)) this.#receive();
      },
    };
  }

  /** Sleeps until an outcome is there. The count is read before looking, so that none is missed. */
  #receive(): void {
    const count = Atomics.load(this.#signal, 0);
    const received = receiveMessageOnPort(port) as { message: Outcome } | undefined;
    if (received) this.#arrived.set(received.message.request, received.message.outcome);
    else Atomics.wait(this.#signal, 0, count);
  }
}

/** For the next call that sends requests, made ready while nobody waits for it. */
let fresh: Sandbox | undefined;
/** For all calls that send none. */
let kept: Sandbox | undefined;

function run(task: Task): FromWorker {
  try {
    return { type: "done", reply: reply(task) };
  } catch (error) {
    kept = undefined;
    return { type: "trapped", reason: reasonOf(error) };
  }
}

function reply(task: Task): Reply {
  if (task.call === "invoke" && task.needsHttp) {
    const sandbox = fresh ?? new Sandbox(module, new Bridge());
    fresh = undefined;
    return sandbox.invoke(task.operation, task.input);
  }
  kept ??= new Sandbox(module);
  if (task.call === "describe") return { tag: "output", text: kept.describe() };
  return kept.invoke(task.operation, task.input);
}

function send(message: FromWorker): void {
  port.postMessage(message);
}

port.on("message", (message: Load | Task | Outcome) => {
  if ("module" in message) module = message.module;
  // An outcome that nobody waits for any more belongs to a call that trapped.
  if (!("call" in message)) return;
  send(run(message));
  if (message.call === "invoke" && message.needsHttp) setImmediate(prepare);
});

function prepare(): void {
  try {
    fresh ??= new Sandbox(module, new Bridge());
  } catch {
    // The next call tries again, and says what is wrong.
  }
}

send({ type: "started" });
