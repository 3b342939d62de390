const { formsOf, plain } = require("../../forms/src/index.js");
const manifest = require("refund-node/manifest.json");

const { failureOf, reported } = require("./failure.js");
const { inputOfMessage } = require("./input.js");

const forms = formsOf(manifest);

/** One operation for each message: its input from the form and the payload, its output in the payload. */
module.exports = (RED) => {
  function Refund(config) {
    RED.nodes.createNode(this, config);
    const account = RED.nodes.getNode(config.account);
    const running = { fill: "blue", shape: "dot", text: "running" };

    this.on("input", async (msg, send, done) => {
      try {
        if (!account) throw new Error("no account is chosen: edit the node and choose one");
        this.status(running);
        const operation = config.operation || msg.operation;
        const form = forms.find((one) => one.name === operation);
        const input = inputOfMessage(form, config, msg, account.signingSecrets());
        msg.payload = plain(await (await account.stripe()).invoke(String(operation), input));
        this.status({ fill: "green", shape: "dot", text: operation });
        send(msg);
        done();
      } catch (error) {
        const failure = failureOf(error);
        this.status({ fill: "red", shape: "ring", text: failure?.kind ?? "error" });
        done(failure ? reported(failure) : error);
      }
    });
  }

  RED.nodes.registerType("refund", Refund);
};
