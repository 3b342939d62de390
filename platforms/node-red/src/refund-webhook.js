const { RawRoutes } = require("./raw-routes.js");

/**
 * Stripe's deliveries: a route of its own that takes the raw bytes. `http in` parses them, and what was
 * parsed and printed again has another signature.
 */
module.exports = (RED) => {
  const routes = new RawRoutes(RED.httpNode, RED.settings.httpNodeRoot);

  function RefundWebhook(config) {
    RED.nodes.createNode(this, config);
    const secrets = RED.nodes.getNode(config.account)?.signingSecrets() ?? [];
    if (secrets.length === 0) {
      this.status({ fill: "red", shape: "ring", text: "no signing secret" });
      this.error("No signing secret: give the account at least one. Without it anybody could send events, so none is taken.");
      return;
    }
    const route = listen(this, config, secrets).then((handler) => {
      routes.add(config.path, handler);
      return handler;
    });
    route.catch((error) => this.error(error.message));
    this.on("close", (done) => {
      route.then((handler) => routes.remove(config.path, handler)).then(() => done(), () => done());
    });
  }

  RED.nodes.registerType("refund-webhook", RefundWebhook);
};

/** An emptied field is the usual five minutes: `Number("")` would be 0, which takes a delivery of any age. */
const seconds = (tolerance) => (tolerance === undefined || tolerance === null || tolerance === "" ? 300 : Number(tolerance));

/** What answers Stripe: 400 for what is not Stripe's, 200 once the message is on its way. */
async function listen(node, { events, tolerance }, secrets) {
  const { expressWebhook, Webhooks } = await import("refund-node");
  const wanted = new Set((events ?? "").split(/[\s,]+/).filter(Boolean));
  const webhooks = new Webhooks({ secrets, tolerance: seconds(tolerance) });
  const status = (fill, text) => node.status({ fill, shape: "dot", text });

  const handle = (event) => {
    status("green", event.type);
    if (wanted.size > 0 && !wanted.has(event.type.replace(/^v1\./, ""))) return;
    node.send({ topic: event.type, payload: { ...webhooks.interpret(event), raw: event } });
  };
  return expressWebhook(webhooks, handle, {
    onRejected(error) {
      status("yellow", "rejected");
      node.warn(`A delivery was refused: ${error.message}`);
    },
    onError(error) {
      status("red", "failed");
      node.error(error.message);
    },
  });
}
