import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** The keys of the protocol, by the names that cases use. */
export const KEYS = {
  good: "sk_test_simulator",
  none: undefined,
  live: "sk_live_simulator",
  publishable: "pk_test_simulator",
};

export function sha256(bytes) {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * The runner's side of the conformance protocol; see platforms/conformance. Refuses to begin where the
 * package holds another component than the one that is judged.
 *
 * @param {{platform: string, version: string, digest: string, manifest: string}} ready
 * @param {(call: {operation: string, input: object, credential: string}) => Promise<object>} answer
 */
export async function serve(ready, answer) {
  const judged = process.env.REFUND_NODE_COMPONENT;
  if (judged && sha256(readFileSync(judged)) !== ready.digest) {
    throw new Error(`the package was built from ${ready.digest}, which is not ${judged}: build it again`);
  }
  console.log(JSON.stringify(ready));
  for await (const line of createInterface(process.stdin)) {
    if (line.trim() === "") continue;
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  }
}
