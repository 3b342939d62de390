/** What a core module of a component exports for its host, by the canonical ABI. */
export interface MemoryExports {
  memory: WebAssembly.Memory;
  cabi_realloc: (old: number, oldSize: number, align: number, size: number) => number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The guest's memory, read and written as the canonical ABI says.
 *
 * Offsets come from the guest. What lies outside its memory is a RangeError here, which counts as a trap: the views
 * check every access.
 */
export class Memory {
  readonly #exports: MemoryExports;
  #view = new DataView(new ArrayBuffer(0));

  constructor(exports: MemoryExports) {
    this.#exports = exports;
  }

  /** The memory as it is now: growing it detaches the older view. */
  get view(): DataView {
    const { buffer } = this.#exports.memory;
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  /** A window on the guest's bytes, good until the guest runs again. */
  window(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, offset >>> 0, length >>> 0);
  }

  u32(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  u8(offset: number): number {
    return this.view.getUint8(offset);
  }

  text(offset: number, length: number): string {
    return decoder.decode(this.window(offset, length));
  }

  /** The string whose pointer and length stand at an offset. */
  textAt(offset: number): string {
    return this.text(this.u32(offset), this.u32(offset + 4));
  }

  /** Room in the guest's memory, asked of its own allocator. */
  allocate(size: number, align: number): number {
    return this.#exports.cabi_realloc(0, 0, align, size) >>> 0;
  }

  /** Copies bytes in, and gives where they are. */
  place(bytes: Uint8Array): number {
    const offset = this.allocate(bytes.length, 1);
    this.window(offset, bytes.length).set(bytes);
    return offset;
  }

  /** Copies a string in, and gives where it is and how long. */
  placeText(text: string): [offset: number, length: number] {
    const bytes = encoder.encode(text);
    return [this.place(bytes), bytes.length];
  }

  /** Writes pointer and length of a copy of these bytes at an offset. */
  putBytes(at: number, bytes: Uint8Array): void {
    const offset = this.place(bytes);
    this.putU32(at, offset);
    this.putU32(at + 4, bytes.length);
  }

  /** The same for a string. */
  putText(at: number, text: string): void {
    this.putBytes(at, encoder.encode(text));
  }

  putU8(offset: number, value: number): void {
    this.view.setUint8(offset >>> 0, value);
  }

  putU32(offset: number, value: number): void {
    this.view.setUint32(offset >>> 0, value, true);
  }

  putU64(offset: number, value: bigint): void {
    this.view.setBigUint64(offset >>> 0, value, true);
  }
}
