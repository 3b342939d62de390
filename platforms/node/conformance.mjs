/** The runner of the conformance suite (platforms/conformance/README.md): the package as its users call it. */
import { RefundNode, RefundNodeError } from "refund-node";

import { KEYS, serve, sha256 } from "../forms/harness/runner.mjs";

const baseUrl = process.env.REFUND_NODE_BASE_URL;
const opened = new Map();

/** A refund node for each credential. One that cannot be opened says so to the call. */
function open(credential) {
  if (!opened.has(credential)) {
    const key = KEYS[credential];
    opened.set(credential, RefundNode.open({ ...(key === undefined ? {} : { key }), baseUrl }));
  }
  return opened.get(credential);
}

const node = await open("good");
const ready = { platform: "node", version: process.versions.node, digest: node.digest, manifest: sha256(await node.describe()) };
await serve(ready, async ({ operation, input, credential }) => {
  try {
    return { output: await (await open(credential)).invoke(operation, input) };
  } catch (error) {
    if (error instanceof RefundNodeError) return { error };
    throw error;
  }
});
for (const one of await Promise.allSettled(opened.values())) await one.value?.close();
