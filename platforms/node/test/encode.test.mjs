/** What is said is what is sent: a field that would vanish on the way is refused by its name. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { InvalidInput, manifest, RefundNode } from "refund-node";

import { encode } from "../build/encode.js";
import { shapeOf } from "../build/shape.js";
import { failure, KEY, server } from "./support.mjs";

const shape = (name) => shapeOf(manifest.operations.find((one) => one.name === name).input_schema, manifest.$defs);
const create = shape("refunds.create");
const base = { operation_id: "op-1", payment: "ch_1" };

/** The problems of an input, by field. */
function problems(input) {
  try {
    encode(input, create);
  } catch (error) {
    assert.equal(error.kind, "invalid-input", String(error));
    return Object.fromEntries(error.problems.map((problem) => [problem.field, problem]));
  }
  return {};
}

/** The class of a program that keeps its fields behind getters. */
class Wish {
  #amount;
  constructor(amount) {
    this.operation_id = "op-1";
    this.payment = "ch_1";
    this.#amount = amount;
  }
  get amount() {
    return this.#amount;
  }
  get currency() {
    return "usd";
  }
}

test("undefined is refused where null is, with what to do", () => {
  const [amount, currency] = [
    "leave the field out to refund everything that is left, or give an amount",
    "leave amount and currency out to refund everything that is left, or give both",
  ];
  for (const [field, fix] of [["amount", amount], ["amount_decimal", amount], ["currency", currency]]) {
    assert.deepEqual(problems({ ...base, [field]: undefined }), {
      [field]: { field, value: "", problem: "is undefined", fix },
    });
  }
  for (const path of ["document", "policy", "reverse_transfer", "operation_id"]) {
    assert.equal(problems({ ...base, [path]: undefined })[path]?.problem, "is undefined", path);
  }
  const nested = { ...base, policy: { window_days: undefined, required_metadata: { a: [undefined] } } };
  assert.deepEqual(Object.keys(problems(nested)), ["policy.window_days", "policy.required_metadata.a[0]"]);
  const limits = { ...base, document: { name: "a", version: "1", defaults: { never_above: { usd: undefined } } } };
  assert.deepEqual(Object.keys(problems(limits)), ["document.defaults.never_above.usd"]);
  // A name that the schema does not know would vanish before the component could refuse it.
  assert.deepEqual(Object.keys(problems({ ...base, amuont: undefined })), ["amuont"]);
});

test("undefined is left out where null is harmless", () => {
  const input = { ...base, reason: undefined, approval: undefined, metadata: { order: undefined } };
  assert.deepEqual(JSON.parse(encode(input, create)), { ...base, metadata: {} });
  // An object of Stripe's is data: its fields are not an intention.
  const charge = { id: "ch_1", amount: 5, unknown: undefined, customer: undefined };
  assert.deepEqual(JSON.parse(encode({ charge }, shape("eligibility.check"))), { charge: { id: "ch_1", amount: 5 } });
});

test("functions and symbols are no values", () => {
  for (const value of [() => 5, Symbol("five")]) {
    assert.equal(problems({ ...base, amount: value }).amount?.problem, `is a ${typeof value}`);
    assert.equal(problems({ ...base, reason: value }).reason?.problem, `is a ${typeof value}`);
  }
  assert.equal(problems({ ...base, policy: { payment_methods: [undefined] } })["policy.payment_methods[0]"]?.problem, "is undefined");
});

test("what JSON.stringify would leave out is refused: inherited fields, and fields that are not enumerable", () => {
  assert.deepEqual(Object.keys(problems(new Wish(1_000))), ["amount", "currency"]);
  assert.deepEqual(Object.keys(problems(new Wish(null))), ["amount", "currency"]);
  assert.match(problems(new Wish(5)).amount.fix, /plain object/);
  assert.deepEqual(Object.keys(problems(Object.create({ ...base, amount: 5 }))).sort(), ["amount", "operation_id", "payment"]);
  assert.deepEqual(Object.keys(problems(Object.defineProperty({ ...base }, "amount", { value: 5 }))), ["amount"]);
  class Rules {
    get window_days() {
      return 30;
    }
  }
  assert.deepEqual(Object.keys(problems({ ...base, policy: new Rules() })), ["policy.window_days"]);
});

test("getters of its own are read, once", () => {
  let reads = 0;
  const input = { ...base, get amount() { return (reads += 1) === 1 ? 5 : null; }, currency: "usd" };
  assert.deepEqual(JSON.parse(encode(input, create)), { ...base, amount: 5, currency: "usd" });
  assert.equal(reads, 1);
  assert.deepEqual(JSON.parse(encode(Object.assign(Object.create(null), base), create)), base);
});

test("toJSON decides what is sent, and what it gives is looked at", () => {
  class Entity {
    toJSON() {
      return { ...base, amount: undefined };
    }
  }
  assert.deepEqual(Object.keys(problems(new Entity())), ["amount"]);
  const amount = { toJSON: () => NaN };
  assert.deepEqual(Object.keys(problems({ ...base, amount })), ["amount"]);
  assert.equal(encode({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}');
});

test("objects that JSON writes as {} are refused", () => {
  for (const value of [new Map([["window_days", 30]]), new Set(), Promise.resolve({}), /a/, new Error("a"), new Uint8Array(1)]) {
    assert.match(problems({ ...base, policy: value }).policy?.problem, /cannot be written as JSON/, String(value));
  }
  assert.deepEqual(Object.keys(problems(new Map(Object.entries(base)))), ["input"]);
});

test("boxed values are what they hold", () => {
  assert.equal(encode({ a: Object(5), b: Object("x"), c: Object(true), d: Object(7n) }), '{"a":5,"b":"x","c":true,"d":7}');
});

let stripe;
let node;
before(async () => {
  stripe = await server((_, response) => response.end("{}"));
  node = await RefundNode.open({ key: KEY, baseUrl: stripe.url, maxRetries: 0 });
});
after(async () => {
  await node?.close();
  await stripe?.stop();
});

test("a refund without a certain amount is refused, and nothing is sent", async () => {
  for (const [input, ...fields] of [
    [{ ...base, amount: null }, "amount"],
    [{ ...base, amount: undefined }, "amount"],
    [{ ...base, amount: "" }, "amount"],
    [{ ...base, amount: NaN }, "amount"],
    [{ ...base, amount_decimal: null, currency: "usd" }, "amount_decimal"],
    [{ ...base, amount_decimal: "", currency: "usd" }, "amount_decimal"],
    [{ ...base, currency: null }, "currency"],
    [{ ...base, currency: "" }, "currency"],
    [{ ...base, currency: "usd" }, "currency"],
    [{ ...base, document: null }, "document"],
    [{ ...base, policy: null }, "policy"],
    [{ ...base, policy: { window_days: null } }, "policy.window_days"],
    [new Wish(null), "amount", "currency"],
    [new Wish(1_000), "amount", "currency"],
    [null, "input"],
    [undefined, "input"],
    ["{}", "input"],
    [[], "input"],
  ]) {
    const error = await failure(node.invoke("refunds.create", input));
    assert.ok(error instanceof InvalidInput, String(error));
    assert.deepEqual(error.problems.map(({ field }) => field), fields);
  }
  for (const call of [() => node.eligibility.checkLive({ payment: "ch_1", amount: undefined }), () => node.refunds.list({ payment: undefined })]) {
    assert.ok((await failure(call())) instanceof InvalidInput);
  }
  assert.deepEqual(stripe.seen, []);
});
