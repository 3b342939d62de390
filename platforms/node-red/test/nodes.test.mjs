// The nodes in a real Node-RED, against the simulator.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { simulator } from "../../forms/harness/simulator.mjs";
import { account, called, TAB } from "../harness/flows.mjs";
import { nodeRed } from "../harness/node-red.mjs";

const KEY = "sk_test_simulator";
let stripe;
let runtime;

before(async () => {
  stripe = await simulator();
  runtime = await nodeRed();
});

after(async () => {
  await runtime?.stop();
  await stripe?.stop();
});

/** A flow whose refund node makes refunds, with these fields filled in. */
async function deployed(fields, config = {}) {
  const node = { id: "the-refund", account: "shop", operation: "refunds.create", fields, ...config };
  await runtime.deploy([TAB, account("shop", { key: KEY, baseUrl: stripe.url }), ...called("/refund", node)]);
}

const call = (input) => runtime.post("/refund", { input });
const charge = () => stripe.order("charges", { amount: 2500, currency: "usd" });

async function refunds({ id }) {
  return (await stripe.order("stats")).refunds_by_charge[id] ?? 0;
}

test("the payload fills in what the node leaves empty, and one operation id makes one refund", async () => {
  const { id } = await charge();
  await deployed({ operation_id: "op-1", payment: id, currency: "usd" });
  const { output } = await call({ amount: 700 });
  assert.equal(output.refund.amount, 700);
  assert.equal((await call({ amount: 700 })).output.origin, "found");
  assert.equal(await refunds({ id }), 1);
});

test("a node that is told not to take the payload takes its own fields only", async () => {
  const { id } = await charge();
  await deployed({ operation_id: "op-2", payment: id, amount_decimal: "5.00", currency: "usd" }, { merge: false });
  assert.equal((await call({ amount: 700 })).output.refund.amount, 500);
});

test("what the node fixes no message changes: a policy least of all", async () => {
  const { id } = await charge();
  const policy = JSON.stringify({ approve_up_to: { usd: "10.00" } });
  await deployed({ operation_id: "op-6", payment: id, policy });
  const { error } = await call({ policy: {}, operation_id: "op-7" });
  assert.deepEqual([error.kind, error.problems.map(({ field }) => field)], ["invalid-input", ["policy", "operation_id"]]);
  assert.equal(await refunds({ id }), 0);
});

test("no message brings a signing secret of its own", async () => {
  const accounts = account("shop", { key: KEY, baseUrl: stripe.url, webhookSecrets: "whsec_the_account" });
  await runtime.deploy([TAB, accounts, ...called("/verify", { id: "the-refund", account: "shop", operation: "webhooks.verify", fields: {} })]);
  const { error } = await runtime.post("/verify", { input: { payload: "{}", header: "t=1,v1=00", secrets: ["whsec_mine"] } });
  assert.deepEqual([error.kind, error.problems.map(({ field }) => field)], ["invalid-input", ["secrets"]]);
});

test("a payload that is no object is refused, and so is a field without a value", async () => {
  const { id } = await charge();
  await deployed({ operation_id: "op-3", payment: id });
  for (const payload of ['{"amount": 500}', 7, [500]]) {
    const { error } = await call(payload);
    assert.deepEqual([error.kind, error.problems[0].field], ["invalid-input", "msg.payload"]);
  }
  assert.equal(await refunds({ id }), 0);
});

test("an amount that a calculation lost does not refund everything", async () => {
  const { id } = await charge();
  const calculate = { id: "calculate", type: "function", z: "tab", name: "", func: "msg.payload = { amount: msg.payload * 100 }; return msg;", outputs: 1, wires: [["the-refund"]] };
  const enter = { id: "enter", type: "http in", z: "tab", name: "", url: "/calculate", method: "post", wires: [["take"]] };
  const take = { id: "take", type: "change", z: "tab", name: "", rules: [{ t: "set", p: "payload", pt: "msg", to: "payload.euros", tot: "msg" }], wires: [["calculate"]] };
  const node = { id: "the-refund", account: "shop", operation: "refunds.create", fields: { operation_id: "op-4", payment: id, currency: "usd" } };
  await runtime.deploy([TAB, account("shop", { key: KEY, baseUrl: stripe.url }), enter, take, calculate, ...called("/refund", node)]);
  const { error: empty } = await call({ amount: null });
  assert.deepEqual([empty.kind, empty.problems[0].field], ["invalid-input", "amount"]);
  const { error } = await runtime.post("/calculate", { euros: "five" });
  assert.deepEqual([error.kind, error.problems[0].field], ["invalid-input", "amount"]);
  assert.equal(await refunds({ id }), 0);
});

test("a Catch node gets kind and whole answer", async () => {
  const { id } = await charge();
  const policy = JSON.stringify({ approve_up_to: { usd: "10.00" } });
  await deployed({ operation_id: "op-5", payment: id, policy });
  const { error } = await call({});
  assert.equal(error.kind, "needs-approval");
  const { output } = await call({ approval: error.details.request_hash });
  assert.equal(output.refund.amount, 2500);
});

test("the key is kept encrypted, and is in no flow file and no log", async () => {
  await deployed({});
  const stored = ["flows.json", "flows_cred.json"].map((file) => readFileSync(join(runtime.folder, file), "utf8"));
  for (const text of [...stored, runtime.log.join("\n")]) assert.ok(!text.includes(KEY));
});

