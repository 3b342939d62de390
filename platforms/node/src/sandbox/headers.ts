import { EGRESS } from "../generated/egress.js";

const FORBIDDEN = new Set<string>(EGRESS.forbidden_headers);

/** Whether a header is one that a guest may not set. */
export function isForbidden(name: string): boolean {
  return FORBIDDEN.has(name.toLowerCase());
}

/** Whether a name is what RFC 9110 calls a token. */
export function isToken(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);
}

/** Whether a value has no character that could end its line. */
export function isValue(value: Uint8Array): boolean {
  return value.every((byte) => byte === 9 || (byte >= 32 && byte !== 127));
}
