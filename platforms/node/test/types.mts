/** What the compiler must accept and refuse; it is checked by `npm run lint`, and never run. */
import { OperationFailed, RefundNode, Webhooks, expressWebhook, fastifyWebhook } from "refund-node";
import express from "express";
import fastify from "fastify";

const node = await RefundNode.open({ key: async () => "sk_test_1", maxRetries: 2 });
const made = await node.refunds.create({ operation_id: "a", payment: "ch_1" });
export const status = made.refund.status;
export const id: string = made.refund.id;
// @ts-expect-error a field that there is not
await node.refunds.create({ operation_id: "a", payment: "ch_1", amout: 1 });
// @ts-expect-error a field that has to be there
await node.refunds.create({ payment: "ch_1" });
// @ts-expect-error the connection is the package's to give
await node.refunds.create({ operation_id: "a", payment: "ch_1", connection: {} });
// @ts-expect-error null is no amount
await node.refunds.create({ operation_id: "a", payment: "ch_1", amount: null });
// @ts-expect-error nor is it everything
await node.refunds.create({ operation_id: "a", payment: "ch_1", amount_decimal: null, currency: null });
// @ts-expect-error nor a policy
await node.refunds.create({ operation_id: "a", payment: "ch_1", policy: { window_days: null }, document: null });
await node.refunds.create({ operation_id: "a", payment: "ch_1", reason: null, approval: null });

export const { available } = await node.invoke("refunds.balance", {});
export const anything: unknown = await node.invoke(id, {});

const webhooks = new Webhooks({ secrets: ["whsec_1"] });
export const type: string = webhooks.verify(new Uint8Array(), undefined).type;
express().post("/stripe", expressWebhook(webhooks, ({ id }) => id));
fastify().register(fastifyWebhook, { webhooks, handler: ({ id }) => id });

const error: unknown = undefined;
if (error instanceof OperationFailed && error.kind === "outcome-unknown") error.retryAfter?.toFixed();
