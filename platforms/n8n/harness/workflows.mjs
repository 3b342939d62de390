/** Pieces of workflows, as the editor would save them. */

export const REFUND_NODE = "n8n-nodes-refund-node.refundNode";
export const TRIGGER = "n8n-nodes-refund-node.refundNodeTrigger";

export function node(name, type, typeVersion, parameters, more = {}) {
  return { id: name.toLowerCase().replace(/\W+/g, "-"), name, type, typeVersion, position: [0, 0], parameters, ...more };
}

/** A workflow whose nodes follow one another. */
export function chain(name, nodes) {
  const follow = nodes.slice(0, -1).map((one, index) => [one.name, { main: [[{ node: nodes[index + 1].name, type: "main", index: 0 }]] }]);
  return { name, nodes, connections: Object.fromEntries(follow), settings: { executionOrder: "v1" } };
}

/**
 * `POST path` runs the Refund Node with these parameters and answers with its item: the output, or
 * `{error}`, since the node goes on after a failure.
 */
export function called(path, parameters, credentials) {
  return chain(path, [
    node("Called", "n8n-nodes-base.webhook", 2, { httpMethod: "POST", path, responseMode: "lastNode", options: {} }, { webhookId: path }),
    node("Refund", REFUND_NODE, 1, parameters, { credentials, onError: "continueRegularOutput" }),
  ]);
}

/** An example of this package, with a credential of the server that it is meant for. */
export function prepared(example, credentials) {
  const nodes = example.nodes.map((one) => (one.type.startsWith("n8n-nodes-refund-node.") ? { ...one, credentials } : one));
  return { ...example, nodes };
}
