// The built nodes, as n8n loads them. What n8n itself does with them is in e2e.mjs and conformance.mjs.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { n8n, ...packaging } = require("../package.json");
const { RefundNode } = require("../dist/nodes/RefundNode/RefundNode.node.js");
const { RefundNodeTrigger } = require("../dist/nodes/RefundNodeTrigger/RefundNodeTrigger.node.js");
const { RefundNodeApi } = require("../dist/credentials/RefundNodeApi.credentials.js");
const manifest = require("../dist/refund-node/manifest.json");

const { properties } = new RefundNode().description;

/** What the panel shows for an operation. */
function shown(name, specifyInput = "fields") {
  const [resource, operation] = name.split(".");
  const chosen = { resource, operation, specifyInput };
  return properties.filter(({ displayOptions }) =>
    Object.entries(displayOptions?.show ?? {}).every(([key, values]) => values.includes(chosen[key])),
  );
}

function inputProperties({ input_schema }) {
  const schema = input_schema.$ref ? manifest.$defs[input_schema.$ref.replace("#/$defs/", "")] : input_schema;
  return { names: Object.keys(schema.properties ?? {}).filter((name) => name !== "connection"), required: schema.required ?? [] };
}

for (const operation of manifest.operations) {
  test(`${operation.name}: the panel offers it and reaches its whole input`, () => {
    const panel = shown(operation.name);
    const [, verb] = operation.name.split(".");
    const choice = panel.find(({ name }) => name === "operation").options.find(({ value }) => value === verb);
    assert.deepEqual([choice.name, choice.action], [operation.title, operation.title]);

    const additional = panel.find(({ name }) => name === "additionalFields")?.options ?? [];
    const offered = [...panel, ...additional].map(({ name }) => name);
    const { names, required } = inputProperties(operation);
    assert.deepEqual(names.filter((name) => !offered.includes(name)), []);
    for (const name of required.filter((one) => one !== "secrets")) {
      assert.equal(panel.find((property) => property.name === name)?.required, true, name);
    }
  });
}

test("only what moves money says so, and its operation ID has no default", () => {
  for (const { name, effect } of manifest.operations) {
    const notices = shown(name).filter(({ type }) => type === "notice");
    assert.equal(notices.length, effect === "moves-money" ? 1 : 0, name);
  }
  assert.equal(shown("refunds.create").find(({ name }) => name === "operation_id").default, "");
});

test("an input written as JSON has no other fields beside it", () => {
  const names = shown("refunds.create", "json").map(({ name }) => name);
  assert.deepEqual(names.filter((name) => !name.startsWith("notice_")), ["resource", "operation", "specifyInput", "inputJson"]);
});

test("secrets are hidden on screen, and the credential cannot be used elsewhere", () => {
  const credential = new RefundNodeApi();
  for (const name of ["secretKey", "webhookSecrets"]) {
    assert.equal(credential.properties.find((property) => property.name === name).typeOptions.password, true);
  }
  assert.equal(credential.authenticate, undefined);
  const [secrets] = shown("webhooks.verify").find(({ name }) => name === "additionalFields").options.filter(({ name }) => name === "secrets");
  assert.equal(secrets.typeOptions.password, true);
});

test("the package names what it has, and depends on nothing", () => {
  for (const file of [...n8n.nodes, ...n8n.credentials]) assert.ok(existsSync(new URL(`../${file}`, import.meta.url)), file);
  assert.equal(packaging.dependencies, undefined);
});

test("the icon is the manifest's", () => {
  const path = /d='([^']+)'/.exec(manifest.icon)[1];
  for (const { light, dark } of [new RefundNode().description.icon, new RefundNodeTrigger().description.icon]) {
    for (const file of [light, dark]) {
      const svg = readFileSync(new URL(file.replace("file:", ""), new URL("../dist/nodes/RefundNode/", import.meta.url)), "utf8");
      assert.ok(svg.includes(path), file);
    }
  }
});

/** As much of n8n as one execution of the node asks for. */
function execution(items, { continues = false } = {}) {
  return {
    getNode: () => ({ name: "Refund Node", type: "refundNode", typeVersion: 1, parameters: {} }),
    getInputData: () => items.map(() => ({ json: {} })),
    getNodeParameter: (name, index, otherwise) => items[index][name] ?? otherwise,
    getTimezone: () => "America/New_York",
    continueOnFail: () => continues,
  };
}

const parse = (payload) => ({ resource: "webhooks", operation: "parse", specifyInput: "fields", additionalFields: { payload } });
const good = parse(JSON.stringify({ id: "evt_1", object: "event", type: "refund.failed", created: 1, livemode: false, data: { object: {} } }));
const run = (items, options) => new RefundNode().execute.call(execution(items, options));

test("each item is one call, and its answer says which item it belongs to", async () => {
  const [answers] = await run([good, good]);
  assert.deepEqual(answers.map(({ pairedItem }) => pairedItem), [{ item: 0 }, { item: 1 }]);
  assert.equal(answers[1].json.event.id, "evt_1");
});

test("a node that goes on has the whole failure in the item, and goes on", async () => {
  const [[first, second]] = await run([parse("no event"), good], { continues: true });
  assert.deepEqual(Object.keys(first.json), ["error"]);
  assert.equal(first.json.error.kind, "rejected");
  assert.equal(second.json.event.id, "evt_1");
});

test("what nobody foresaw is an error in its item too: a node that throws would hand its input on as done", async () => {
  const context = execution([good, good], { continues: true });
  const { getNodeParameter } = context;
  context.getNodeParameter = (name, index, otherwise) => {
    if (index === 0) throw new Error("the expression fails");
    return getNodeParameter(name, index, otherwise);
  };
  const [[first, second]] = await new RefundNode().execute.call(context);
  assert.deepEqual(first.json.error, { kind: "host", code: "unexpected", message: "the expression fails" });
  assert.equal(second.json.event.id, "evt_1");
  const withoutKeys = execution([good], { continues: true });
  withoutKeys.getNode = () => ({ ...context.getNode(), credentials: { refundNodeApi: { id: "1", name: "gone" } } });
  withoutKeys.getCredentials = () => Promise.reject(new Error("the credential cannot be read"));
  const [[refused]] = await new RefundNode().execute.call(withoutKeys);
  assert.equal(refused.json.error.message, "the credential cannot be read");
});

test("a node that stops says what happened and what to do", async () => {
  await assert.rejects(run([good, parse("no event")]), (error) => {
    assert.equal(error.context.itemIndex, 1);
    assert.match(error.description, /forged, too old or no event/);
    return true;
  });
});

test("a field without a value stops before anything is sent", async () => {
  await assert.rejects(run([parse(undefined)]), /payload: this is empty/);
  const list = { resource: "refunds", operation: "list", specifyInput: "fields", additionalFields: { limit: "ten" } };
  await assert.rejects(run([list]), /limit: this is no whole number/);
});

test("without a credential what needs none works, and the rest says that the key is missing", async () => {
  await run([good]);
  const list = { resource: "refunds", operation: "list", specifyInput: "fields" };
  const [[{ json }]] = await run([list], { continues: true });
  assert.deepEqual([json.error.kind, json.error.code], ["host", "missing-key"]);
});
