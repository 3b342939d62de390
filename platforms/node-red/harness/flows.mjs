/**
 * Pieces of flows, as the editor would save them. No id may be the value of any property: Node-RED takes it
 * for a reference, and a node that refers to itself is not started.
 */

export const TAB = { id: "tab", type: "tab", label: "Tests" };

/** A configuration node with its key. */
export function account(id, { key, baseUrl, live = false, webhookSecrets }) {
  const credentials = { secretKey: key ?? "", webhookSecrets: webhookSecrets ?? "" };
  return { id, type: "refund-account", name: "", live, baseUrl, account: "", credentials };
}

export function refund(id, { wires, ...config }) {
  return { id, type: "refund", z: "tab", name: "", operation: "", fields: {}, merge: true, ...config, wires: [wires] };
}

/**
 * `POST path` runs a refund node and answers with `{output}`, or with `{error}` from its Catch node.
 *
 * @param {object[]} before nodes between the request and the refund node, each wired to the next
 */
export function called(path, config) {
  const id = (part) => `${config.id}-${part}`;
  const change = (part, to, wires) => ({ id: id(part), type: "change", z: "tab", name: "", rules: to, wires: [wires] });
  const set = (p, to) => ({ t: "set", p, pt: "msg", to, tot: "jsonata" });
  return [
    { id: id("in"), type: "http in", z: "tab", name: "", url: path, method: "post", upload: false, wires: [[id("open")]] },
    change("open", [set("operation", "payload.operation"), set("payload", "payload.input")], [config.id]),
    refund(config.id, { ...config, wires: [id("done")] }),
    change("done", [set("payload", '{"output": payload}')], [id("out")]),
    { id: id("catch"), type: "catch", z: "tab", name: "", scope: [config.id], uncaught: false, wires: [[id("failed")]] },
    change("failed", [set("payload", '{"error": error.cause ? error.cause : error}')], [id("out")]),
    { id: id("out"), type: "http response", z: "tab", name: "", statusCode: "", headers: {}, wires: [] },
  ];
}
