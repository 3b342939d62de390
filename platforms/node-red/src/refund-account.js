const { tellComponent } = require("./component.js");

/**
 * The account: the key and where Stripe is. Nodes that use it share one component with a few workers,
 * opened when the first of them needs it.
 */
module.exports = (RED) => {
  function Account(config) {
    RED.nodes.createNode(this, config);
    let opened;

    this.stripe = () => (opened ??= open(config, this.credentials));
    this.signingSecrets = () => (this.credentials.webhookSecrets ?? "").split(/[\s,]+/).filter(Boolean);

    this.on("close", (done) => {
      const closing = opened ? opened.then((stripe) => stripe.close(), () => undefined) : Promise.resolve();
      closing.then(() => done(), done);
    });
  }

  tellComponent(RED);
  RED.nodes.registerType("refund-account", Account, {
    credentials: { secretKey: { type: "password" }, webhookSecrets: { type: "password" } },
  });
};

async function open({ live, baseUrl, account }, { secretKey }) {
  const { RefundNode } = await import("refund-node");
  return await RefundNode.open({
    key: secretKey || undefined,
    live: live === true,
    baseUrl: baseUrl || undefined,
    account: account || undefined,
  });
}
