// Runs the conformance protocol in a real Node-RED; see platforms/conformance.
//
// Each credential has an account and a flow: `http in`, the refund node with the operation from the
// message and the input in the payload, a Catch node, `http response`.

import { KEYS, serve } from "../forms/harness/runner.mjs";
import { account, called, TAB } from "./harness/flows.mjs";
import { nodeRed } from "./harness/node-red.mjs";

const baseUrl = process.env.REFUND_NODE_BASE_URL;
const runtime = await nodeRed();
try {
  await runtime.deploy([TAB, ...Object.entries(KEYS).flatMap(flow)]);
  const component = await runtime.component();
  await serve({ platform: "node-red", version: runtime.version, ...component }, ({ operation, input, credential }) => runtime.post(`/${credential}`, { operation, input }));
} finally {
  await runtime.stop();
}

function flow([name, key]) {
  return [account(`account-${name}`, { key, baseUrl }), ...called(`/${name}`, { id: name, account: `account-${name}` })];
}
