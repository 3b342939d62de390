import type { IncomingHttpHeaders } from "node:http";

import { checkWebhooks, deliver, type DeliveryOptions, type EventHandler } from "./deliver.js";
import { MOST_BYTES, type Webhooks } from "./webhooks.js";

/** What is used of Fastify, so that its types are not needed by those who do without it. */
interface Fastify {
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: string,
    options: { parseAs: "buffer"; bodyLimit: number },
    parser: (request: unknown, body: Buffer, done: (error: null, body: Buffer) => void) => void,
  ): unknown;
  post(path: string, handler: (request: Request, reply: Reply) => Promise<unknown>): unknown;
}

interface Request {
  headers: IncomingHttpHeaders;
  body: unknown;
}

interface Reply {
  code(status: number): Reply;
  type(contentType: string): Reply;
  send(text: string): unknown;
}

/** Options of the plugin. */
export interface FastifyWebhookOptions extends DeliveryOptions {
  webhooks: Webhooks;
  handler: EventHandler;
  /** The route; `/` when absent, below the prefix that the plugin is registered with. */
  path?: string;
}

/**
 * A plugin of Fastify: `app.register(fastifyWebhook, { webhooks, handler, path: "/stripe" })`.
 *
 * Its route takes bodies as bytes, whatever parsers the rest of the server has.
 */
// eslint-disable-next-line @typescript-eslint/require-await -- Fastify tells plugins by their promise
export async function fastifyWebhook(app: Fastify, options: FastifyWebhookOptions): Promise<void> {
  const { webhooks, handler, path = "/" } = options;
  checkWebhooks(webhooks);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: MOST_BYTES }, (_, body, done) => done(null, body));
  app.post(path, async (request, reply) => {
    const body = (): Promise<Uint8Array> => Promise.resolve((request.body ?? new Uint8Array()) as Uint8Array);
    const answer = await deliver(webhooks, handler, options, body, request.headers["stripe-signature"]);
    return reply.code(answer.status).type("text/plain").send(answer.text);
  });
}
