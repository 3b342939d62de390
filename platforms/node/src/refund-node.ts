import { availableParallelism } from "node:os";
import { inspect } from "node:util";

import { Changes } from "./changes.js";
import { checkDigest, component } from "./component.js";
import { Allow } from "./egress/allow.js";
import type { Egress } from "./egress/egress.js";
import { Keyring, type KeySource } from "./egress/key.js";
import { encode, encodeWith } from "./encode.js";
import { HostError, InvalidInput, UnknownOperation } from "./errors.js";
import { notStarted } from "./failures.js";
import { DIGEST } from "./generated/digest.js";
import { EGRESS } from "./generated/egress.js";
import { TypedOperations, type CallOptions } from "./generated/operations.js";
import { manifest, operations, type Manifest, type Operation } from "./manifest.js";
import type { Task } from "./pool/messages.js";
import { Pool, type Job } from "./pool/pool.js";
import { outputOf } from "./reply.js";
import { shapeOf } from "./shape.js";

/** Requests of one call. The longest scan reads a thousand pages. */
const MOST_REQUESTS = 3_000;

/** Where requests go when nothing else is said. */
const STRIPE = "https://api.stripe.com";

/** How to open a refund node. */
export interface OpenOptions {
  /**
   * A secret key (`sk_...`) or restricted key (`rk_...`), or a function that fetches it, called for every request.
   * Operations that do not talk to Stripe need none.
   */
  key?: KeySource;
  /** Allows live keys, which move real money. */
  live?: boolean;
  /** Where Stripe is instead: a simulator on loopback, or a proxy over https. */
  baseUrl?: string;
  /** Acts for a connected account, `acct_...`. */
  account?: string;
  /** How often a request may be repeated after the first try, 0 to 10; 2 when absent. */
  maxRetries?: number;
  /** How many calls run at the same time, 1 to 64; when absent as many as there are processors, 2 to 4. */
  workers?: number;
  /** How many more calls may wait; 10,000 when absent. */
  queue?: number;
  /** The component that is wanted, `sha256:...`; any other is refused. */
  digest?: string;
  /** How long a call may take once it runs, in milliseconds; 300,000 when absent. */
  timeout?: number;
}

/**
 * The refund node, with the key of one Stripe account.
 *
 * The operations run in a sandbox on threads of their own. The key stays on this one, where requests are sent.
 */
export class RefundNode extends TypedOperations {
  readonly #pool: Pool;
  readonly #allow: Allow;
  #egress: Promise<Egress> | undefined;
  readonly #keyring: Keyring;
  readonly #connection: Record<string, unknown>;

