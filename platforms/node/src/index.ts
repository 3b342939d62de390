/** Stripe refunds: never twice, never blindly. */
import "./node-version.js";

export * from "./errors.js";
export type { KeySource } from "./egress/key.js";
export type { CallOptions, OperationInputs, OperationName, OperationOutputs } from "./generated/operations.js";
export type * from "./generated/types.js";
export { manifest, type Manifest, type Operation } from "./manifest.js";
export { RefundNode, type OpenOptions } from "./refund-node.js";