test("every operation is in the editor", async () => {
  const html = await (await fetch(`${runtime.url}/nodes`, { headers: { accept: "text/html" } })).text();
  const { operations } = JSON.parse(readFileSync(new URL("../dist/refund-node/manifest.json", import.meta.url), "utf8"));
  assert.ok(operations.length > 0);
  for (const { name } of operations) assert.ok(html.includes(`"name":"${name}"`), name);
});

/** The webhook node with an event filter, and a flow that keeps what it sends for `GET /seen`. */
function webhookFlow(webhookSecrets) {
  const remember = 'const seen = flow.get("seen") || []; flow.set("seen", [...seen, msg.payload]); return null;';
  const recall = 'msg.payload = flow.get("seen") || []; return msg;';
  const node = (id, type, more) => ({ id, type, z: "tab", name: "", ...more });
  return [
    TAB,
    account("shop", { key: KEY, baseUrl: stripe.url, webhookSecrets }),
    node("hook", "refund-webhook", { account: "shop", path: "/stripe", events: "charge.dispute.created", tolerance: 300, wires: [["remember"]] }),
    node("remember", "function", { func: remember, outputs: 1, wires: [[]] }),
    node("ask", "http in", { url: "/seen", method: "get", wires: [["recall"]] }),
    node("recall", "function", { func: recall, outputs: 1, wires: [["answer"]] }),
    node("answer", "http response", { wires: [] }),
  ];
}

async function until(holds) {
  for (let tries = 0; !(await holds()); tries += 1) {
    assert.ok(tries < 100, `not within 10 s: ${holds}`);
    await setTimeout(100);
  }
}

const seen = async () => (await fetch(`${runtime.url}/seen`)).json();

test("a delivery of Stripe's is sent on when it is wanted; a forged one is answered with 400 and sends nothing", async () => {
  const endpoint = await stripe.stripe("webhook_endpoints", { url: `${runtime.url}/stripe`, "enabled_events[]": "*" });
  await runtime.deploy(webhookFlow(`whsec_of_yesterday, ${endpoint.secret}`));
  await until(async () => (await fetch(`${runtime.url}/stripe`, { method: "POST", body: "{}" })).status === 400);
  await stripe.order("disputes", { charge: (await charge()).id, status: "needs_response", reason: "fraudulent" });
  await until(async () => (await seen()).length > 0);
  const [{ event, action }] = await seen();
  assert.equal(event.type, "charge.dispute.created");
  assert.deepEqual(Object.keys(action), ["dispute_opened"]);

  const body = JSON.stringify({ id: "evt_1", object: "event", type: "charge.dispute.created", data: { object: {} } });
  const time = Math.floor(Date.now() / 1000);
  const v1 = createHmac("sha256", "whsec_guessed").update(`${time}.${body}`).digest("hex");
  for (const headers of [{}, { "stripe-signature": `t=${time},v1=${v1}` }]) {
    const answer = await fetch(`${runtime.url}/stripe`, { method: "POST", body, headers });
    assert.equal(answer.status, 400);
  }
  assert.equal((await seen()).length, 1);
});

test("without a signing secret there is no route", async () => {
  await runtime.deploy(webhookFlow(""));
  const answer = await fetch(`${runtime.url}/stripe`, { method: "POST", body: "{}" });
  assert.equal(answer.status, 404);
  assert.match(runtime.log.join("\n"), /No signing secret/);
});

/** An example flow as somebody imports it, with the account of the tests in the place of its own. */
function example(name, webhookSecrets) {
  const flow = JSON.parse(readFileSync(new URL(`../examples/${name}.json`, import.meta.url), "utf8"));
  const [{ id }] = flow.filter(({ type }) => type === "refund-account");
  return flow.map((node) => (node.id === id ? account(id, { key: KEY, baseUrl: stripe.url, webhookSecrets }) : node));
}

test("example: what is above the threshold waits for an approval, which is for that request and no other", async () => {
  const { id } = await stripe.order("charges", { amount: 9000, currency: "usd" });
  await runtime.deploy(example("refund-with-approval"));
  const asked = { operation_id: "ticket-9", payment: id, amount: 8000, currency: "usd" };
  const post = async (path, body) => {
    const headers = { "content-type": "application/json" };
    return await fetch(`${runtime.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  };
  assert.equal((await post("/refunds", { ...asked, policy: {} })).status, 422, "nobody brings a policy of his own");
  const waits = await post("/refunds", asked);
  assert.deepEqual([waits.status, await refunds({ id })], [202, 0]);
  assert.equal((await post("/approvals", { operation_id: "ticket-of-nobody" })).status, 422);
  assert.equal((await post("/approvals", { operation_id: "ticket-9" })).status, 200);
  assert.equal(await refunds({ id }), 1);
});

test("example: what follows from a dispute", async () => {
  const endpoint = await stripe.stripe("webhook_endpoints", { url: `${runtime.url}/stripe`, "enabled_events[]": "*" });
  const flow = example("stripe-events", endpoint.secret);
  const last = flow.find(({ type }) => type === "debug");
  Object.assign(last, { console: true, complete: "payload" });
  await runtime.deploy(flow);
  await until(async () => (await fetch(`${runtime.url}/stripe`, { method: "POST", body: "{}" })).status === 400);
  await stripe.order("disputes", { charge: (await charge()).id, status: "needs_response", reason: "fraudulent" });
  await until(() => runtime.log.some((line) => line.includes("follow_ups")));
});
