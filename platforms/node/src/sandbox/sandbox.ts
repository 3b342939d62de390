import type { FailureKind, FieldProblem } from "../errors.js";
import { ABI } from "../generated/abi.js";
import { Memory, type MemoryExports } from "./memory.js";
import { closed, type Transport } from "./transport.js";
import { wasi } from "./wasi.js";

const DESCRIBE = "refund-node:refunds/node@0.1.0#describe";
const INVOKE = "refund-node:refunds/node@0.1.0#invoke";
const VERIFY = "refund-node:refunds/webhooks@0.1.0#verify";

/** Where the parts of a reply are. */
const REPLY = ABI.functions[INVOKE].result;
/** Bytes of a string: its address and its length. */
const STRING = 8;

/** What `invoke` gave: `result<string, invoke-error>`. Messages between threads, so plain objects. */
export type Reply =
  | { tag: "output"; text: string }
  | { tag: "unknown-operation"; known: string[] }
  | { tag: "invalid-input"; problems: FieldProblem[] }
  | { tag: "failed"; failure: WireFailed };

/** `failure` of the contract; its details are JSON text still. */
export interface WireFailed {
  kind: FailureKind;
  message: string;
  retryable: boolean;
  retryAfter: number | undefined;
  details: string;
}

/** A delivery whose signature is to be checked. */
export interface Delivery {
  payload: Uint8Array;
  header: string;
  secrets: string[];
  tolerance: number | undefined;
  /** Unix seconds. */
  now: number;
}

type Call = (...args: (number | bigint)[]) => number;

/**
 * One instance of the component, and the three of its exports that are used here, lifted and lowered by hand.
 *
 * A call that throws has trapped: the instance's memory may be in any state, and it must not be called again.
 */
export class Sandbox {
  readonly #exports: Record<string, Call>;
  readonly #memory: Memory;

  constructor(module: WebAssembly.Module, transport: Transport = closed) {
    const memory = (): Memory => this.#memory;
    const imports = { ...wasi(memory, transport), ...ownResources(module) };
    const { exports } = new WebAssembly.Instance(module, imports);
    this.#exports = exports as Record<string, never>;
    this.#memory = new Memory(exports as unknown as MemoryExports);
  }

  /** The manifest's text. */
  describe(): string {
    return this.#call(DESCRIBE, [], (at) => this.#memory.textAt(at));
  }

  /** Runs an operation; input and output are JSON. */
  invoke(operation: string, input: string): Reply {
    const args = [...this.#memory.placeText(operation), ...this.#memory.placeText(input)];
    return this.#call(INVOKE, args, (at) => this.#reply(at));
  }

  /** Whether a delivery's signature is good. Why it is not, the operation `webhooks.verify` says. */
  verifies(delivery: Delivery): boolean {
    const memory = this.#memory;
    const payload = memory.place(delivery.payload);
    const header = memory.placeText(delivery.header);
    const secrets = memory.allocate(delivery.secrets.length * STRING, 4);
    delivery.secrets.forEach((secret, index) => memory.putText(secrets + index * STRING, secret));
    const parts: Record<(typeof ABI.functions)[typeof VERIFY]["params"][number], (number | bigint)[]> = {
      payload: [payload, delivery.payload.length],
      header: [1, ...header],
      secrets: [secrets, delivery.secrets.length],
      "options.tolerance": delivery.tolerance === undefined ? [0, 0] : [1, delivery.tolerance],
      "options.future-tolerance": [0, 0],
      now: [BigInt(delivery.now)],
    };
    const args = [...new Set(ABI.functions[VERIFY].params)].flatMap((name) => parts[name]);
    return this.#call(VERIFY, args, (at) => memory.u8(at) === 0);
  }

  /** Calls an export that gives back an area of memory, reads it, and lets the guest free it. */
  #call<T>(name: string, args: (number | bigint)[], read: (at: number) => T): T {
    const at = this.#export(name)(...args) >>> 0;
    const result = read(at);
    this.#export(`cabi_post_${name}`)(at);
    return result;
  }

  #export(name: string): Call {
    const call = this.#exports[name];
    if (!call) throw new TypeError(`the component has no export ${name}`);
    return call;
  }

  #reply(at: number): Reply {
    const memory = this.#memory;
    if (memory.u8(at) === 0) return { tag: "output", text: memory.textAt(at + REPLY.ok) };
    const tag = ABI.cases["invoke-error"][memory.u8(at + REPLY.err)];
    switch (tag) {
      case "unknown-operation":
        return { tag, known: this.#list(at, "err.unknown-operation", (item) => memory.textAt(item)) };
      case "invalid-input":
        return { tag, problems: this.#list(at, "err.invalid-input", (item) => this.#problem(item)) };
      case "failed":
        return { tag, failure: this.#failure(at) };
      default:
        throw new TypeError("the component gave an error that the contract does not know");
    }
  }

  #list<T>(at: number, name: "err.unknown-operation" | "err.invalid-input", read: (item: number) => T): T[] {
    const start = this.#memory.u32(at + REPLY[name]);
    const length = this.#memory.u32(at + REPLY[name] + 4);
    return Array.from({ length }, (_, index) => read(start + index * REPLY[`${name}[]`]));
  }

  #problem(at: number): FieldProblem {
    const text = (field: keyof FieldProblem): string => this.#memory.textAt(at + REPLY[`err.invalid-input[].${field}`]);
    return { field: text("field"), value: text("value"), problem: text("problem"), fix: text("fix") };
  }

  #failure(at: number): WireFailed {
    const memory = this.#memory;
    const kind = ABI.cases["failure-kind"][memory.u8(at + REPLY["err.failed.kind"])];
    if (!kind) throw new TypeError("the component gave a kind of failure that the contract does not know");
    const hasDelay = memory.u8(at + REPLY["err.failed.retry-after"]) === 1;
    return {
      // A kind of a later version: it may have been done.
      kind: kind === "other" ? "outcome-unknown" : kind,
      message: memory.textAt(at + REPLY["err.failed.message"]),
      retryable: memory.u8(at + REPLY["err.failed.retryable"]) === 1,
      retryAfter: hasDelay ? memory.u32(at + REPLY["err.failed.retry-after.some"]) : undefined,
      details: memory.textAt(at + REPLY["err.failed.details"]),
    };
  }
}

/**
 * The component's own resources (a scanner, a policy) are imports of its module too, under `[export]`. None of the
 * exports used here makes one.
 */
function ownResources(module: WebAssembly.Module): Record<string, Record<string, () => never>> {
  const own: Record<string, Record<string, () => never>> = {};
  for (const { module: space, name } of WebAssembly.Module.imports(module)) {
    if (!space.startsWith("[export]")) continue;
    (own[space] ??= {})[name] = () => {
      throw new WebAssembly.RuntimeError(`${name} is not used here`);
    };
  }
  return own;
}
