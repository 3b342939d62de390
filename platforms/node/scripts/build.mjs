/**
 * Builds `dist` from the sources and the component: `npm run build`.
 *
 * `build` has a file for each source, which tests of the insides load. What is installed is one file for each kind of
 * thread, and what sends requests by itself: thirty small files, and the network where none is needed, take a third
 * of the time of a start.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { operationsModule, typesModule } from "./generate.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const path = (...names) => join(root, ...names);
const component = process.env.REFUND_NODE_COMPONENT ?? path("../../dist/refund-node.wasm");
const tsc = (config) => execFileSync(process.execPath, [path("node_modules/typescript/bin/tsc"), "-p", path(config)], { stdio: "inherit" });

for (const folder of ["build", "dist"]) rmSync(path(folder), { recursive: true, force: true });
mkdirSync(path("dist"));
mkdirSync(path("src/generated"), { recursive: true });

for (const name of ["abi", "egress"]) {
  const json = readFileSync(path(`../${name}.json`), "utf8").trim();
  writeFileSync(path(`src/generated/${name}.ts`), `export const ${name.toUpperCase()} = ${json} as const;\n`);
}

// The sandbox alone comes first: the component itself says what the rest is generated from.
tsc("tsconfig.sandbox.json");
const { digestOf, mainModule } = await import(path("build/sandbox/file.js"));
const { Sandbox } = await import(path("build/sandbox/sandbox.js"));
const bytes = readFileSync(component);
const text = new Sandbox(new WebAssembly.Module(mainModule(bytes))).describe();
const manifest = JSON.parse(text);

writeFileSync(path("src/generated/digest.ts"), `/** Of the component that this package was built from. */\nexport const DIGEST = "${digestOf(bytes)}";\n`);
writeFileSync(path("src/generated/types.ts"), await typesModule(manifest));
writeFileSync(path("src/generated/operations.ts"), operationsModule(manifest));
tsc("tsconfig.json");
const bundle = { outdir: path("dist"), bundle: true, platform: "node", target: "node20", format: "esm", splitting: true };
await build({ ...bundle, entryPoints: [path("build/index.js")], chunkNames: "egress-[hash]" });
await build({ ...bundle, entryPoints: [path("build/pool/worker.js")] });

copyFileSync(component, path("dist/refund-node.wasm"));
copyFileSync(path("../egress.json"), path("dist/egress.json"));
writeFileSync(path("dist/manifest.json"), text);
console.log(`built from ${component}, ${digestOf(bytes)}`);
