/** Operations over the real simulator: nothing twice, nothing lost, nothing sent that should not be. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { HostError, InvalidInput, OperationFailed, RefundNode, UnknownOperation } from "refund-node";

import { failure, KEY, server, simulator } from "./support.mjs";

let stripe;
let node;
before(async () => {
  stripe = await simulator();
  node = await RefundNode.open({ key: KEY, baseUrl: stripe.url });
});
after(async () => {
  await node?.close();
  await stripe?.stop();
});

const request = (charge, operation_id, more = {}) => ({ operation_id, payment: charge.id, amount: 1_000, currency: "usd", ...more });
const refundsOf = async (charge) => (await stripe.stats()).refunds_by_charge[charge.id] ?? 0;

test("creates a refund, and the same id twice is one refund", async () => {
  const charge = await stripe.charge();
  const first = await node.refunds.create(request(charge, "twice"));
  const second = await node.refunds.create(request(charge, "twice"));
  assert.equal(first.origin, "made");
  assert.equal(first.refund.status, "succeeded");
  assert.equal(second.refund.id, first.refund.id);
  assert.equal(await refundsOf(charge), 1);
});

test("the same id from all workers at once is one refund", async () => {
  const charge = await stripe.charge();
  const both = await Promise.allSettled([1, 2, 3, 4].map(() => node.refunds.create(request(charge, "at-once"))));
  assert.ok(both.some(({ status }) => status === "fulfilled"), JSON.stringify(both));
  assert.equal(await refundsOf(charge), 1);
});

test("typed methods and invoke are the same", async () => {
  const charge = await stripe.charge();
  const { refund } = await node.invoke("refunds.create", request(charge, "typed"));
  assert.equal((await node.refunds.retrieve({ refund: refund.id })).id, refund.id);
  const { verdict } = await node.eligibility.checkLive({ payment: charge.id });
  assert.equal(verdict.decision, "approve");
  assert.ok(Array.isArray((await node.refunds.balance({})).available));
});

test("an answer that is lost after the refund was made is found again", async () => {
  const charge = await stripe.charge();
  await stripe.fault({ method: "POST", path: "/v1/refunds", times: 1, kind: "reset", after_commit: true });
  const { refund } = await node.refunds.create(request(charge, "lost"));
  assert.equal(refund.status, "succeeded");
  assert.equal(await refundsOf(charge), 1);
});

test("when every answer is lost the outcome is unknown, and the same id settles it", async () => {
  const charge = await stripe.charge();
  const impatient = await RefundNode.open({ key: KEY, baseUrl: stripe.url, maxRetries: 0 });
  try {
    await stripe.fault({ method: "POST", path: "/v1/refunds", times: 9, kind: "reset", after_commit: true });
    await stripe.fault({ method: "GET", path: "/v1/refunds", times: 9, kind: "reset" });
    const error = await failure(impatient.refunds.create(request(charge, "unknown")));
    assert.ok(error instanceof OperationFailed, String(error));
    assert.equal(error.kind, "outcome-unknown");
    assert.equal(error.toJSON().kind, "outcome-unknown");
    assert.equal(typeof error.details.type, "string");
    await stripe.control("DELETE", "faults");
    const { refund } = await impatient.refunds.create(request(charge, "unknown"));
    assert.equal(refund.status, "succeeded");
    assert.equal(await refundsOf(charge), 1);
  } finally {
    await stripe.control("DELETE", "faults");
    await impatient.close();
  }
});

test("a redirect is not followed, and takes no key along", async () => {
  const thief = await server((_, response) => response.end("{}"));
  try {
    const charge = await stripe.charge();
    await stripe.fault({ method: "GET", path: "/v1/charges/*", times: 9, kind: "redirect", to: thief.url });
    const error = await failure(node.refunds.create(request(charge, "redirect")));
    await stripe.control("DELETE", "faults");
    assert.ok(error instanceof OperationFailed, String(error));
    assert.deepEqual(thief.seen, []);
    assert.equal(await refundsOf(charge), 0);
  } finally {
    await thief.stop();
  }
});

test("an answer without end is cut off", async () => {
  const charge = await stripe.charge();
  await stripe.fault({ method: "GET", path: "/v1/charges/*", times: 9, kind: "endless" });
  const error = await failure(node.refunds.create(request(charge, "endless")));
  await stripe.control("DELETE", "faults");
  assert.ok(error instanceof OperationFailed, String(error));
  assert.equal(await refundsOf(charge), 0);
});

test("a port where nobody listens is a failure in which nothing was sent", async () => {
  const gone = await server((_, response) => response.end());
  await gone.stop();
  const lonely = await RefundNode.open({ key: KEY, baseUrl: gone.url, maxRetries: 0 });
  const error = await failure(lonely.refunds.create(request({ id: "ch_1" }, "nobody")));
  await lonely.close();
  assert.equal(error.kind, "transport");
  assert.equal(error.details.kind, "connect");
});

test("two clients with two keys stay apart", async () => {
  const seen = await server((_, response) => {
    response.statusCode = 401;
    response.end('{"error":{"type":"invalid_request_error","message":"no"}}');
  });
  const clients = await Promise.all(
    ["sk_test_one", "rk_test_two"].map((key) => RefundNode.open({ key, baseUrl: seen.url, account: key.replace(/.k_test/, "acct") })),
  );
  try {
    await Promise.all(clients.flatMap((one) => [1, 2, 3].map(() => failure(one.refunds.balance({})))));
    const pairs = new Set(seen.seen.map(({ headers }) => `${headers.authorization} ${headers["stripe-account"]}`));
    assert.deepEqual([...pairs].sort(), ["Bearer rk_test_two acct_two", "Bearer sk_test_one acct_one"]);
  } finally {
    await Promise.all(clients.map((one) => one.close()));
    await seen.stop();
  }
});

test("a key function is asked for every request, and its failure says nothing", async () => {
  const charge = await stripe.charge();
  let asked = 0;
  const vault = await RefundNode.open({ key: async () => (asked++, KEY), baseUrl: stripe.url });
  const before = (await stripe.stats()).requests;
  await vault.refunds.create(request(charge, "vault"));
  assert.equal(asked, (await stripe.stats()).requests - before);
  await vault.close();

  const broken = await RefundNode.open({ key: () => { throw new Error("sk_test_leaked"); }, baseUrl: stripe.url });
  const error = await failure(broken.refunds.balance({}));
  await broken.close();
  assert.equal(error.code, "missing-key");
  assert.ok(!JSON.stringify(error).includes("leaked") && !error.stack.includes("leaked"));
});

test("a key that fails between two requests ends the call before the second is sent", async () => {
  const charge = await stripe.charge();
  const keys = [KEY];
  const failing = await RefundNode.open({ key: () => keys.pop() ?? Promise.reject(new Error("locked")), baseUrl: stripe.url });
  const error = await failure(failing.refunds.create(request(charge, "half")));
  await failing.close();
  assert.equal(error.kind, "transport");
  assert.equal(await refundsOf(charge), 0);
});

test("keys that cannot be used are refused by kind", async () => {
  for (const [key, code] of [["pk_test_1", "wrong-key"], ["whsec_1", "wrong-key"], ["hello", "wrong-key"],
    ["sk_test_a b", "wrong-key"], ["sk_test_", "wrong-key"], ["", "missing-key"], ["sk_live_1", "live-key"]]) {
    const error = await failure(RefundNode.open({ key }));
    assert.equal(error.code, code, key);
    assert.ok(error instanceof HostError && (key === "" || !JSON.stringify(error).includes(`"${key}`)));
  }
  await (await RefundNode.open({ key: "sk_live_1", live: true })).close();
});

test("without a key, pure operations run and others say what is missing", async () => {
  const keyless = await RefundNode.open();
  const verdict = await failure(keyless.eligibility.check({ charge: 1 }));
  assert.ok(verdict instanceof InvalidInput);
  assert.equal((await failure(keyless.refunds.balance({}))).code, "missing-key");
  await keyless.close();
});

test("wrong inputs are told by field, and nothing is sent", async () => {
  const before = (await stripe.stats()).requests;
  for (const amount of [2 ** 53, 1e300, Infinity, NaN, 2n ** 64n]) {
    const error = await failure(node.refunds.create({ operation_id: "x", payment: "ch_1", amount, currency: "usd" }));
    assert.ok(error instanceof InvalidInput, String(amount));
    assert.equal(error.problems[0].field, "amount");
  }
  const nested = await failure(node.refunds.create(request({ id: "ch_1" }, "x", { policy: { fee_rate: { basis_points: 290, fixed: 2 ** 60 } } })));
  assert.equal(nested.problems[0].field, "policy.fee_rate.fixed");
  const connected = await failure(node.refunds.create({ ...request({ id: "ch_1" }, "x"), connection: { api_key: "sk_test_x" } }));
  assert.equal(connected.problems[0].field, "connection");
  assert.ok(!JSON.stringify(connected).includes("sk_test_x"));
  const unknown = await failure(node.invoke("refunds.steal", {}));
  assert.ok(unknown instanceof UnknownOperation && unknown.known.includes("refunds.create"));
  assert.equal((await stripe.stats()).requests, before);
});

test("a BigInt that is safe is an amount like any other", async () => {
  const charge = await stripe.charge();
  const { refund } = await node.refunds.create(request(charge, "bigint", { amount: 1_234n }));
  assert.equal(refund.amount, 1_234);
});
