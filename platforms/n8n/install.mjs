// Installs n8n into a folder, with what makes the install work: node install.mjs FOLDER
//
// 2.3 GB. A folder that has the wanted version already is left as it is.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

const N8N = "2.40.7";
const NODE = "24.21.0";

/** Versions that n8n's own ranges no longer resolve to, and that it works with. */
const OVERRIDES = {
  linkedom: "0.18.12",
  "@langchain/langgraph": "1.3.0",
  "@langchain/langgraph-checkpoint": "1.1.5",
};

const folder = resolve(process.argv[2] ?? fail("usage: node install.mjs FOLDER"));
if (isInstalled()) {
  console.log(`n8n ${N8N} is in ${folder} already`);
} else {
  install();
  console.log(`n8n ${N8N} is in ${folder}`);
}

function isInstalled() {
  const sqlite = join(folder, "node_modules/sqlite3/build/Release/node_sqlite3.node");
  return versionOf("n8n") === N8N && versionOf("node") === NODE && existsSync(sqlite);
}

function versionOf(name) {
  const file = join(folder, "node_modules", name, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).version : undefined;
}

function install() {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, overrides: OVERRIDES }, null, 2));
  // n8n wants a newer Node than many machines have; its own comes first on the path from here on.
  npm("install", `node@${NODE}`);
  npm("install", `n8n@${N8N}`, "--legacy-peer-deps", "--ignore-scripts");
  npm("rebuild", "sqlite3");
}

function npm(...args) {
  const path = join(folder, "node_modules/node/bin") + delimiter + process.env.PATH;
  const options = { cwd: folder, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, PATH: path } };
  execFileSync("npm", [...args, "--no-audit", "--no-fund"], options);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
