import { readFileSync } from "node:fs";

/** Of the component that the npm package beside this folder was built with. */
export const manifest = JSON.parse(readFileSync(new URL("../../node/dist/manifest.json", import.meta.url), "utf8"));
