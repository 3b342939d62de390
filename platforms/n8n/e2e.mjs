// Runs the example workflows in a real n8n against the simulator:
// REFUND_NODE_N8N=FOLDER node e2e.mjs

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";

import { simulator } from "../forms/harness/simulator.mjs";
import { n8n } from "./harness/n8n.mjs";
import { prepared, node, chain, TRIGGER } from "./harness/workflows.mjs";

const stripe = await simulator();
const server = await n8n();
try {
  const account = await server.credential("Refund Node account", { secretKey: "sk_test_simulator", baseUrl: stripe.url });
  await credentialTest();
  await refundWithApproval(account);
  await duplicateSweep(account);
  await slaCredit(account);
  await refundEvents();
  await nothingWithoutSecret(account);
} finally {
  await server.stop();
  await stripe.stop();
}

/** What the button "Test" of the credential says. */
async function credentialTest() {
  const tested = async (secretKey) => {
    const data = { secretKey, baseUrl: stripe.url, allowLiveKey: false };
    const credentials = { id: "", name: "tested", type: "refundNodeApi", data };
    return await server.call("POST", "credentials/test", { credentials });
  };
  assert.deepEqual(await tested("sk_test_simulator"), { status: "OK", message: "Stripe takes the key" });
  for (const [key, message] of [["sk_live_simulator", /live key/], ["pk_test_simulator", /publishable/], ["", /no key/]]) {
    const answer = await tested(key);
    assert.equal(answer.status, "Error");
    assert.match(answer.message, message);
  }
  passed("credential: a good key is taken, others are refused with the reason");
}

async function refundWithApproval(account) {
  const chat = await listener();
  const example = prepared(read("refund-with-approval"), account);
  example.nodes.find((one) => one.name === "Ask in the chat").parameters.url = chat.url;
  const workflow = await active(example, "refund-with-approval");

  const small = await stripe.order("charges", { amount: 9000, currency: "usd" });
  await server.post(server.webhook("refund-with-approval"), { ticket: 1, payment: small.id, amount: "20.00", currency: "usd" });
  await until(async () => (await refunds(small)) === 1);

  const large = await stripe.order("charges", { amount: 9000, currency: "usd" });
  const asked = { ticket: 2, payment: large.id, amount: "80.00", currency: "usd" };
  await server.post(server.webhook("refund-with-approval"), asked);
  const { approve, text } = await chat.next();
  assert.match(text, /needs approval/);
  await until(async () => (await statuses(workflow)).includes("waiting"));
  assert.equal(await refunds(large), 0, "nothing before somebody agreed");

  await server.post(approve, { approved: true });
  await until(async () => (await refunds(large)) === 1);
  await until(async () => !(await statuses(workflow)).includes("waiting"));

  // Asked a second time, in a new execution: the operation ID finds the refund that there is.
  await server.post(server.webhook("refund-with-approval"), asked);
  await until(async () => (await statuses(workflow)).filter((status) => status === "success").length === 3);
  assert.equal(await refunds(large), 1, "one operation ID, one refund");
  chat.close();
  passed("refund with approval: waited, approved, refunded once");
}

async function duplicateSweep(account) {
  const card = { amount: 4200, currency: "usd", customer: "cus_1", metadata: { order: "4711" } };
  const first = await stripe.order("charges", { ...card, age: 60 });
  const second = await stripe.order("charges", card);
  const workflow = await server.create(prepared(read("duplicate-sweep"), account));

  await run(workflow, "Every night");
  assert.equal(await refunds(second), 0, "a dry run refunds nothing");

  const settings = workflow.nodes.find((one) => one.name === "Settings").parameters.assignments.assignments;
  settings.find((one) => one.name === "dry_run").value = false;
  const inEarnest = await server.save(workflow);
  await run(inEarnest, "Every night");
  await run(inEarnest, "Every night");
  assert.deepEqual([await refunds(first), await refunds(second)], [0, 1], "the later charge, once in two sweeps");
  passed("duplicate sweep: nothing in a dry run, then the later charge once");
}

async function slaCredit(account) {
  const workflow = await active(prepared(read("sla-credit"), account), "incident-over");
  const charge = await stripe.order("charges", { amount: 10000, currency: "usd" });
  const period = { start: 1793491200, end: 1796083200 };
  const incident = { id: "inc-7", start: period.start + 3600, end: period.start + 3600 * 4 };
  const alert = { incident, customers: [{ payment: charge.id, paid: 10000, currency: "usd", period }] };
  await server.post(server.webhook("incident-over"), alert);
  await server.post(server.webhook("incident-over"), alert);
  await until(async () => (await statuses(workflow)).filter((status) => status === "success").length === 2);
  assert.equal(await refunds(charge), 1, "an alert that is sent twice gives one credit");
  const [refund] = (await stripe.stripe(`refunds?charge=${charge.id}`)).data;
  assert.equal(refund.amount, 1000, "three hours of thirty days are 99.58 %: ten per cent");
  passed("SLA credit: 10.00 of 100.00 dollars, once for two alerts");
}

