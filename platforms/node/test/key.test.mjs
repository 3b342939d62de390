/** The key is on the main thread, and in the header of a request, and nowhere else. */
import assert from "node:assert/strict";
import { syncBuiltinESMExports } from "node:module";
import { after, test } from "node:test";
import { inspect } from "node:util";
import threads from "node:worker_threads";

const KEY = "sk_test_verysecret4711";

/** Everything that this thread sends to another, before the package is loaded. */
const sent = [];
/** What workers are started with. */
const started = [];
threads.Worker = class extends threads.Worker {
  constructor(file, options) {
    super(file, options);
    started.push(options);
  }
};
syncBuiltinESMExports();
for (const { prototype } of [threads.Worker, threads.MessagePort]) {
  const { postMessage } = prototype;
  prototype.postMessage = function (message, ...rest) {
    sent.push(message);
    return postMessage.call(this, message, ...rest);
  };
}

/** Whether a text is anywhere in a message: views take the whole of their buffer along. */
function holds(message, text) {
  if (typeof message === "string") return message.includes(text);
  if (ArrayBuffer.isView(message)) return Buffer.from(message.buffer).includes(text);
  if (message instanceof ArrayBuffer || message instanceof SharedArrayBuffer) return Buffer.from(message).includes(text);
  if (typeof message !== "object" || message === null) return false;
  return Object.entries(message).some(([key, value]) => key.includes(text) || holds(value, text));
}

const { RefundNode } = await import("refund-node");
const { failure, server } = await import("./support.mjs");

test("neither errors, nor what is printed, nor messages to workers hold the key", async () => {
  process.env.STRIPE_SECRET_KEY = KEY;
  const stripe = await server((_, response) => {
    response.statusCode = 401;
    response.end('{"error":{"type":"invalid_request_error","message":"Invalid API Key"}}');
  });
  const node = await RefundNode.open({ key: KEY, baseUrl: stripe.url });
  after(() => Promise.all([node.close(), stripe.stop()]));
  const errors = [
    await failure(node.refunds.balance({})),
    await failure(node.refunds.create({ operation_id: "1", payment: "ch_1" })),
    await failure(node.refunds.create({ operation_id: "1", payment: "ch_1", amount: 2 ** 60 })),
    await failure(node.invoke("nothing", {})),
  ];
  assert.equal(stripe.seen[0].headers.authorization, `Bearer ${KEY}`, "it was sent");
  assert.ok(sent.length >= 3, "messages were seen");
  assert.ok(holds([{ a: Buffer.from("xverysecretx").subarray(0, 1) }], "verysecret"), "the search finds");
  for (const message of sent) assert.ok(!holds(message, "verysecret"));
  for (const value of [...errors, node, { node }, [node]]) {
    assert.ok(!inspect(value, { depth: 20, showHidden: true, getters: true }).includes("verysecret"));
    assert.ok(!JSON.stringify(value).includes("verysecret"));
  }
});

test("a worker is started without the environment and the flags of the process", () => {
  assert.ok(started.length > 0, "starts were seen");
  for (const { env, execArgv } of started) assert.deepEqual({ env, execArgv }, { env: {}, execArgv: [] });
});
