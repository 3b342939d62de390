import { crypto } from "./crypto.js";

/** First bytes of a component: the magic number, version 13, layer 1. */
const COMPONENT = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]);
const CORE_MODULE = 1;

/** The digest of a component, as it is written everywhere: `sha256:` and hexadecimal digits. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${crypto().createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * The module that does the work, as the range of the component's bytes that it is.
 *
 * The component brings two more, which exist so that the first can be given functions that use its memory before it
 * has one. Functions of JavaScript find the memory when they are called, and need neither.
 */
export function mainModule(component: Uint8Array): Uint8Array {
  const modules = [...coreModules(component)];
  const largest = modules.sort((a, b) => b.length - a.length)[0];
  if (!largest) throw new TypeError("the component has no core module");
  return largest;
}

function* coreModules(component: Uint8Array): Generator<Uint8Array> {
  if (Buffer.compare(component.subarray(0, COMPONENT.length), COMPONENT) !== 0) {
    throw new TypeError("this is no WebAssembly component");
  }
  let at = COMPONENT.length;
  while (at < component.length) {
    const kind = component[at];
    const [length, start] = leb128(component, at + 1);
    if (kind === CORE_MODULE) yield component.subarray(start, start + length);
    at = start + length;
  }
}

/** An unsigned LEB128 number of at most 32 bits, and where it ends. */
function leb128(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
  throw new TypeError("the component's sections cannot be read");
}
