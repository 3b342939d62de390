/** `npm pack` packs `dist` as it is: there has to be one. */
import { existsSync } from "node:fs";

if (!existsSync(new URL("../dist/refund-node.wasm", import.meta.url))) {
  console.error("there is no dist: run `npm run build` first");
  process.exit(1);
}
