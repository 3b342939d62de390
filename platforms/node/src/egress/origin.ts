import { isIP } from "node:net";

import { HostError } from "../errors.js";
import { isLoopback, isPublic } from "./address.js";

/** Where Stripe is instead: a simulator on loopback, or a proxy over https. */
export function parseBaseUrl(text: string): string {
  const refuse = (why: string): never => {
    throw new HostError("wrong-base-url", `the base URL ${why}`);
  };
  if (!URL.canParse(text)) return refuse("is none: write it like https://api.stripe.com or http://127.0.0.1:12111");
  const url = new URL(text);
  const isBare = url.pathname === "/" && !/[?#@]/.test(text);
  if (!/^https?:$/.test(url.protocol) || !isBare) {
    return refuse("is not scheme, host and port alone: write it like https://api.stripe.com or http://127.0.0.1:12111");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isLocal = host === "localhost" || isLoopback(host);
  if (isIP(host) && !isLocal && !isPublic(host)) {
    return refuse("is a private or reserved address: only public ones and loopback can be used");
  }
  if (url.protocol === "http:" && !isLocal) {
    return refuse("is not encrypted: plain http is for loopback alone (127.0.0.1, [::1], localhost), use https");
  }
  return url.origin;
}
