import type { FailureKind, FieldProblem } from "../errors.js";
import { Memory, type MemoryExports } from "./memory.js";
import { closed, type Transport } from "./transport.js";
import { wasi } from "./wasi.js";

const NODE = "refund-node:refunds/node@0.1.0#";
const WEBHOOKS = "refund-node:refunds/webhooks@0.1.0#";

/** `failure-kind` of the contract, in its order. */
const FAILURE_KINDS: FailureKind[] = [
  "denied", "needs-approval", "conflict", "refused", "transport", "outcome-unknown", "rejected",
];

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
    return this.#call(`${NODE}describe`, [], (at) => this.#memory.textAt(at));
  }

  /** Runs an operation; input and output are JSON. */
  invoke(operation: string, input: string): Reply {
    const args = [...this.#memory.placeText(operation), ...this.#memory.placeText(input)];
    return this.#call(`${NODE}invoke`, args, (at) => this.#reply(at));
  }

  /** Whether a delivery's signature is good. Why it is not, the operation `webhooks.verify` says. */
  verifies(delivery: Delivery): boolean {
    const memory = this.#memory;
    const payload = memory.place(delivery.payload);
    const header = memory.placeText(delivery.header);
    const secrets = memory.allocate(delivery.secrets.length * 8, 4);
    delivery.secrets.forEach((secret, index) => memory.putText(secrets + index * 8, secret));
    const args = [
      payload, delivery.payload.length,
      1, ...header,
      secrets, delivery.secrets.length,
      delivery.tolerance === undefined ? 0 : 1, delivery.tolerance ?? 0,
      0, 0,
      BigInt(delivery.now),
    ];
    return this.#call(`${WEBHOOKS}verify`, args, (at) => memory.u8(at) === 0);
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
    if (memory.u8(at) === 0) return { tag: "output", text: memory.textAt(at + 4) };
    switch (memory.u8(at + 4)) {
      case 0:
        return { tag: "unknown-operation", known: this.#list(at + 8, 8, (item) => memory.textAt(item)) };
      case 1:
        return { tag: "invalid-input", problems: this.#list(at + 8, 32, (item) => this.#problem(item)) };
      default:
        return { tag: "failed", failure: this.#failure(at + 8) };
    }
  }

  #list<T>(at: number, size: number, read: (item: number) => T): T[] {
    const start = this.#memory.u32(at);
    const length = this.#memory.u32(at + 4);
    return Array.from({ length }, (_, index) => read(start + index * size));
  }

  #problem(at: number): FieldProblem {
    const text = (field: number): string => this.#memory.textAt(at + field * 8);
    return { field: text(0), value: text(1), problem: text(2), fix: text(3) };
  }

  #failure(at: number): WireFailed {
    const memory = this.#memory;
    const kind = FAILURE_KINDS[memory.u8(at)];
    if (!kind) throw new TypeError("the component gave a kind of failure that the contract does not know");
    return {
      kind,
      message: memory.textAt(at + 4),
      retryable: memory.u8(at + 12) === 1,
      retryAfter: memory.u8(at + 16) === 1 ? memory.u32(at + 20) : undefined,
      details: memory.textAt(at + 24),
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
