/** What may be sent where: the boundary that the key depends on. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import fc from "fast-check";

import { isLoopback, isPublic } from "../build/egress/address.js";
import { Allow } from "../build/egress/allow.js";
import { Egress } from "../build/egress/egress.js";
import { parseBaseUrl } from "../build/egress/origin.js";
import { isForbidden } from "../build/sandbox/headers.js";
import { server } from "./support.mjs";

const require = createRequire(import.meta.url);
const rules = require("../dist/egress.json").requests;
/** What every host is tested with. */
const cases = require("../../egress-cases.json");
const stripe = new Allow(rules);
const wire = (method, url, headers = []) => ({ method, url, headers, body: new Uint8Array(), connectTimeoutMs: undefined });

test("only what the operations send", () => {
  for (const [method, url, good] of [
    ["POST", "https://api.stripe.com/v1/refunds", true],
    ["GET", "https://api.stripe.com/v1/refunds?charge=ch_1&limit=100", true],
    ["POST", "https://api.stripe.com/v1/refunds/re_1/cancel", true],
    ["POST", "https://files.stripe.com/v1/files", true],
    ["GET", "https://api.stripe.com:443/v1/charges/ch_1", true],
    ["GET", "https://API.STRIPE.COM/v1/charges/ch_1", true],
    ["GET", "https://files.stripe.com/v1/files", false],
    ["POST", "https://files.stripe.com/v1/refunds", false],
    ["POST", "http://files.stripe.com/v1/files", false],
    ["POST", "https://api.stripe.com/v1/files", false],
    ["DELETE", "https://api.stripe.com/v1/refunds/re_1", false],
    ["POST", "https://api.stripe.com/v1/charges", false],
    ["POST", "https://api.stripe.com/v1/transfers", false],
    ["GET", "https://api.stripe.com/v1/refunds/", false],
    ["GET", "https://api.stripe.com/v1/refunds/re_1/x", false],
    ["GET", "https://api.stripe.com/v1/charges/../balance", false],
    ["GET", "https://api.stripe.com/v1/charges/%2e%2e", false],
    ["GET", "https://api.stripe.com/v1//charges", false],
    ["GET", "https://api.stripe.com/v1/charges/a%2Fb", false],
    ["GET", "https://api.stripe.com/v1/charges/a\\b", false],
    ["GET", "https://api.stripe.com/v1/charges/a b", false],
    ["GET", "http://api.stripe.com/v1/refunds", false],
    ["GET", "https://api.stripe.com:8443/v1/refunds", false],
    ["GET", "https://api.stripe.com.evil.example/v1/refunds", false],
    ["GET", "https://api.stripe.com@evil.example/v1/refunds", false],
    ["GET", "https://evil.example/v1/refunds", false],
    ["GET", "https://evil.example\\@api.stripe.com/v1/refunds", false],
    ["GET", "/v1/refunds", false],
    ["GET", "", false],
  ]) {
    assert.equal(stripe.permits(method, url) !== undefined, good, `${method} ${url}`);
  }
  assert.equal(new Allow([]).permits("GET", "https://api.stripe.com/v1/refunds"), undefined);
});

test("with a base URL everything goes there, files too, and nothing to Stripe", () => {
  const allow = new Allow(rules, "http://127.0.0.1:1234");
  assert.ok(allow.permits("POST", "http://127.0.0.1:1234/v1/files"));
  for (const url of ["https://files.stripe.com/v1/files", "https://api.stripe.com/v1/refunds", "http://127.0.0.1/v1/files"]) {
    assert.equal(allow.permits("POST", url), undefined, url);
  }
});

test("whatever the URL, what is permitted goes to Stripe, on a path of the list", () => {
  const paths = rules.map(({ path }) => new RegExp(`^${path.replace("{id}", "[0-9A-Za-z_]+")}$`));
  const piece = fc.oneof(
    fc.constantFrom("https:", "http:", "//", "/", "\\", "@", "?", "#", "%2f", "..", ".", ";", ":443", " ", "\t", "\n",
      "api.stripe.com", "files.stripe.com", "evil.example", "v1", "refunds", "charges", "files", "re_1", "\u3002", "\u200b"),
    fc.string({ maxLength: 4 }),
  );
  const random = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
  const near = fc.tuple(fc.constantFrom(...rules), fc.nat(60), piece).map(([{ origin, path }, at, text]) => {
    const url = `${origin}${path.replace("{id}", "re_1")}`;
    return url.slice(0, at) + text + url.slice(at);
  });
  const method = fc.constantFrom("GET", "POST", "DELETE", "get");
  let permitted = 0;
  fc.assert(
    fc.property(method, fc.oneof(random, near), (verb, text) => {
      const url = stripe.permits(verb, text);
      if (!url) return;
      permitted += 1;
      assert.ok(["https://api.stripe.com", "https://files.stripe.com"].includes(url.origin), text);
      assert.ok(paths.some((path) => path.test(url.pathname)), text);
      assert.equal(url.username + url.password + url.hash, "", text);
    }),
    { numRuns: 5_000 },
  );
  assert.ok(permitted > 0, "the property looked at nothing");
});

