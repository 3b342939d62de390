import type { Reply } from "../sandbox/sandbox.js";
import type { WireOutcome, WireRequest } from "../sandbox/transport.js";

/** What a worker is started with. No key is ever in here, nor in any message below. */
export interface WorkerData {
  /** Counts the outcomes that were sent: a worker that waits for one sleeps on it. */
  outcomes: SharedArrayBuffer;
}

/** To a worker, before all else: the component, which is compiled while the thread starts. */
export interface Load {
  module: WebAssembly.Module;
}

/** To a worker: what to call. */
export type Task =
  | { call: "describe" }
  /** One that may send requests gets an instance of its own. */
  | { call: "invoke"; operation: string; input: string; needsHttp: boolean };

/** To a worker: what became of a request. */
export interface Outcome {
  request: number;
  outcome: WireOutcome;
}

/** From a worker. */
export type FromWorker =
  /** Its program is loaded. */
  | { type: "started" }
  | { type: "request"; request: number; wire: WireRequest }
  | { type: "done"; reply: Reply }
  | { type: "trapped"; reason: string };
