import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { freePort, started } from "../../forms/harness/process.mjs";

const OWNER = { email: "owner@example.com", firstName: "Test", lastName: "Owner", password: "Only-for-tests-1" };

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

/** Where `install.mjs` put n8n. */
function installed() {
  const home = process.env.REFUND_NODE_N8N;
  if (home && existsSync(join(home, "node_modules/n8n/package.json"))) return home;
  throw new Error("REFUND_NODE_N8N has to name a folder with n8n: node install.mjs FOLDER");
}

/** As a community node: what `npm pack` makes, and nothing else of this folder. */
function addPackage(folder) {
  const target = join(folder, ".n8n/nodes/node_modules/n8n-nodes-refund-node");
  mkdirSync(target, { recursive: true });
  const [{ filename }] = JSON.parse(execFileSync("npm", ["pack", "--json", "--pack-destination", folder], { cwd: PACKAGE, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  execFileSync("tar", ["-xzf", join(folder, filename), "--strip-components=1", "-C", target]);
}

/**
 * A real n8n with a folder of its own, on loopback, with this package installed. What is done to it goes
 * over the same calls that its editor makes.
 */
export async function n8n() {
  const home = installed();
  const folder = mkdtempSync(join(tmpdir(), "refund-node-n8n-"));
  addPackage(folder);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await started(join(home, "node_modules/node/bin/node"), [join(home, "node_modules/n8n/bin/n8n"), "start"], {
    env: await environment({ home, folder, port, url }),
    ready: /Editor is now accessible/,
    seconds: 180,
  });
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const call = await signedIn(url);
    const { version } = JSON.parse(readFileSync(join(home, "node_modules/n8n/package.json"), "utf8"));
    return { url, version, stop, log: server.log, call, owner: OWNER, ...calls(call, url) };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function environment({ home, folder, port, url }) {
  return {
    HOME: folder,
    PATH: join(home, "node_modules/node/bin") + delimiter + process.env.PATH,
    N8N_USER_FOLDER: folder,
    N8N_LISTEN_ADDRESS: "127.0.0.1",
    N8N_HOST: "127.0.0.1",
    N8N_PORT: String(port),
    WEBHOOK_URL: url,
    N8N_RUNNERS_BROKER_LISTEN_ADDRESS: "127.0.0.1",
    N8N_RUNNERS_BROKER_PORT: String(await freePort()),
    DB_TYPE: "sqlite",
    N8N_SECURE_COOKIE: "false",
    N8N_DIAGNOSTICS_ENABLED: "false",
    N8N_VERSION_NOTIFICATIONS_ENABLED: "false",
    N8N_TEMPLATES_ENABLED: "false",
    N8N_PERSONALIZATION_ENABLED: "false",
    N8N_HIRING_BANNER_ENABLED: "false",
    N8N_LOG_LEVEL: process.env.REFUND_NODE_VERBOSE ? "debug" : "info",
  };
}

/** Makes the first user, and gives a function that calls n8n as that user. */
async function signedIn(url) {
  const setUp = await reached(`${url}/rest/owner/setup`, { method: "POST", body: OWNER });
  const cookie = setUp.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
  return async (method, path, body) => {
    const answer = await reached(`${url}/rest/${path}`, { method, body, headers: { cookie } });
    const { data } = await answer.json();
    return data;
  };
}

async function reached(url, { method, body, headers = {} }) {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(120_000),
  });
  if (!answer.ok) throw Object.assign(new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`), { status: answer.status });
  return answer;
}

function calls(call, url) {
  return {
    /** Keeps a credential for the Refund Node, and gives what a node says to use it. */
    async credential(name, data) {
      const { id } = await call("POST", "credentials", { name, type: "refundNodeApi", data });
      return { refundNodeApi: { id, name } };
    },
    /** Keeps a workflow, and gives it with its id. */
    create: (workflow) => call("POST", "workflows", { settings: {}, ...workflow }),
    /** Saves a changed workflow. */
    save: ({ id, ...workflow }) => call("PATCH", `workflows/${id}`, workflow),
    /** Puts it into production, and waits until its webhook is there: n8n says yes a little earlier. */
    async activate({ id, versionId }, path) {
      await call("POST", `workflows/${id}/activate`, { versionId });
      if (path) await listening(`${url}/webhook/${path}`);
    },
    /** Runs it once, from one of its triggers, as the button in the editor does. */
    run: (workflow, trigger) =>
      call("POST", `workflows/${workflow.id}/run`, { workflowData: workflow, triggerToStartFrom: { name: trigger } }),
    deactivate: ({ id }) => call("POST", `workflows/${id}/deactivate`, {}),
    remove: async ({ id }) => {
      await call("POST", `workflows/${id}/archive`, {});
      await call("DELETE", `workflows/${id}`);
    },
    executions: async ({ id }) => {
      const filter = encodeURIComponent(JSON.stringify({ workflowId: id }));
      return (await call("GET", `executions?filter=${filter}`)).results;
    },
    webhook: (path) => `${url}/webhook/${path}`,
    post: async (address, body) => (await reached(address, { method: "POST", body })).json(),
  };
}

/** n8n tells who asks in the wrong way that there is a webhook. */
async function listening(address) {
  for (let tries = 0; tries < 200; tries += 1) {
    const { message } = await (await fetch(address)).json();
    if (message.includes("POST request")) return;
    await setTimeout(50);
  }
  throw new Error(`${address} is not there after 10 s`);
}
