/** Stripe refunds: never twice, never blindly. */
import "./node-version.js";

export * from "./errors.js";
export type { KeySource } from "./egress/key.js";
export type { CallOptions, OperationInputs, OperationName, OperationOutputs } from "./generated/operations.js";
export type * from "./generated/types.js";
export { manifest, type Manifest, type Operation } from "./manifest.js";
export { RefundNode, type OpenOptions } from "./refund-node.js";
export type { DeliveryOptions, EventHandler } from "./webhooks/deliver.js";
export { expressWebhook } from "./webhooks/express.js";
export { fastifyWebhook, type FastifyWebhookOptions } from "./webhooks/fastify.js";
export { Webhooks, type StripeEvent, type WebhooksOptions } from "./webhooks/webhooks.js";
