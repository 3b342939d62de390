/** Numbers arrive as they left. */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { encode } from "../build/encode.js";
import { decode } from "../build/json.js";

test("what JSON can say is said as JSON.stringify says it", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
    let text;
    try {
      text = encode(value);
    } catch (error) {
      assert.equal(error.kind, "invalid-input");
      return;
    }
    assert.equal(text, JSON.stringify(value));
    assert.deepEqual(decode(text), JSON.parse(text));
  }));
});

test("BigInts are written digit by digit, up to u64", () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.string(), (amount, text) => {
    assert.equal(encode({ a: { amount }, text }), `{"a":{"amount":${amount}},"text":${JSON.stringify(text)}}`);
  }));
  assert.throws(() => encode({ amount: 2n ** 64n }), { kind: "invalid-input" });
});

test("large integers come back as BigInts, wherever they stand, and strings stay strings", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.string(), (large, text) => {
    const read = decode(`{"list":[${large}, "${large}"],${JSON.stringify(text)}:${JSON.stringify(text)}, "\\"${large}":1.5e3}`);
    const isSafe = Number.isSafeInteger(Number(large));
    assert.equal(read.list[0], isSafe ? Number(large) : large);
    assert.equal(read.list[1], String(large));
    assert.equal(read[`"${large}`], 1500);
  }));
});

test("fractions and exponents are numbers", () => {
  const text = "0.12345678901234567";
  assert.deepEqual(decode(`[${text}, 1e300, 9007199254740991, 9007199254740993]`), [
    Number(text), 1e300, 9007199254740991, 9007199254740993n,
  ]);
});

test("what goes round in circles is refused, not followed", () => {
  const circle = {};
  circle.self = circle;
  assert.throws(() => encode(circle), { kind: "invalid-input" });
});
