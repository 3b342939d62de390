import assert from "node:assert/strict";
import { test } from "node:test";

import Ajv from "ajv/dist/2020.js";

import { formsOf, inputOf, InvalidFields, plain, wholeInput } from "../src/index.js";
import { exampleOf } from "../src/example.js";
import { unwrap } from "../src/schema.js";
import { manifest } from "./manifest.js";

const forms = formsOf(manifest);
const form = (name) => forms.find((one) => one.name === name);

function inputSchema(name) {
  const { input_schema } = manifest.operations.find((operation) => operation.name === name);
  return unwrap(input_schema, manifest.$defs).schema;
}

function validatorOf(name) {
  const ajv = new Ajv({ strict: false, formats: { uint8: true, uint16: true, uint32: true, uint64: true, int32: true, int64: true } });
  return ajv.compile({ ...inputSchema(name), $defs: manifest.$defs });
}

test("every operation has a form, and no two forms are in the same place", () => {
  assert.deepEqual(forms.map((one) => one.name), manifest.operations.map((operation) => operation.name));
  const places = forms.map(({ resource, operation }) => `${resource.title} / ${operation.title}`);
  assert.equal(new Set(places).size, places.length);
});

for (const { name } of manifest.operations) {
  test(`${name}: the form reaches everything that the contract takes`, () => {
    const properties = Object.keys(inputSchema(name).properties ?? {}).filter((property) => property !== "connection");
    assert.deepEqual(form(name).fields.map((field) => field.name).sort(), properties.sort());
  });

  test(`${name}: a form filled in as a platform does it gives an input that fits the schema`, () => {
    const validate = validatorOf(name);
    const { properties = {} } = inputSchema(name);
    const native = Object.fromEntries(form(name).fields.map((field) => [field.name, exampleOf(properties[field.name], manifest.$defs)]));
    const asText = Object.fromEntries(
      Object.entries(native).map(([field, value]) => [field, typeof value === "string" ? value : JSON.stringify(value)]),
    );
    for (const values of [native, asText]) {
      const input = inputOf(form(name), values);
      assert.deepEqual(input, native);
      assert.ok(validate(input), JSON.stringify(validate.errors));
    }
  });
}

test("required fields come first and nothing that the contract wants is optional", () => {
  for (const { name, fields } of forms) {
    const wanted = inputSchema(name).required ?? [];
    assert.deepEqual(fields.filter((field) => field.required || field.secret).map((field) => field.name), wanted);
  }
});

test("the key has no field, and secrets are marked", () => {
  for (const { fields } of forms) assert.ok(!fields.some((field) => field.name === "connection"));
  assert.deepEqual(form("webhooks.verify").fields.filter((field) => field.secret).map((field) => field.name), ["secrets"]);
});

test("only what the operation takes is offered", () => {
  const reasons = form("refunds.create").fields.find((field) => field.name === "reason");
  assert.deepEqual(reasons.options.map((option) => option.value), ["duplicate", "fraudulent", "requested_by_customer"]);
});

test("the operation id of a refund has no default and says where to take it from", () => {
  const [field] = form("refunds.create").fields;
  assert.equal(field.name, "operation_id");
  assert.ok(field.required && !("default" in field));
  assert.match(field.description, /pay a second time/);
});

const refund = { operation_id: "op-1", payment: "ch_1" };

test("an amount whose expression found nothing is refused: it must not refund everything", () => {
  for (const nothing of [undefined, null, "", NaN]) {
    for (const field of ["amount", "amount_decimal"]) {
      assert.deepEqual(problems(() => inputOf(form("refunds.create"), { ...refund, [field]: nothing })), [field]);
    }
  }
});

test("numbers that were turned into text on the way are numbers again", () => {
  const values = { ...refund, amount: "2500", self_serve: "true", policy: '{"window_days": 30}' };
  assert.deepEqual(inputOf(form("refunds.create"), values), { ...refund, amount: 2500, self_serve: true, policy: { window_days: 30 } });
  assert.equal(inputOf(form("refunds.create"), { ...refund, amount: 2500n }).amount, 2500);
  assert.equal(inputOf(form("refunds.create"), { ...refund, operation_id: 4711 }).operation_id, "4711");
  assert.equal(inputOf(form("refunds.create"), { ...refund, amount_decimal: 25.5 }).amount_decimal, "25.5");
});

test("a number that cannot be held is refused by the name of its field, also deep inside", () => {
  const tooLarge = ["9007199254740993", 9007199254740992, 9007199254740993n, 1e300];
  for (const amount of tooLarge) {
    assert.deepEqual(problems(() => inputOf(form("refunds.create"), { ...refund, amount })), ["amount"]);
  }
  const policy = '{"fee_rate": {"basis_points": 290, "fixed": 9007199254740993}}';
  assert.deepEqual(problems(() => inputOf(form("refunds.create"), { ...refund, policy })), ["policy.fee_rate.fixed"]);
});

test("what is no whole number is refused, never rounded", () => {
  for (const amount of [25.5, "25.50", "1e3", "0x10", "25 usd", true, {}]) {
    assert.deepEqual(problems(() => inputOf(form("refunds.create"), { ...refund, amount })), ["amount"]);
  }
});

test("every problem is named at once", () => {
  const values = { operation_id: "", payment: "ch_1", amount: "many", document: "{" };
  assert.deepEqual(problems(() => inputOf(form("refunds.create"), values)), ["operation_id", "amount", "document"]);
});

test("times are Unix seconds, instants, or what the platform takes for local time", () => {
  const from = (created_from, options) => inputOf(form("refunds.list"), { created_from }, options).created_from;
  assert.equal(from(1793491200), 1793491200);
  assert.equal(from("1793491200"), 1793491200);
  assert.equal(from("2026-11-01T00:00:00Z"), 1793491200);
  assert.equal(from("2026-11-01T02:00:00+02:00"), 1793491200);
  assert.equal(from(new Date(1793491200999)), 1793491200);
  assert.equal(from({ toMillis: () => 1793491200999 }), 1793491200);
  assert.equal(from("2026-10-31T20:00:00", { localTime: () => 1793491200000 }), 1793491200);
  for (const wrong of ["2026-10-31T20:00:00", "2026-13-01T00:00:00Z", "yesterday"]) {
    assert.deepEqual(problems(() => from(wrong)), ["created_from"]);
  }
});

test("an output keeps every digit", () => {
  assert.deepEqual(plain({ amount: 2n ** 60n, list: [1] }), { amount: "1152921504606846976", list: [1] });
});

test("a secret is not repeated in a problem", () => {
  const refused = caught(() => inputOf(form("webhooks.verify"), { secrets: "whsec_very_secret" }));
  assert.ok(!JSON.stringify(refused).includes("very_secret"));
});

test("an input written as a whole goes as it is, with what JSON would change refused", () => {
  assert.deepEqual(wholeInput('{"reason": null, "unknown": 1}'), { reason: null, unknown: 1 });
  assert.deepEqual(problems(() => wholeInput('{"amount": null, "currency": "usd"}')), ["amount"]);
  assert.deepEqual(problems(() => wholeInput({ amount: NaN })), ["amount"]);
  assert.deepEqual(problems(() => wholeInput({ policy: { required_metadata: { a: [undefined] } } })), ["policy.required_metadata.a[0]"]);
  assert.deepEqual(problems(() => wholeInput("no json")), ["input"]);
});

function caught(call) {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof InvalidFields, error);
    return error.toJSON();
  }
  return assert.fail("nothing was refused");
}

function problems(call) {
  return caught(call).problems.map((problem) => problem.field);
}
