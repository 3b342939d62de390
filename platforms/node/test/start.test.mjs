import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { RefundNode } from "refund-node";

import { failure, KEY, server } from "./support.mjs";

/** What a file of `dist` loads at once, itself and by what it loads. */
function loads(file, found = new Set()) {
  const text = readFileSync(new URL(`../dist/${file}`, import.meta.url), "utf8");
  for (const [, from] of text.matchAll(/^(?:import|export|\} from)\b[^;(]*?"([^"]+)";/gm)) {
    if (found.has(from)) continue;
    found.add(from);
    if (from.startsWith("./")) loads(from.slice(2), found);
  }
  return found;
}

test("a start does without the network, and loads few files", () => {
  const found = [...loads("index.js")];
  assert.ok(found.includes("node:worker_threads"), "what is loaded is found");
  for (const network of ["node:net", "node:dns", "node:http", "node:https", "node:tls"]) {
    assert.ok(!found.includes(network), network);
  }
  assert.ok(found.filter((file) => file.startsWith("./")).length <= 3, found.join());
});

test("closed while the first request is made ready, a call ends, and so does closing", async () => {
  const silent = await server(() => undefined);
  const key = () => new Promise((resolve) => setTimeout(resolve, 30, KEY));
  const node = await RefundNode.open({ key, baseUrl: silent.url });
  const call = failure(node.refunds.retrieve({ refund: "re_1" }));
  await node.close();
  assert.equal((await call).code, "closed");
  assert.equal(silent.seen.length, 0);
  await silent.stop();
});
