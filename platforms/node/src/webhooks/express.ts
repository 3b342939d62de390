import type { IncomingMessage, ServerResponse } from "node:http";

import { join } from "../sandbox/bytes.js";
import { checkWebhooks, deliver, type DeliveryOptions, type EventHandler } from "./deliver.js";
import { MOST_BYTES, parsedBody, type Webhooks } from "./webhooks.js";

/** A request of Express, of version 4 or 5, or of `node:http`. */
type Request = IncomingMessage & { body?: unknown; rawBody?: unknown };

/**
 * A route handler of Express: `app.post("/stripe", expressWebhook(webhooks, handler))`.
 *
 * It takes the body as bytes from `express.raw`, or reads it where nobody did. A body that `express.json` has parsed
 * cannot be verified: `onError` learns what to change, and Stripe is asked to send again.
 */
export function expressWebhook(webhooks: Webhooks, handler: EventHandler, options: DeliveryOptions = {}) {
  checkWebhooks(webhooks);
  return async (request: Request, response: ServerResponse): Promise<void> => {
    const header = request.headers["stripe-signature"];
    const answer = await deliver(webhooks, handler, options, () => rawBody(request), header);
    response.statusCode = answer.status;
    response.setHeader("content-type", "text/plain");
    response.end(answer.text);
  };
}

async function rawBody(request: Request): Promise<Uint8Array | string> {
  for (const body of [request.body, request.rawBody]) {
    if (typeof body === "string" || body instanceof Uint8Array) return body;
  }
  if (request.readableDidRead) throw parsedBody();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    length += piece.length;
    pieces.push(piece);
    // One byte more than is allowed, so that the check that follows says so.
    if (length > MOST_BYTES) break;
  }
  return join(pieces);
}
