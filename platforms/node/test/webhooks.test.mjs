/** Deliveries: the vectors, and real servers. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";

import express5 from "express";
import express4 from "express4";
import fastify from "fastify";
import { expressWebhook, fastifyWebhook, Webhooks } from "refund-node";

const secret = "whsec_test";
const now = 1_790_000_000;
const refund = { id: "re_1", object: "refund", amount: 1_250, currency: "usd", status: "failed", charge: "ch_1", created: now, metadata: { note: "grüße" } };
const event = { id: "evt_1", object: "event", api_version: "2026-10-28.endive", created: now, type: "refund.failed", livemode: false, data: { object: refund } };
const body = JSON.stringify(event, null, 2);
const sign = (text, at = now) => `t=${at},v1=${createHmac("sha256", secret).update(`${at}.`).update(text).digest("hex")}`;
const webhooks = (options) => new Webhooks({ secrets: [secret], now: () => now, ...options });

test("the vectors: what all libraries accept is accepted, the rest is rejected", () => {
  const file = new URL("../../../tests/vectors/webhook-signatures.json", import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, "utf8"));
  assert.ok(cases.length > 100);
  const verdicts = cases.map(({ payload_b64, header, secret: own, now: at, tolerance }) => {
    try {
      return new Webhooks({ secrets: [own], tolerance, now: () => at })
        .verify(Buffer.from(payload_b64, "base64"), header ?? undefined).id;
    } catch (error) {
      assert.ok(error.kind === "rejected" || error.code === "missing-secret", String(error));
      return error.details?.type ?? error.code;
    }
  });
  const isSigned = (verdict) => /^evt_|^not_json$|^not_an_event$/.test(verdict);
  cases.forEach(({ id, consensus }, index) => {
    assert.equal(isSigned(verdicts[index]), consensus === "accept", `${id}: ${verdicts[index]}`);
  });
  assert.ok(verdicts.filter((verdict) => verdict.startsWith("evt_")).length > 20);
});

test("an event is Stripe's own object, from bytes and from text", () => {
  assert.deepEqual(webhooks().verify(Buffer.from(body), sign(body)), event);
  assert.deepEqual(webhooks().verify(body, sign(body)), event);
  assert.deepEqual(webhooks({ secrets: ["whsec_old", secret] }).verify(new TextEncoder().encode(body), [sign(body)]), event);
});

test("an event is interpreted in the terms of the contract", () => {
  const hooks = webhooks();
  const { event: parsed, action } = hooks.interpret(hooks.verify(body, sign(body)));
  assert.equal(parsed.subject.refund.id, "re_1");
  assert.equal(action.refund_failed.status, "failed");
});

test("rejections have the contract's words, and keep no state", () => {
  const hooks = webhooks();
  const rejected = (type, ...delivery) =>
    assert.throws(() => hooks.verify(...delivery), (error) => error.kind === "rejected" && error.details.type === type, type);
  rejected("mismatch", `${body} `, sign(body));
  rejected("no_header", body, undefined);
  rejected("too_old", body, sign(body, now - 301));
  rejected("not_json", "{", sign("{"));
  rejected("not_an_event", "[]", sign("[]"));
  assert.throws(() => hooks.verify(Buffer.alloc(2 << 20), sign("")), { kind: "rejected" });
  assert.ok(hooks.verify(body, sign(body)));
});

test("nothing is served without a secret", () => {
  for (const secrets of [[], [""], ["whsec_1", " "], undefined, "whsec_1", [undefined]]) {
    assert.throws(() => new Webhooks({ secrets }), { code: "missing-secret" });
  }
  assert.throws(() => expressWebhook(undefined, () => undefined), { code: "missing-secret" });
});

test("a parsed body says how it is mended", () => {
  for (const parsed of [event, undefined, null, 5]) {
    assert.throws(() => webhooks().verify(parsed, sign(body)), (error) =>
      error.code === "parsed-body" && /Express/.test(error.message) && /Fastify/.test(error.message) && /n8n/.test(error.message));
  }
});

/** What an app answers to deliveries, and what its handler got. */
async function served(listen, request = {}) {
  const url = await listen();
  const post = async (text, header) => {
    const headers = { "content-type": "application/json", ...(header ? { "stripe-signature": header } : {}), ...request };
    const answer = await fetch(`${url}/stripe`, { method: "POST", body: text, headers });
    return [answer.status, await answer.text()];
  };
  return {
    good: await post(body, sign(body)),
    forged: await post(body, sign(`${body} `)),
    bare: await post(body),
    empty: await post("", sign("")),
  };
}

const expected = { good: [200, "received"], forged: [400, "rejected"], bare: [400, "rejected"], empty: [400, "rejected"] };

const expresses = { "Express 4": express4, "Express 5": express5 };
for (const [name, express] of Object.entries(expresses)) {
  const app = (...before) => {
    const got = [];
    const errors = [];
    const made = express();
    for (const one of before) made.use(one);
    made.post("/stripe", expressWebhook(webhooks(), (one) => got.push(one.id), { onError: (error) => errors.push(error) }));
    const listening = http.createServer(made);
    const listen = () => new Promise((resolve) => {
      listening.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${listening.address().port}`));
    });
    return { got, errors, listen, close: () => (listening.closeAllConnections(), listening.close()) };
  };

  for (const [parser, before] of [["without a parser", []], ["with express.raw", [express.raw({ type: "*/*" })]], ["with express.text", [express.text({ type: "*/*" })]]]) {
    test(`${name} ${parser}`, async () => {
      const one = app(...before);
      assert.deepEqual(await served(one.listen), expected);
      assert.deepEqual([one.got, one.errors], [["evt_1"], []]);
      one.close();
    });
  }

  test(`${name} with express.json before it: 500, and the error says what to change`, async () => {
    const one = app(express.json());
    const { good } = await served(one.listen);
    assert.deepEqual(good, [500, "failed"]);
    assert.equal(one.errors[0].code, "parsed-body");
    assert.match(one.errors[0].message, /before app\.use\(express\.json\(\)\)/);
    one.close();
  });
}

test("Fastify, beside routes with parsed bodies", async () => {
  const got = [];
  const app = fastify();
  app.post("/other", async (request) => ({ type: typeof request.body }));
  app.register(fastifyWebhook, { webhooks: webhooks(), handler: (one) => got.push(one.id), path: "/stripe" });
  const listen = () => app.listen({ port: 0, host: "127.0.0.1" });
  assert.deepEqual(await served(listen), expected);
  assert.deepEqual(got, ["evt_1"]);
  const other = await app.inject({ method: "POST", url: "/other", payload: { a: 1 } });
  assert.deepEqual(other.json(), { type: "object" });
  await app.close();
});

test("a handler that fails has the event sent again, and a rejection has its reason told here alone", async () => {
  const errors = [];
  const reasons = [];
  const app = fastify();
  const handler = () => Promise.reject(new Error("no database"));
  app.register(fastifyWebhook, { webhooks: webhooks(), handler, path: "/stripe",
    onError: (error) => errors.push(error.message), onRejected: (error) => reasons.push(error.details.type) });
  const answers = await served(() => app.listen({ port: 0, host: "127.0.0.1" }));
  assert.deepEqual(answers, { ...expected, good: [500, "failed"] });
  assert.deepEqual(errors, ["no database"]);
  assert.deepEqual(reasons.slice(0, 2), ["mismatch", "no_header"]);
  await app.close();
});
