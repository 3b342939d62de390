import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/** `node:crypto`, loaded when it is first needed: while the first thread starts, not before. */
export function crypto(): typeof import("node:crypto") {
  return load("node:crypto") as typeof import("node:crypto");
}
