/** A call that was broken off says whether money may have moved: what left for Stripe is counted where it leaves. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { RefundNode } from "refund-node";

import { Changes } from "../build/changes.js";
import { Allow } from "../build/egress/allow.js";
import { Egress } from "../build/egress/egress.js";
import { Pool } from "../build/pool/pool.js";
import { mainModule } from "../build/sandbox/file.js";
import { failure, hostileGuest, KEY, server, simulator } from "./support.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const create = { operation_id: "op", payment: "ch_1" };
let stripe;
let silent;
before(async () => {
  stripe = await simulator();
  silent = await server(() => undefined);
});
after(async () => {
  await silent?.stop();
  await stripe?.stop();
});

function nothingSent(error, code) {
  assert.equal(error.code, code, error.message);
  assert.equal(error.moneyState, "nothing-sent", error.message);
  assert.match(error.message, /Nothing was sent/);
  assert.doesNotMatch(error.message, /may have been made/);
  assert.equal(error.toJSON().money_state, "nothing-sent");
}

function mayHaveBeenMade(error, code, advice = /call again with the same operation id/i) {
  assert.equal(error.code, code, error.message);
  assert.equal(error.moneyState, "may-have-been-made", error.message);
  assert.match(error.message, /It may have been made/);
  assert.match(error.message, advice);
  assert.equal(error.toJSON().money_state, "may-have-been-made");
}

test("a time-out before anything left, while reading, and after the refund was sent", async () => {
  const node = await RefundNode.open({ key: KEY, baseUrl: silent.url, timeout: 300, workers: 1 });
  nothingSent(await failure(node.refunds.create(create)), "timeout");
  nothingSent(await failure(node.refunds.balance({})), "timeout");
  await node.close();
  const charge = await stripe.charge();
  const impatient = await RefundNode.open({ key: KEY, baseUrl: stripe.url, timeout: 3_000, workers: 1 });
  try {
    await stripe.fault({ method: "POST", path: "/v1/refunds", times: 1, kind: "hang", after_commit: true });
    mayHaveBeenMade(await failure(impatient.refunds.create({ operation_id: "hang", payment: charge.id })), "timeout");
  } finally {
    await stripe.control("DELETE", "faults");
  }
  // As the advice says: the same operation id finds it.
  assert.equal((await impatient.refunds.create({ operation_id: "hang", payment: charge.id })).origin, "found");
  await impatient.close();
});

test("a time-out between the reading and the refund: it did not leave, not even later", async () => {
  const charge = await stripe.charge();
  const keys = [KEY];
  const slow = () => new Promise((resolve) => setTimeout(resolve, 600, KEY));
  const node = await RefundNode.open({ key: () => keys.pop() ?? slow(), baseUrl: stripe.url, timeout: 300, workers: 1 });
  nothingSent(await failure(node.refunds.create({ operation_id: "slow-key", payment: charge.id })), "timeout");
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal((await stripe.stats()).refunds_by_charge[charge.id] ?? 0, 0);
  await node.close();
});

test("what to do next depends on the operation", async () => {
  const node = await RefundNode.open({ key: KEY, baseUrl: silent.url, timeout: 1_500, workers: 2 });
  const metadata = node.refunds.updateMetadata({ refund: "re_1", metadata: { a: "b" } });
  const file = node.disputes.uploadFile({ name: "a.png", content_base64: "iVBORw0KGgo=" });
  mayHaveBeenMade(await failure(metadata), "timeout", /call again with the same input/i);
  mayHaveBeenMade(await failure(file), "timeout", /read the dispute/i);
  await node.close();
});

test("closing: what waits sent nothing, what runs says what left", async () => {
  const charge = await stripe.charge();
  const node = await RefundNode.open({ key: KEY, baseUrl: stripe.url, workers: 1 });
  await stripe.fault({ method: "POST", path: "/v1/refunds", times: 1, kind: "hang", after_commit: true });
  const running = failure(node.refunds.create({ operation_id: "closing", payment: charge.id }));
  const waiting = failure(node.refunds.create({ operation_id: "waiting", payment: charge.id }));
  await until(async () => (await stripe.stats()).refunds_by_charge[charge.id] === 1);
  await node.close();
  await stripe.control("DELETE", "faults");
  mayHaveBeenMade(await running, "closed");
  nothingSent(await waiting, "closed");
  nothingSent(await failure(node.refunds.create(create)), "closed");
});

test("errors before a call say that nothing was sent", async () => {
  const keyless = await RefundNode.open();
  assert.equal((await failure(keyless.refunds.balance({}))).moneyState, "nothing-sent");
  await keyless.close();
  const node = await RefundNode.open({ key: KEY, baseUrl: silent.url, workers: 1, queue: 0 });
  nothingSent(await failure(node.refunds.create(create)), "busy");
  await node.close();
});

/** What a program prints that uses a copy of the package in which something was changed. */
function changed(change, code, ...flags) {
  const copy = mkdtempSync(join(root, "dist-changed-"));
  try {
    cpSync(join(root, "dist"), copy, { recursive: true });
    change(copy);
    const program = `
      const { RefundNode } = await import(${JSON.stringify(join(copy, "index.js"))});
      const tell = (error) => console.log(JSON.stringify(error.toJSON?.() ?? { raw: String(error) }));
      ${code}`;
    const args = [...flags, "--input-type=module", "-e", program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: 60_000 });
    assert.notEqual(stdout, "", stderr);
    return stdout.trim().split("\n").map((line) => JSON.parse(line));
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Changes the program of the worker. */
const worker = (write) => (copy) => {
  const file = join(copy, "worker.js");
  writeFileSync(file, write(readFileSync(file, "utf8")));
};
/** Does something as soon as the worker is given a call. */
const onCall = (action) => worker((text) => `import { parentPort as spied } from "node:worker_threads";
  spied.on("message", (message) => { if ("call" in message) { ${action} } });\n${text}`);

const CALLS = (url) => `
  const node = await RefundNode.open({ key: "${KEY}", baseUrl: "${url}", workers: 1, timeout: 10_000 });
  await Promise.all([1, 2].map((n) => node.refunds.create({ operation_id: "op-" + n, payment: "ch_1" }).catch(tell)));
  await node.refunds.create({ operation_id: "op-3", payment: "ch_1" }).catch(tell);
  await node.close();`;

for (const [name, change, code, ...flags] of [
  ["a worker whose file is missing", (copy) => rmSync(join(copy, "worker.js")), "not-started"],
  ["a worker that cannot be loaded", worker(() => "import './missing.js';"), "not-started"],
  ["a worker that ends at once", worker(() => "process.exit(3);"), "not-started"],
  ["a worker that is killed before its first request", onCall("process.exit(1);"), "trapped"],
  [
    "a worker that runs out of memory before its first request",
    onCall("const hoard = []; for (;;) hoard.push(new Array(100_000).fill({}));"),
    "trapped",
    "--max-old-space-size=60",
  ],
]) {
  test(`${name}: nothing was sent`, () => {
    const before = silent.seen.length;
    const told = changed(change, CALLS(silent.url), ...flags);
    assert.equal(told.length, 3, JSON.stringify(told));
    for (const error of told) {
      assert.deepEqual([error.kind, error.code, error.money_state], ["host", code, "nothing-sent"], JSON.stringify(error));
      assert.match(error.message, /Nothing was sent/);
    }
    assert.equal(silent.seen.length, before);
  });
}

test("where no thread is to be had, the calls fail, and none runs after it was told to have failed", () => {
  const told = changed(() => undefined, `
    import { Worker } from "node:worker_threads";
    import { createRequire, syncBuiltinESMExports } from "node:module";
    let isShort = true;
    createRequire(import.meta.url)("node:worker_threads").Worker = class extends Worker {
      constructor(...args) {
        if (isShort) throw new Error("EAGAIN: no thread is left");
        super(...args);
      }
    };
    syncBuiltinESMExports();
    const node = await RefundNode.open({ key: "${KEY}", baseUrl: "${silent.url}", workers: 1, timeout: 500 });
    await Promise.all([1, 2].map((n) => node.refunds.balance({}).catch(tell)));
    isShort = false;
    await node.refunds.balance({}).catch(tell);
    await node.close();`);
  assert.deepEqual(told.map(({ code, money_state }) => [code, money_state]), [
    ["not-started", "nothing-sent"],
    ["not-started", "nothing-sent"],
    ["timeout", "nothing-sent"],
  ]);
});

for (const [name, change, code] of [
  ["a component that is missing", (copy) => rmSync(join(copy, "refund-node.wasm")), "await RefundNode.open().catch(tell);"],
  [
    "network code that is missing",
    (copy) => rmSync(join(copy, /import\("\.\/(egress-[^"]+)"\)/.exec(readFileSync(join(copy, "index.js"), "utf8"))[1])),
    `const node = await RefundNode.open({ key: "${KEY}" }); await node.refunds.balance({}).catch(tell); await node.close();`,
  ],
]) {
  test(`${name}: nothing was sent`, () => {
    const [error] = changed(change, code);
    assert.deepEqual([error.code, error.money_state], ["not-started", "nothing-sent"], JSON.stringify(error));
  });
}

/** The guest that attacks its host, on the threads of the package and with its way out. */
test("a trap says what left before it", { skip: hostileGuest === undefined && "build refund-tests first" }, async () => {
  const rules = createRequire(import.meta.url)("../dist/egress.json").requests;
  const egress = new Egress(new Allow(rules, stripe.url));
  const module = WebAssembly.compile(mainModule(readFileSync(hostileGuest)));
  const pool = new Pool(module, { workers: 1, queue: 10, timeout: 500 });
  const run = (operation, input, changes = new Changes()) => {
    const send = (wire, signal) => egress.send(wire, async () => KEY, signal, () => changes.left(wire.method));
    return pool.run({ task: { call: "invoke", operation, input, needsHttp: true }, changes, send, signal: undefined });
  };
  const attack = (operation, input) => failure(run(operation, input));
  const charge = await stripe.charge();
  const form = "content-type: application/x-www-form-urlencoded";
  nothingSent(await attack("recurse", ""), "trapped");
  nothingSent(await attack("spin", ""), "timeout");
  nothingSent(await attack("sleep", ""), "timeout");
  nothingSent(await attack("fetch-and-trap", `GET ${stripe.url}/v1/charges/${charge.id}`), "trapped");
  mayHaveBeenMade(await attack("fetch-and-trap", `POST ${stripe.url}/v1/refunds\n${form}`), "trapped", /call again/i);
  // Denied by the allow-list, so it did not leave.
  const denied = new Changes();
  assert.match((await run("fetch", `POST ${stripe.url}/v1/charges\n${form}`, denied)).text, /Denied/);
  assert.equal(denied.state, "nothing-sent");
  await pool.close();
  egress.close();
});

async function until(condition) {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
