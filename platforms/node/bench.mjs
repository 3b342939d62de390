/**
 * How fast the package is, beside stripe-node in the same process and run: `npm run bench`, `-- --json` for programs.
 *
 * Ratios of medians: the two take turns, so that a busy machine slows both.
 */
import { spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { performance, monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

import { RefundNode, Webhooks } from "refund-node";
import Stripe from "stripe";

import { KEY, simulator } from "./test/support.mjs";

const CREATES = 100;
const STARTS = 15;
/** How long Stripe takes to answer, in milliseconds: less than it does in real life. */
const LATENCY = 100;

const near = await simulator("--lean");
const far = await simulator("--lean", "--latency", String(LATENCY));
const rows = [];
try {
  webhook();
  await eligibility();
  await creates(near, CREATES, "create, one after the other");
  await creates(far, 20, `create, Stripe answering after ${LATENCY} ms`);
  await delay(near, "100 creates at once, all of them");
  await delay(far, `the same, Stripe answering after ${LATENCY} ms`);
  start();
} finally {
  await Promise.all([near.stop(), far.stop()]);
}
print(rows);

function webhook() {
  const secret = "whsec_bench";
  const body = Buffer.from(JSON.stringify(event()));
  const now = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", secret).update(`${now}.${body}`).digest("hex");
  const header = `t=${now},v1=${signature}`;
  const webhooks = new Webhooks({ secrets: [secret] });
  const stripe = new Stripe(KEY);
  const [here, there] = inTurns(4_000, [
    () => webhooks.verify(body, header),
    () => stripe.webhooks.constructEvent(body, header, secret),
  ]);
  rows.push(ratio(`webhook of ${body.length} bytes, verified and parsed`, here, there, "stripe-node", 3));
}

async function eligibility() {
  const node = await RefundNode.open();
  const charge = { id: "ch_1", amount: 2500, currency: "usd", status: "succeeded", captured: true, created: 1_790_000_000,
    amount_captured: 2500, amount_refunded: 0, refunded: false, disputed: false, livemode: false, paid: true };
  const [here] = await inTurnsAsync(1_000, [() => node.eligibility.check({ charge, now: 1_790_000_100 })]);
  rows.push({ what: "eligibility.check, on a worker", here });
  await node.close();
}

async function creates(stripes, times, what) {
  const node = await RefundNode.open({ key: KEY, baseUrl: stripes.url });
  const stripe = stripeNode(stripes);
  const charges = await paid(stripes, times * 5);
  const idempotent = () => ({ idempotencyKey: `bench-${charges.length}` });
  const [ours, both, post] = await inTurnsAsync(times, [
    () => node.refunds.create({ operation_id: `bench-${charges.length}`, payment: charges.pop() }),
    async () => {
      const charge = charges.pop();
      await stripe.charges.retrieve(charge);
      await stripe.refunds.create({ charge }, idempotent());
    },
    () => stripe.refunds.create({ charge: charges.pop() }, idempotent()),
  ]);
  rows.push(ratio(what, ours, both, "stripe-node, retrieve + create", 1.1));
  rows.push(ratio("the same", ours, post, "stripe-node, create alone"));
  await node.close();
}

async function delay(stripes, what) {
  const node = await RefundNode.open({ key: KEY, baseUrl: stripes.url });
  const stripe = stripeNode(stripes);
  const charges = await paid(stripes, 400);
  const hundred = (one) => Promise.all(Array.from({ length: 100 }, () => one(charges.pop())));
  const ours = (charge) => node.refunds.create({ operation_id: `delay-${charge}`, payment: charge });
  const theirs = async (charge) => {
    await stripe.charges.retrieve(charge);
    await stripe.refunds.create({ charge }, { idempotencyKey: `delay-${charge}` });
  };
  await hundred(ours);
  await hundred(theirs);
  const here = await watched(() => hundred(ours));
  const there = await watched(() => hundred(theirs));
  rows.push(ratio(what, here.took, there.took, "stripe-node, retrieve + create"));
  rows.push({ what: "event-loop delay meanwhile, p99", here: here.p99, there: there.p99, against: "stripe-node", goal: 5_000 });
  await node.close();
}

/** A new process each time: from the import of the package to the first verdict. */
function start() {
  const script = fileURLToPath(new URL("scripts/start.mjs", import.meta.url));
  const once = (what) => Number(spawnSync(process.execPath, [script, what], { encoding: "utf8" }).stdout) * 1_000;
  const [here, there] = inTurnsOnce(STARTS, [() => once("refund-node"), () => once("stripe")]);
  rows.push({ what: "start: from import to the first verdict", here, there, against: "import of stripe-node", goal: 60_000 });
}

/** Charges that nobody refunded yet. */
async function paid(stripes, count) {
  const made = [];
  while (made.length < count) made.push((await stripes.charge()).id);
  return made;
}

async function watched(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const began = performance.now();
  await work();
  const took = (performance.now() - began) * 1_000;
  histogram.disable();
  // The histogram counts the timer's own millisecond.
  return { took, p99: Math.max(0, histogram.percentile(99) / 1_000 - 1_000) };
}

function stripeNode(stripes) {
  const { hostname, port } = new URL(stripes.url);
  return new Stripe(KEY, { host: hostname, port: Number(port), protocol: "http", telemetry: false });
}

function inTurns(times, works) {
  const timed = works.map(() => []);
  for (let round = 0; round < times * 1.5; round++) {
    works.forEach((work, index) => {
      const began = performance.now();
      work();
      if (round >= times / 2) timed[index].push((performance.now() - began) * 1_000);
    });
  }
  return timed.map(median);
}

async function inTurnsAsync(times, works) {
  const timed = works.map(() => []);
  for (let round = 0; round < times * 1.5; round++) {
    for (const [index, work] of works.entries()) {
      const began = performance.now();
      await work();
      if (round >= times / 2) timed[index].push((performance.now() - began) * 1_000);
    }
  }
  return timed.map(median);
}

/** For works that measure themselves. */
function inTurnsOnce(times, works) {
  const timed = works.map(() => []);
  for (let round = 0; round < times; round++) works.forEach((work, index) => timed[index].push(work()));
  return timed.map(median);
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function ratio(what, here, there, against, goal) {
  return { what, here, there, against, ratio: here / there, goal };
}

function print(table) {
  if (process.argv.includes("--json")) {
    console.log(JSON.stringify({ node: process.versions.node, microseconds: table }, null, 2));
    return;
  }
  const time = (micros) => (micros === undefined ? "" : micros < 1_000 ? `${micros.toFixed(1)} us` : `${(micros / 1_000).toFixed(2)} ms`);
  const goal = (row) => (row.goal === undefined ? "" : row.ratio === undefined ? time(row.goal) : row.goal.toFixed(2));
  const verdict = (row) => (row.goal === undefined || (row.ratio ?? row.here) <= row.goal ? "" : ", missed");
  console.log(`Node ${process.versions.node}, medians\n\n| work | here | there | ratio | goal |\n|---|---|---|---|---|`);
  for (const row of table) {
    const there = row.there === undefined ? "" : `${time(row.there)} (${row.against})`;
    console.log(`| ${row.what} | ${time(row.here)} | ${there} | ${row.ratio?.toFixed(2) ?? ""} | ${goal(row)}${verdict(row)} |`);
  }
}

function event() {
  const metadata = Object.fromEntries(Array.from({ length: 45 }, (_, index) => [`order_line_${index}`, `article number ${index * 7919} of the catalogue`]));
  const refund = { id: "re_1", object: "refund", amount: 1000, currency: "usd", status: "succeeded", charge: "ch_1", created: 1_790_000_000, metadata };
  return { id: "evt_1", object: "event", api_version: "2026-10-28.endive", created: 1_790_000_000, data: { object: refund },
    livemode: false, pending_webhooks: 1, request: { id: null, idempotency_key: null }, type: "refund.updated" };
}
