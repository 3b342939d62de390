/** One start in a process of its own, for the bench: prints milliseconds. */
const began = performance.now();
if (process.argv[2] === "stripe") {
  await import("stripe");
} else {
  const { RefundNode } = await import("refund-node");
  const node = await RefundNode.open();
  const charge = { id: "ch_1", amount: 2500, currency: "usd", status: "succeeded", captured: true, created: 1_790_000_000,
    amount_captured: 2500, amount_refunded: 0, refunded: false, disputed: false, livemode: false, paid: true };
  await node.eligibility.check({ charge, now: 1_790_000_100 });
}
console.log(performance.now() - began);
process.exit();
