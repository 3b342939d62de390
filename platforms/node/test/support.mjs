/** What the tests share: the simulator, and a server that says whatever it is told to. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import http from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = process.env.REFUND_NODE_CLI ?? fileURLToPath(new URL("../../../target/debug/refund-node", import.meta.url));

export const KEY = "sk_test_simulator";

/** The component of tests/hostile, which is built with the workspace; undefined where only the command was built. */
export const hostileGuest = newestGuest(join(dirname(CLI), "build"));

function newestGuest(builds) {
  const folders = existsSync(builds) ? readdirSync(builds).filter((name) => name.startsWith("refund-tests-")) : [];
  const files = folders.map((name) => join(builds, name, "out", "hostile.wasm")).filter((file) => existsSync(file));
  return files.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

/** Starts a simulator; `stop` ends it. */
export async function simulator(...args) {
  const child = spawn(CLI, ["simulate", "--port", "0", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((resolve, reject) => {
    let said = "";
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the simulator ended with ${code}: ${said}`)));
    child.stdout.on("data", (piece) => {
      said += piece;
      const found = /http:\/\/[\w.]+:\d+/.exec(said);
      if (found) resolve(found[0]);
    });
  });
  const control = async (method, order, body) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(`${url}/_control/${order}`, { method, body: text });
    if (!answer.ok) throw new Error(`${order}: ${answer.status} ${await answer.text()}`);
    return (await answer.text().then((text) => text && JSON.parse(text))) || undefined;
  };
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return {
    url,
    control,
    charge: (fields = {}) => control("POST", "charges", { amount: 100_000, currency: "usd", ...fields }),
    fault: (fault) => control("POST", "faults", fault),
    stats: () => control("GET", "stats"),
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

/** A server on loopback with one answer for all. */
export async function server(answer) {
  const seen = [];
  const listening = http.createServer((request, response) => {
    seen.push({ method: request.method, url: request.url, headers: request.headers });
    answer(request, response);
  });
  await new Promise((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return {
    seen,
    url: `http://127.0.0.1:${listening.address().port}`,
    stop: () => {
      listening.closeAllConnections();
      return new Promise((resolve) => listening.close(resolve));
    },
  };
}

/** The error that a promise is rejected with. */
export async function failure(promise) {
  const output = await promise.then((value) => ({ value }), (error) => ({ error }));
  if ("error" in output) return output.error;
  throw new Error(`it did not fail, but gave ${JSON.stringify(output.value)}`);
}
