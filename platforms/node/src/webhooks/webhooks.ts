import { componentNow } from "../component.js";
import { encode } from "../encode.js";
import { HostError, OperationFailed } from "../errors.js";
import type { Action, Event } from "../generated/types.js";
import { decode } from "../json.js";
import { outputOf } from "../reply.js";
import { Sandbox } from "../sandbox/sandbox.js";

/** Larger than any event of Stripe's. */
export const MOST_BYTES = 1 << 20;

/** How deliveries are checked. */
export interface WebhooksOptions {
  /** The endpoint's secrets, `whsec_...`: one, or both during a roll. */
  secrets: string[];
  /** Greatest age in seconds; 300 when absent, 0 for any. */
  tolerance?: number;
  /** The clock, Unix seconds; for tests. */
  now?: () => number;
}

/** An event as Stripe sends it, snapshot or thin. */
export interface StripeEvent {
  /** `evt_...`; the same in every delivery of it. */
  id: string;
  /** Such as `refund.failed`. */
  type: string;
  object: string;
  livemode: boolean;
  created: number | string;
  /** What it is about; absent from a thin event. */
  data?: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
  [field: string]: unknown;
}

/** What an event says in the terms of the contract, and what follows from it. */
export interface Interpreted {
  event: Event;
  action: Action;
}

/**
 * Checks deliveries in the sandbox, on the calling thread: it takes microseconds, and a message to another thread would
 * take longer. The sandbox has no way out: it sends nothing.
 */
export class Webhooks {
  readonly #secrets: string[];
  readonly #tolerance: number | undefined;
  readonly #now: () => number;
  #sandbox: Sandbox | undefined;

  constructor({ secrets, tolerance, now }: WebhooksOptions) {
    if (!Array.isArray(secrets) || secrets.length === 0 || secrets.some(isBlank)) {
      const message = "give the endpoint's secrets, whsec_...: without one, anybody could send events";
      throw new HostError("missing-secret", message);
    }
    if (tolerance !== undefined && !(Number.isInteger(tolerance) && tolerance >= 0 && tolerance < 2 ** 32)) {
      throw new HostError("bad-option", "tolerance has to be a number of whole seconds, 0 for any age");
    }
    this.#secrets = [...secrets];
    this.#tolerance = tolerance;
    this.#now = now ?? (() => Math.floor(Date.now() / 1000));
    this.#sandbox = new Sandbox(componentNow());
  }

  /**
   * The event of a delivery that is Stripe's; anything else is thrown as an error of kind `rejected`.
   *
   * The body has to be raw, byte for byte as it was received.
   */
  verify(rawBody: Uint8Array | string, signatureHeader: string | string[] | undefined): StripeEvent {
    const payload = bytesOf(rawBody);
    const header = Array.isArray(signatureHeader) ? signatureHeader.join(",") : signatureHeader;
    const now = this.#now();
    const isGood = header !== undefined && this.#guarded((sandbox) =>
      sandbox.verifies({ payload, header, secrets: this.#secrets, tolerance: this.#tolerance, now }),
    );
    if (!isGood) return this.#explain(payload, header, now);
    return this.#parse(payload);
  }

  /** What an event means for refunds and disputes. Only for events that `verify` gave. */
  interpret(event: StripeEvent): Interpreted {
    const parsed = this.#invoke("webhooks.parse", { payload: encode(event) }) as { event: Event };
    const interpreted = this.#invoke("webhooks.interpret", parsed) as { action: Action };
    return { event: parsed.event, action: interpreted.action };
  }

  /** JavaScript's own parser is eight times as fast as the way through the sandbox; the verdict is the sandbox's. */
  #parse(payload: Uint8Array): StripeEvent {
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString("utf8");
    try {
      const event = decode(text);
      if (isEvent(event)) return event;
    } catch {
      // The component says it better.
    }
    this.#invoke("webhooks.parse", { payload: text });
    throw rejected("the body is no event");
  }

  /** Throws what is wrong with a delivery, in the words of the operation. */
  #explain(payload: Uint8Array, header: string | undefined, now: number): never {
    const delivery = {
      payload_base64: Buffer.from(payload).toString("base64"),
      header,
      secrets: this.#secrets,
      tolerance: this.#tolerance,
      now,
    };
    this.#invoke("webhooks.verify", delivery);
    throw rejected("the signature is not good");
  }

  #invoke(operation: string, input: object): unknown {
    const text = encode(input);
    return outputOf(operation, this.#guarded((sandbox) => sandbox.invoke(operation, text)));
  }

  /** An instance that trapped is not used again. */
  #guarded<T>(call: (sandbox: Sandbox) => T): T {
    const sandbox = (this.#sandbox ??= new Sandbox(componentNow()));
    try {
      return call(sandbox);
    } catch (error) {
      this.#sandbox = undefined;
      throw new HostError("trapped", `the component broke off: ${error instanceof Error ? error.message : ""}`);
    }
  }
}

function rejected(message: string): OperationFailed {
  return new OperationFailed({ kind: "rejected", message, retryable: false, retryAfter: undefined, details: {} });
}

function isBlank(secret: unknown): boolean {
  return typeof secret !== "string" || secret.trim() === "";
}

function bytesOf(rawBody: unknown): Uint8Array {
  if (typeof rawBody !== "string" && !(rawBody instanceof Uint8Array)) throw parsedBody();
  const bytes = typeof rawBody === "string" ? Buffer.from(rawBody, "utf8") : rawBody;
  if (bytes.length > MOST_BYTES) throw rejected("the body is larger than any event of Stripe's");
  return bytes;
}

function isEvent(value: unknown): value is StripeEvent {
  if (typeof value !== "object" || value === null) return false;
  const { id, type } = value as Record<string, unknown>;
  return typeof id === "string" && typeof type === "string";
}

/** The commonest mistake with webhooks, and how it is mended where it happens. */
export function parsedBody(): HostError {
  return new HostError(
    "parsed-body",
    "the body was parsed before it came here, and a parsed body cannot be verified: give the raw bytes. " +
      "Express: put the webhook's route before app.use(express.json()), or give it express.raw({ type: '*/*' }). " +
      "Fastify: use the plugin fastifyWebhook, or a content type parser with parseAs: 'buffer'. " +
      "n8n: turn on 'Raw Body' in the Webhook node's options.",
  );
}
