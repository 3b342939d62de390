// @ts-check
import { cp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * Makes a package that needs no other: the nodes as CommonJS, which is what both platforms load, each in one
 * file, and beside them the built files of the npm package `refund-node` as they are. Those are not
 * bundled: its workers and its component are files that it looks for beside its own.
 *
 * @param {{build: Function}} esbuild the caller's
 * @param {object} what
 * @param {string} what.folder the package
 * @param {string[]} what.entryPoints below it
 * @param {string} what.outbase
 * @param {(entry: string) => string} what.component the way from where an entry is written to `dist`
 * @param {string[]} [what.external] what the platform brings
 */
export async function bundle(esbuild, { folder, entryPoints, outbase, component, external = [] }) {
  const dist = join(folder, "dist");
  await rm(dist, { recursive: true, force: true });
  for (const entry of entryPoints) {
    await esbuild.build({
      absWorkingDir: folder,
      entryPoints: [entry],
      outbase,
      outdir: "dist",
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      external,
      plugins: [beside(component(entry))],
      legalComments: "eof",
      logLevel: "warning",
    });
  }
  await copyComponent(folder, join(dist, "refund-node"));
}

/** @param {string} way */
function beside(way) {
  return {
    name: "refund-node beside",
    setup(/** @type {any} */ build) {
      build.onResolve({ filter: /^refund-node$/ }, () => ({ path: `${way}refund-node/index.js`, external: true }));
    },
  };
}

/**
 * @param {string} folder
 * @param {string} target
 */
async function copyComponent(folder, target) {
  const manifest = createRequire(join(folder, "package.json")).resolve("refund-node/manifest.json");
  await cp(dirname(manifest), target, { recursive: true });
  await writeFile(join(target, "package.json"), '{"type": "module"}\n');
}
