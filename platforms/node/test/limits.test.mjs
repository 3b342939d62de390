/** Time, threads and the event loop. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { after, before, test } from "node:test";

import { HostError, manifest, RefundNode } from "refund-node";

import { failure, KEY, server, simulator } from "./support.mjs";

const root = new URL("..", import.meta.url);
let stripe;
/** Takes requests and never answers. */
let silent;
before(async () => {
  stripe = await simulator();
  silent = await server(() => undefined);
});
after(async () => {
  await silent?.stop();
  await stripe?.stop();
});

const create = { operation_id: "op", payment: "ch_1" };
const run = (code, ...flags) => {
  const args = [...flags, "--input-type=module", "-e", code];
  return spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: 20_000 });
};

test("a call that takes too long is ended, and the next one runs", async () => {
  const node = await RefundNode.open({ key: KEY, baseUrl: silent.url, timeout: 300, workers: 1 });
  const error = await failure(node.refunds.create(create));
  assert.ok(error instanceof HostError);
  assert.equal(error.code, "timeout");
  // It was reading.
  assert.equal(error.moneyState, "nothing-sent");
  assert.equal((await failure(node.refunds.balance({}))).code, "timeout");
  const pure = await RefundNode.open({ workers: 1 });
  assert.ok(await pure.describe());
  await Promise.all([node.close(), pure.close()]);
});

test("a call that waits can be taken back; one that runs cannot", async () => {
  const node = await RefundNode.open({ key: KEY, baseUrl: silent.url, workers: 1 });
  const abort = new AbortController();
  const running = failure(node.refunds.create(create, { signal: abort.signal }));
  await until(() => silent.seen.length > 0);
  const waiting = failure(node.refunds.create(create, { signal: abort.signal }));
  await new Promise(setImmediate);
  abort.abort();
  assert.equal((await waiting).name, "AbortError");
  assert.equal((await failure(node.refunds.create(create, { signal: abort.signal }))).name, "AbortError");
  await node.close();
  assert.equal((await running).code, "closed");
});

test("only so many calls wait", async () => {
  const node = await RefundNode.open({ key: KEY, baseUrl: silent.url, workers: 1, queue: 1 });
  const calls = [1, 2, 3].map(() => failure(node.refunds.create(create)));
  assert.equal((await calls[2]).code, "busy");
  await node.close();
  assert.equal((await calls[0]).code, "closed");
  assert.equal((await calls[1]).code, "closed");
  assert.equal((await failure(node.refunds.create(create))).code, "closed");
});

test("options out of bounds are refused", async () => {
  for (const options of [{ workers: 0 }, { workers: 1.5 }, { timeout: 0 }, { queue: -1 }]) {
    assert.equal((await failure(RefundNode.open(options))).code, "bad-option");
  }
});

test("the event loop stays free while a hundred refunds are made", async () => {
  const charge = await stripe.charge();
  const node = await RefundNode.open({ key: KEY, baseUrl: stripe.url });
  const one = (index) => node.refunds.create({ operation_id: `loop-${index}`, payment: charge.id, amount: 1, currency: "usd" });
  await one("warm");
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await Promise.all(Array.from({ length: 100 }, (_, index) => one(index)));
  delay.disable();
  await node.close();
  assert.equal((await stripe.stats()).refunds_by_charge[charge.id], 101);
  // A call that blocked this thread would hold it for as long as a request takes, a hundred times. The bound is
  // generous, because tests run beside others; the bench measures.
  assert.ok(delay.percentile(50) < 20e6, `${delay.percentile(50) / 1e6} ms`);
});

test("a digest is of the bytes that are loaded", async () => {
  const node = await RefundNode.open();
  await (await RefundNode.open({ digest: node.digest })).close();
  assert.match(node.digest, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(JSON.parse(await node.describe()), manifest);
  await node.close();
  assert.equal((await failure(RefundNode.open({ digest: `sha256:${"0".repeat(64)}` }))).code, "wrong-digest");
});

test("one changed byte of the component is noticed", () => {
  const code = `
    import { cpSync, readFileSync, writeFileSync, rmSync, mkdtempSync } from "node:fs";
    const dir = mkdtempSync("./dist-changed-");
    try {
      cpSync("./dist", dir, { recursive: true });
      const bytes = readFileSync(dir + "/refund-node.wasm");
      bytes[bytes.length - 1] ^= 1;
      writeFileSync(dir + "/refund-node.wasm", bytes);
      const { RefundNode, Webhooks } = await import(dir + "/index.js");
      await RefundNode.open().catch((error) => console.log(error.code));
      try { new Webhooks({ secrets: ["whsec_1"] }); } catch (error) { console.log(error.code); }
    } finally { rmSync(dir, { recursive: true }); }`;
  assert.equal(run(code).stdout, "wrong-digest\nwrong-digest\n");
});

test("a program that forgets to close ends", () => {
  const { status, stdout } = run(`
    import { RefundNode } from "refund-node";
    const node = await RefundNode.open();
    console.log((await node.describe()).length > 0);`);
  assert.deepEqual([status, stdout], [0, "true\n"]);
});

test("a program stays alive while a call is under way", () => {
  const { stdout } = run(`
    import { RefundNode } from "refund-node";
    const node = await RefundNode.open({ key: "sk_test_1", baseUrl: "${silent.url}", timeout: 500 });
    node.refunds.balance({}).catch((error) => console.log(error.code));`);
  assert.equal(stdout, "timeout\n");
});

test("a Node that is too old is told so", () => {
  const { status, stderr } = run(`
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.0" } });
    await import("refund-node");`);
  assert.equal(status, 1);
  assert.match(stderr, /refund-node needs Node 20 or newer; this is Node 18\.20\.0/);
});

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
