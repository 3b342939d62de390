import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { freePort, started } from "../../forms/harness/process.mjs";

const PACKAGE = new URL("..", import.meta.url).pathname;
const require = createRequire(import.meta.url);

/** A real Node-RED on loopback, with a folder of its own and this package installed in it. */
export async function nodeRed() {
  const folder = mkdtempSync(join(tmpdir(), "refund-node-red-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  installed(folder);
  writeFileSync(join(folder, "settings.js"), settings(port));
  const server = await started(process.execPath, [require.resolve("node-red/red.js"), "--userDir", folder], {
    ready: /Started flows/,
    env: { PATH: process.env.PATH, HOME: folder },
  });
  return {
    url,
    folder,
    log: server.log,
    version: require("node-red/package.json").version,
    /** Puts a flow in place of what is there, and waits until its nodes run: Node-RED answers a little earlier. */
    async deploy(flow) {
      const starts = () => server.log.filter((line) => line.includes("Started flows")).length;
      server.log.length = 0;
      await deploy(url, flow);
      for (let tries = 0; starts() === 0; tries += 1) {
        if (tries === 200) throw new Error("the flow was not started within 10 s");
        await setTimeout(50);
      }
    },
    /** Which component it loaded. */
    component: async () => (await fetch(`${url}/refund-node/component`)).json(),
    /** Sends a message into a flow that begins with `http in`. */
    post: (path, body) => post(`${url}${path}`, body),
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As `npm install` in the user folder would do. */
function installed(folder) {
  const { name } = require("../package.json");
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(PACKAGE, join(folder, "node_modules", name));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: { [name]: "*" } }));
}

function settings(port) {
  const values = {
    uiHost: "127.0.0.1",
    uiPort: port,
    flowFile: "flows.json",
    credentialSecret: "only for tests",
    telemetry: { enabled: false, updateNotification: false },
    externalModules: { palette: { allowInstall: false } },
    logging: { console: { level: "info", metrics: false, audit: false } },
  };
  return `module.exports = ${JSON.stringify(values)};\n`;
}

/** Over the admin API. Credentials stand in the nodes themselves. */
async function deploy(url, flow) {
  const answer = await fetch(`${url}/flows`, {
    method: "POST",
    headers: { "content-type": "application/json", "Node-RED-Deployment-Type": "full" },
    body: JSON.stringify(flow),
  });
  if (!answer.ok) throw new Error(`the flow was not taken: ${answer.status} ${await answer.text()}`);
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}
