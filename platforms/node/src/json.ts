import { crypto } from "./sandbox/crypto.js";

/** What may be an integer beyond 2^53 - 1: sixteen digits in a row. */
const MANY_DIGITS = /[0-9]{16}/;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;

/** Reads JSON of the component. An integer that a number cannot hold exactly comes back as a BigInt, never rounded. */
export function decode(text: string): unknown {
  if (!MANY_DIGITS.test(text)) return JSON.parse(text);
  const mark = crypto().randomUUID();
  const marked = text.replaceAll(TOKENS, (token) => {
    const isLarge = /^-?[0-9]+$/.test(token) && !Number.isSafeInteger(Number(token));
    return isLarge ? `"${mark}${token}"` : token;
  });
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}
