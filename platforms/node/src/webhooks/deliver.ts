import { HostError, OperationFailed } from "../errors.js";
import type { StripeEvent, Webhooks } from "./webhooks.js";

/** Takes an event. What it throws, or rejects with, makes Stripe send the event again. */
export type EventHandler = (event: StripeEvent) => unknown;

/** Who else wants to know. */
export interface DeliveryOptions {
  /** Learns why a delivery was refused; the sender does not. */
  onRejected?: (error: OperationFailed) => void;
  /** Learns of errors of the handler, and of a server that parses bodies too early. `console.error` when absent. */
  onError?: (error: unknown) => void;
}

/** An answer to Stripe. */
export interface Answer {
  status: 200 | 400 | 500;
  text: string;
}

/** What Stripe is told: 200 once the handler is through, 400 for what is not Stripe's, 500 to have it sent again. */
export async function deliver(
  webhooks: Webhooks,
  handler: EventHandler,
  options: DeliveryOptions,
  rawBody: () => Promise<Uint8Array | string>,
  header: string | string[] | undefined,
): Promise<Answer> {
  try {
    const event = verified(webhooks, await rawBody(), header);
    if (event instanceof OperationFailed) {
      options.onRejected?.(event);
      return { status: 400, text: "rejected" };
    }
    await handler(event);
    return { status: 200, text: "received" };
  } catch (error) {
    (options.onError ?? console.error)(error);
    return { status: 500, text: "failed" };
  }
}

function verified(webhooks: Webhooks, rawBody: Uint8Array | string, header: string | string[] | undefined) {
  try {
    return webhooks.verify(rawBody, header);
  } catch (error) {
    if (error instanceof OperationFailed) return error;
    throw error;
  }
}

/** For adapters: no handler can be served without somebody to verify. */
export function checkWebhooks(webhooks: unknown): void {
  const isGood = typeof (webhooks as Webhooks | undefined)?.verify === "function";
  if (!isGood) throw new HostError("missing-secret", "give `new Webhooks({ secrets: [\"whsec_...\"] })`");
}
