/** The runner of the conformance suite (platforms/conformance/README.md): the package as its users call it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { RefundNode, RefundNodeError } from "refund-node";

const KEYS = {
  good: "sk_test_simulator",
  none: undefined,
  live: "sk_live_simulator",
  publishable: "pk_test_simulator",
};

const sha256 = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const baseUrl = process.env.REFUND_NODE_BASE_URL;
const digest = sha256(readFileSync(process.env.REFUND_NODE_COMPONENT));
const opened = new Map();

/** A refund node for each credential. One that cannot be opened says so to the call. */
function open(credential) {
  if (!opened.has(credential)) {
    const key = KEYS[credential];
    opened.set(credential, RefundNode.open({ ...(key === undefined ? {} : { key }), baseUrl, digest }));
  }
  return opened.get(credential);
}

async function answer({ operation, input, credential = "good" }) {
  try {
    const node = await open(credential);
    return { output: await node.invoke(operation, input) };
  } catch (error) {
    if (error instanceof RefundNodeError) return { error };
    throw error;
  }
}

const node = await open("good");
say({
  platform: "node",
  version: process.versions.node,
  digest: node.digest,
  manifest: sha256(await node.describe()),
});
for await (const line of createInterface({ input: process.stdin })) say(await answer(JSON.parse(line)));
for (const one of await Promise.allSettled(opened.values())) await one.value?.close();
