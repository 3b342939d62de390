/** So many things of the host's may one guest hold at the same time. */
const MOST = 1_000;

type Class<T> = abstract new (...args: never[]) => T;

/** The host's resources that a guest holds, under the numbers it knows them by. */
export class Handles {
  readonly #held = new Map<number, object>();
  #last = 0;

  /** Hands a resource to the guest. */
  give(resource: object): number {
    if (this.#held.size >= MOST) throw new WebAssembly.RuntimeError("the guest holds too many handles");
    this.#last += 1;
    this.#held.set(this.#last, resource);
    return this.#last;
  }

  /** The resource behind a handle, which stays the guest's. */
  borrow<T extends object>(handle: number, kind: Class<T>): T {
    const resource = this.#held.get(handle);
    if (resource instanceof kind) return resource;
    throw new WebAssembly.RuntimeError(`the guest has no ${kind.name} under handle ${String(handle)}`);
  }

  /** Takes a resource back from the guest. */
  take<T extends object>(handle: number, kind: Class<T>): T {
    const resource = this.borrow(handle, kind);
    this.#held.delete(handle);
    return resource;
  }
}