  private constructor(
    module: Promise<WebAssembly.Module>,
    keyring: Keyring,
    origin: string | undefined,
    options: OpenOptions,
  ) {
    super();
    const { account, maxRetries } = options;
    this.#keyring = keyring;
    this.#allow = new Allow(EGRESS.requests, origin);
    this.#connection = { base_url: origin, account, max_retries: maxRetries };
    this.#pool = new Pool(module, {
      workers: bounded("workers", options.workers ?? usualWorkers(), 1, 64),
      queue: bounded("queue", options.queue ?? 10_000, 0, Number.MAX_SAFE_INTEGER),
      timeout: bounded("timeout", options.timeout ?? 300_000, 1, 2 ** 31 - 1),
    });
  }

  /** Checks key and digest, and makes the component ready. */
  static async open(options: OpenOptions = {}): Promise<RefundNode> {
    checkDigest(options.digest);
    const keyring = new Keyring(options.key, options.live ?? false);
    const origin = await originOf(options);
    const module = component();
    const node = new RefundNode(module, keyring, origin, options);
    try {
      await module;
    } catch (error) {
      await node.close();
      throw error;
    }
    return node;
  }

  /** The operations and their schemas. */
  get manifest(): Manifest {
    return manifest;
  }

  /** Of the component's bytes, checked when they were loaded: `sha256:...`. */
  get digest(): string {
    return DIGEST;
  }

  protected override async run(name: string, input: object, { signal }: CallOptions): Promise<unknown> {
    const operation = operations.get(name);
    if (!operation) throw new UnknownOperation(name, [...operations.keys()]);
    const task: Task = {
      call: "invoke",
      operation: name,
      input: this.#input(operation, input),
      needsHttp: operation.needs_http,
    };
    const changes = new Changes();
    const send = operation.needs_http ? await this.#wayOut(changes) : denied;
    return outputOf(name, await this.#pool.run({ task, changes, send, signal }));
  }

  /** The manifest as the component itself tells it now; `manifest` is what it told when the package was built. */
  async describe(): Promise<string> {
    const job: Job = { task: { call: "describe" }, changes: new Changes(), send: denied, signal: undefined };
    const reply = await this.#pool.run(job);
    return reply.tag === "output" ? reply.text : "";
  }

  /** Ends the threads and the connections. Calls that wait or run are refused. */
  async close(): Promise<void> {
    await this.#pool.close();
    (await this.#egress?.catch(() => undefined))?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Nothing of the key, nor of anything else that is private. */
  [inspect.custom](): string {
    return `RefundNode { digest: '${DIGEST}' }`;
  }

  /** Nor in JSON. */
  toJSON(): Record<string, unknown> {
    return { digest: DIGEST };
  }

  #input(operation: Operation, input: object): string {
    const shape = shapeOf(operation.input_schema, manifest.$defs);
    if (!operation.needs_http) return encode(input, shape);
    if (namesConnection(input)) throw new InvalidInput([connectionGiven]);
    return encodeWith(input, shape, "connection", this.#connection);
  }

  /** Sends the requests of one call. The first key is fetched at once: a call without a key does not begin. */
  async #wayOut(changes: Changes): Promise<Job["send"]> {
    let first: string | undefined = await this.#keyring.fetch();
    const egress = await this.#loadEgress();
    let left = MOST_REQUESTS;
    const key = async (): Promise<string> => {
      const fetched = first ?? (await this.#keyring.fetch());
      first = undefined;
      return fetched;
    };
    return async (wire, signal) => {
      left -= 1;
      if (left < 0) return { error: "HTTP-request-denied" };
      return egress.send(wire, key, signal, () => changes.left(wire.method));
    };
  }

  /** What sends nothing does without the network and its modules. */
  #loadEgress(): Promise<Egress> {
    this.#egress ??= import("./egress/egress.js").then(
      ({ Egress }) => new Egress(this.#allow),
      (error: unknown) => {
        // The next call may have more luck, with open files for example.
        this.#egress = undefined;
        throw notStarted("the network code of this package cannot be loaded", error);
      },
    );
    return this.#egress;
  }
}

/** Where requests go in place of Stripe. */
async function originOf({ baseUrl }: OpenOptions): Promise<string | undefined> {
  if (baseUrl === undefined) return undefined;
  const { parseBaseUrl } = await import("./egress/origin.js");
  const origin = parseBaseUrl(baseUrl);
  // Stripe itself takes files at another host, which a base URL would hide.
  return origin === STRIPE ? undefined : origin;
}

/** The input comes from programs without types as well, so it may be anything. */
function namesConnection(input: unknown): boolean {
  return typeof input === "object" && input !== null && "connection" in input;
}

const connectionGiven = {
  field: "connection",
  value: "",
  problem: "is given by this package",
  fix: "leave it out, and give `key`, `baseUrl`, `account` and `maxRetries` to `RefundNode.open`",
};

const denied: Job["send"] = () => Promise.resolve({ error: "HTTP-request-denied" });

/** More than the processors would take the event loop's; one that waits for Stripe takes none. */
function usualWorkers(): number {
  return Math.min(4, Math.max(2, availableParallelism()));
}

function bounded(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new HostError("bad-option", `${name} has to be an integer from ${String(least)} to ${String(most)}`);
}
