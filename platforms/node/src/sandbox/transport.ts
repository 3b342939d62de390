import type { Case } from "./abi.js";

/** A request as the guest made it. It bears no key: the side that sends it adds one. */
export interface WireRequest {
  method: string;
  url: string;
  headers: [name: string, value: string][];
  body: Uint8Array;
  connectTimeoutMs: number | undefined;
}

/** The answer, or as much of it as came. */
export interface WireAnswer {
  status: number;
  headers: [name: string, value: string][];
  body: Uint8Array;
  /** Why the body is not whole. */
  broken?: string;
}

/** `error-code` of wasi:http/types. */
export type ErrorCode = Case<"error-code">;

/** Why there is no answer, in WASI's words. */
export interface WireFailure {
  error: ErrorCode;
}

export type WireOutcome = WireAnswer | WireFailure;

/** The way out of a sandbox. */
export interface Transport {
  /** Sends a request, and returns at once. */
  start(request: WireRequest): Pending;
}

/** A request that is under way. */
export interface Pending {
  /** What became of it, once that is known. */
  outcome(): WireOutcome | undefined;
  /** Blocks this thread until it is known. */
  wait(): void;
}

/** The way out of a sandbox that has none: every request is denied. */
export const closed: Transport = {
  start: () => ({ outcome: () => ({ error: "HTTP-request-denied" }), wait: () => undefined }),
};
