// Runs the conformance protocol in a real n8n; see platforms/conformance.
//
// n8n has to be installed: `node install.mjs FOLDER`, and REFUND_NODE_N8N names the folder. For each
// credential, operation and set of fields there is a workflow: Webhook, Refund Node, answer.

import { formsOf } from "../forms/src/index.js";
import { KEYS, serve } from "../forms/harness/runner.mjs";
import { loadedComponent } from "./harness/component.mjs";
import { parameters } from "./harness/input.mjs";
import { n8n } from "./harness/n8n.mjs";
import { called } from "./harness/workflows.mjs";

const { digest, manifest, manifestDigest } = await loadedComponent();
const forms = new Map(formsOf(manifest).map((form) => [form.name, form]));
const server = await n8n();
const webhooks = new Map();
try {
  const credentials = await kept(KEYS);
  const ready = { platform: "n8n", version: server.version, digest, manifest: manifestDigest };
  await serve(ready, async ({ operation, input, credential }) => {
    const wanted = parameters(forms.get(operation), operation, input);
    const url = await webhook(credential, wanted, credentials.get(credential));
    const json = await server.post(url, { operation, input });
    return "error" in json ? { error: json.error } : { output: json };
  });
  console.error(`${webhooks.size} workflows`);
} finally {
  await server.stop();
}

/** In n8n, no key is no credential chosen. */
async function kept(keys) {
  const all = Object.entries(keys).map(async ([name, secretKey]) => {
    const data = { secretKey, baseUrl: process.env.REFUND_NODE_BASE_URL, allowLiveKey: false };
    return [name, secretKey ? await server.credential(name, data) : undefined];
  });
  return new Map(await Promise.all(all));
}

/** The address of a workflow with these parameters, made when it is first asked for. */
async function webhook(credential, wanted, credentials) {
  const key = JSON.stringify([credential, wanted]);
  if (!webhooks.has(key)) {
    const path = `conformance-${webhooks.size}`;
    const workflow = await server.create(called(path, wanted, credentials));
    await server.activate(workflow, path);
    webhooks.set(key, server.webhook(path));
  }
  return webhooks.get(key);
}
