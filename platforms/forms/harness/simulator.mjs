import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { started } from "./process.mjs";

const KEY = "sk_test_simulator";
const BUILT = fileURLToPath(new URL("../../../target/debug/refund-node", import.meta.url));

/**
 * The simulator of this repository, on a free port. `REFUND_NODE_CLI` names the command; without it the
 * one that cargo built is taken.
 */
export async function simulator() {
  const command = process.env.REFUND_NODE_CLI ?? BUILT;
  if (!existsSync(command)) throw new Error(`${command} is not there: run cargo build, or set REFUND_NODE_CLI`);
  const { line, stop } = await started(command, ["simulate", "--port", "0"], { ready: /http:\/\/127/ });
  const url = /http:\/\/[\d.:]+/.exec(line)[0];
  return {
    url,
    stop,
    /** An order to the simulator itself; see its README. */
    order: (name, body) => json(`${url}/_control/${name}`, body),
    /** What is asked of Stripe by somebody else than the node. */
    stripe: (path, form) => json(`${url}/v1/${path}`, form && new URLSearchParams(form), { authorization: `Bearer ${KEY}` }),
  };
}

async function json(url, body, headers = {}) {
  const isForm = body instanceof URLSearchParams;
  const answer = await fetch(url, {
    method: body ? "POST" : "GET",
    headers,
    body: body && (isForm ? body : JSON.stringify(body)),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return JSON.parse(text);
}
