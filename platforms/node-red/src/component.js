const { createHash } = require("node:crypto");

/** `GET /refund-node/component` in the admin API: which component this Node-RED really loaded. */
exports.tellComponent = (RED) => {
  RED.httpAdmin.get("/refund-node/component", RED.auth.needsPermission("refund-account.read"), async (_, response, next) => {
    try {
      response.json(await identity());
    } catch (error) {
      next(error);
    }
  });
};

async function identity() {
  const { RefundNode } = await import("refund-node");
  const stripe = await RefundNode.open({ workers: 1 });
  try {
    const manifest = createHash("sha256").update(await stripe.describe()).digest("hex");
    return { digest: stripe.digest, manifest: `sha256:${manifest}` };
  } finally {
    await stripe.close();
  }
}
