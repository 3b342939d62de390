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

/** `error-code` of wasi:http/types, in its order: the index is the discriminant. */
const ERROR_CODES = [
  "DNS-timeout", "DNS-error", "destination-not-found", "destination-unavailable", "destination-IP-prohibited",
  "destination-IP-unroutable", "connection-refused", "connection-terminated", "connection-timeout",
  "connection-read-timeout", "connection-write-timeout", "connection-limit-reached", "TLS-protocol-error",
  "TLS-certificate-error", "TLS-alert-received", "HTTP-request-denied", "HTTP-request-length-required",
  "HTTP-request-body-size", "HTTP-request-method-invalid", "HTTP-request-URI-invalid", "HTTP-request-URI-too-long",
  "HTTP-request-header-section-size", "HTTP-request-header-size", "HTTP-request-trailer-section-size",
  "HTTP-request-trailer-size", "HTTP-response-incomplete", "HTTP-response-header-section-size",
  "HTTP-response-header-size", "HTTP-response-body-size", "HTTP-response-trailer-section-size",
  "HTTP-response-trailer-size", "HTTP-response-transfer-coding", "HTTP-response-content-coding",
  "HTTP-response-timeout", "HTTP-upgrade-failed", "HTTP-protocol-error", "loop-detected", "configuration-error",
  "internal-error",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** The discriminant of an error code. */
export function discriminant(code: ErrorCode): number {
  return ERROR_CODES.indexOf(code);
}

/** The way out of a sandbox that has none: every request is denied. */
export const closed: Transport = {
  start: () => ({ outcome: () => ({ error: "HTTP-request-denied" }), wait: () => undefined }),
};