async function refundEvents() {
  const url = server.webhook("refund-events/stripe");
  const endpoint = await stripe.stripe("webhook_endpoints", { url, "enabled_events[]": "*" });
  const secrets = `whsec_of_yesterday, ${endpoint.secret}`;
  const data = { secretKey: "sk_test_simulator", baseUrl: stripe.url, webhookSecrets: secrets };
  const workflow = await active(prepared(read("refund-events"), await server.credential("with secrets", data)), "refund-events/stripe");

  const charge = await stripe.order("charges", { amount: 3000, currency: "usd" });
  await stripe.order("disputes", { charge: charge.id, status: "needs_response", reason: "fraudulent" });
  await until(async () => (await statuses(workflow)).includes("success"));
  assert.equal((await statuses(workflow)).length, 1, "only the event that was asked for");

  const event = JSON.stringify({ id: "evt_forged", object: "event", type: "refund.failed", data: { object: {} } });
  for (const [what, header] of Object.entries(forgeries(event, endpoint.secret))) {
    const answer = await fetch(url, { method: "POST", body: event, headers: { "content-type": "application/json", ...header } });
    assert.equal(answer.status, 400, what);
  }
  await setTimeout(1000);
  assert.equal((await statuses(workflow)).length, 1, "a forgery starts nothing");
  passed("trigger: one signed event of those wanted, four forgeries refused");
}

function forgeries(body, secret) {
  const signed = (time, key) => {
    const v1 = createHmac("sha256", key).update(`${time}.${body}`).digest("hex");
    return { "stripe-signature": `t=${time},v1=${v1}` };
  };
  const now = Math.floor(Date.now() / 1000);
  return {
    unsigned: {},
    "signed by somebody else": signed(now, "whsec_guessed"),
    "signed an hour ago": signed(now - 3600, secret),
    "another body": { "stripe-signature": signed(now, secret)["stripe-signature"].replace(/v1=./, (v1) => (v1 === "v1=0" ? "v1=1" : "v1=0")) },
  };
}

async function nothingWithoutSecret(account) {
  const trigger = node("Stripe says", TRIGGER, 1, { events: [] }, { webhookId: "no-secret", credentials: account });
  const workflow = await server.create(chain("No secret", [trigger, node("Done", "n8n-nodes-base.noOp", 1, {})]));
  const refused = await server.activate(workflow).then(
    () => undefined,
    (error) => error.message,
  );
  await setTimeout(2000);
  const answer = await fetch(server.webhook("no-secret/stripe"), { method: "POST", body: "{}" });
  assert.ok(!answer.ok, `without a secret nothing is received: ${answer.status}`);
  assert.deepEqual(await statuses(workflow), []);
  passed(`without a secret: ${refused ?? `deliveries are answered with ${answer.status}`}`);
}

function read(name) {
  return JSON.parse(readFileSync(new URL(`workflows/${name}.json`, import.meta.url), "utf8"));
}

async function active(example, path) {
  const workflow = await server.create(example);
  await server.activate(workflow, path);
  return workflow;
}

/** As the button in the editor does. */
async function run(workflow, trigger) {
  const before = (await server.executions(workflow)).length;
  await server.run(workflow, trigger);
  await until(async () => {
    const executions = await server.executions(workflow);
    return executions.length > before && executions.every(({ status }) => status === "success");
  });
}

async function statuses(workflow) {
  return (await server.executions(workflow)).map(({ status }) => status);
}

async function refunds({ id }) {
  const { refunds_by_charge } = await stripe.order("stats");
  return refunds_by_charge[id] ?? 0;
}

async function until(holds, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `not within ${seconds} s: ${holds}`);
    await setTimeout(200);
  }
}

/** Somebody's chat: what is posted to it. */
async function listener() {
  const posts = [];
  const http = createServer(async (request, response) => {
    const body = await new Response(request).text();
    posts.push(JSON.parse(body));
    response.setHeader("content-type", "application/json").end("{}");
  }).listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    url: `http://127.0.0.1:${http.address().port}/`,
    next: async () => {
      await until(() => posts.length > 0);
      return posts.shift();
    },
    close: () => http.close(),
  };
}

function passed(what) {
  console.log(`ok  ${what}`);
}