test("every id of Stripe's is one segment, and nothing else is", () => {
  fc.assert(fc.property(fc.stringMatching(/^[a-z]{2,4}_[0-9A-Za-z]{1,40}$/), (id) => {
    assert.ok(stripe.permits("GET", `https://api.stripe.com/v1/charges/${id}`));
    assert.equal(stripe.permits("GET", `https://api.stripe.com/v1/charges/${id}/refunds`), undefined);
  }));
});

test("base URLs", () => {
  for (const [url, good] of [
    ["http://127.0.0.1:1234", true],
    ["http://[::1]:1234", true],
    ["http://localhost:1234/", true],
    ["https://proxy.example", true],
    ["https://8.8.8.8", true],
    ["http://proxy.example", false],
    ["http://localhost.evil.example", false],
    ["https://10.0.0.1", false],
    ["https://0x0a000001", false],
    ["https://169.254.169.254", false],
    ["https://[fd00::1]", false],
    ["https://[::ffff:10.0.0.1]", false],
    ["https://0.0.0.0", false],
    ["https://user@proxy.example", false],
    ["https://proxy.example/path", false],
    ["https://proxy.example?query", false],
    ["ftp://proxy.example", false],
    ["proxy.example", false],
    ["", false],
  ]) {
    const parse = () => parseBaseUrl(url);
    if (good) assert.ok(parse(), url);
    else assert.throws(parse, { code: "wrong-base-url" }, url);
  }
});

test("every address has its verdict", () => {
  for (const [address, expected] of Object.entries(cases.addresses)) {
    const verdict = isLoopback(address) ? "loopback" : isPublic(address) ? "public" : "special";
    assert.equal(verdict, expected, address);
  }
});

test("every header has its verdict", () => {
  for (const [name, expected] of Object.entries(cases.headers)) {
    assert.equal(isForbidden(name) ? "forbidden" : "allowed", expected, name);
  }
});

test("a guest's own key, and headers that are the host's, are refused", async () => {
  const seen = await server((_, response) => response.end("{}"));
  const egress = new Egress(new Allow(rules, seen.url));
  let asked = 0;
  const key = async () => (asked++, "sk_test_1");
  const signal = new AbortController().signal;
  for (const name of ["Authorization", "HOST", "cookie", "Stripe-Context", "transfer-encoding"]) {
    const outcome = await egress.send(wire("GET", `${seen.url}/v1/refunds`, [[name, "x"]]), key, signal);
    assert.deepEqual(outcome, { error: "HTTP-request-denied" });
  }
  assert.deepEqual(await egress.send(wire("GET", `${seen.url}/v1/customers`), key, signal), { error: "HTTP-request-denied" });
  assert.deepEqual([asked, seen.seen], [0, []], "no key was fetched, nothing was sent");
  await egress.send(wire("GET", `${seen.url}/v1/refunds`, [["x-a", "1"], ["X-A", "2"]]), key, signal);
  assert.equal(seen.seen[0].headers.authorization, "Bearer sk_test_1");
  assert.equal(seen.seen[0].headers["x-a"], "1, 2");
  egress.close();
  await seen.stop();
});

test("bounds of time and size, and what each means for the request", async () => {
  const signal = new AbortController().signal;
  const key = async () => "sk_test_1";
  const ask = async (answer, bounds) => {
    const one = await server(answer);
    const egress = new Egress(new Allow(rules, one.url), bounds);
    const outcome = await egress.send(wire("GET", `${one.url}/v1/refunds`), key, signal);
    egress.close();
    await one.stop();
    return outcome;
  };
  assert.deepEqual(await ask(() => undefined, { wholeMs: 100 }), { error: "HTTP-response-timeout" });
  assert.deepEqual(await ask((request) => request.socket.destroy()), { error: "connection-terminated" });
  const large = await ask((_, response) => response.end(Buffer.alloc(5_000)), { mostAnswer: 1_000 });
  assert.match(large.broken, /larger/);
  const slow = await ask((_, response) => response.write("half"), { wholeMs: 200 });
  assert.match(slow.broken, /too long/);
  const half = await ask((_, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("half", () => response.destroy());
  });
  assert.match(half.broken, /ended in the middle/);
  assert.equal(Buffer.from(half.body).toString(), "half");
  const whole = await ask((_, response) => response.end("whole"));
  assert.equal(Buffer.from(whole.body).toString(), "whole");
  assert.equal(whole.body.buffer.byteLength, 5, "a view on a larger buffer would take along what else is in it");
});

test("a name for a private address is not connected to", async () => {
  const egress = new Egress(new Allow([{ method: "GET", origin: "https://localhost.localdomain", path: "/v1/refunds" }]));
  const signal = new AbortController().signal;
  const outcome = await egress.send(wire("GET", "https://localhost.localdomain/v1/refunds"), async () => "sk_test_1", signal);
  // A machine that does not know the name cannot resolve it: it is never a connection.
  assert.ok(["destination-IP-prohibited", "DNS-error"].includes(outcome.error), outcome.error);
  egress.close();
});
