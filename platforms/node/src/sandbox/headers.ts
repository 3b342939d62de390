/** Headers that a guest may not set: they are the host's, or change where a request goes or as whom. */
const FORBIDDEN = new Set([
  "authorization",
  "connection",
  "cookie",
  "forwarded",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "stripe-context",
  "transfer-encoding",
  "upgrade",
  "x-forwarded-for",
  "x-forwarded-host",
]);

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
