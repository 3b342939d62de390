import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { HostError } from "./errors.js";
import { notStarted } from "./failures.js";
import { DIGEST } from "./generated/digest.js";
import { digestOf, mainModule } from "./sandbox/file.js";

const FILE = new URL("./refund-node.wasm", import.meta.url);

/** The component of this package, compiled. */
let compiled: WebAssembly.Module | undefined;
let compiling: Promise<WebAssembly.Module> | undefined;

/** Compiles it without blocking, once in a process. */
export async function component(): Promise<WebAssembly.Module> {
  compiling ??= load();
  compiled ??= await compiling;
  return compiled;
}

async function load(): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(checked(await readFile(FILE)));
  } catch (error) {
    // The next one who opens may have more luck, with open files for example.
    compiling = undefined;
    throw error instanceof HostError ? error : notStarted("the component cannot be loaded", error);
  }
}

/** The same for callers that cannot wait. */
export function componentNow(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(checked(readFileSync(FILE)));
  return compiled;
}

/** Refuses a component other than the one that is wanted. */
export function checkDigest(wanted: string | undefined): void {
  if (wanted !== undefined && wanted !== DIGEST) {
    throw new HostError("wrong-digest", `this package holds the component ${DIGEST}, not ${wanted}`);
  }
}

/** The bytes that are compiled are a range of those that are hashed here. */
function checked(bytes: Uint8Array): Uint8Array {
  const digest = digestOf(bytes);
  if (digest !== DIGEST) {
    throw new HostError("wrong-digest", `the component's file is ${digest}, not ${DIGEST}: install the package anew`);
  }
  return mainModule(bytes);
}
