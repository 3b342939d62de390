import { copyFile, cp, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import esbuild from "esbuild";

import { formsOf } from "../forms/src/index.js";
import { bundle } from "../forms/src/bundle.js";

const folder = import.meta.dirname;
const NODES = ["refund-account", "refund", "refund-webhook"];

await bundle(esbuild, {
  folder,
  entryPoints: NODES.map((name) => `src/${name}.js`),
  outbase: "src",
  component: () => "./",
});
await cp(join(folder, "icons"), join(folder, "dist/icons"), { recursive: true });
for (const name of NODES) await copyFile(join(folder, `src/${name}.html`), join(folder, `dist/${name}.html`));
await fillInForms();

/** The editor shows the forms of the component that this package is built with. */
async function fillInForms() {
  const manifest = createRequire(import.meta.url)("refund-node/manifest.json");
  const file = join(folder, "dist/refund.html");
  const forms = JSON.stringify(formsOf(manifest)).replaceAll("</", "<\\/");
  const html = await readFile(file, "utf8");
  await writeFile(file, html.replace("/* FORMS */ []", () => forms));
}
