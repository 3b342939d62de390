import type { MoneyState } from "./errors.js";

/** Watches the requests of one call: whether one that changes something has left for Stripe. */
export class Changes {
  #haveLeft = false;

  /** Notes that bytes of a request may have left. Stripe changes nothing on a GET. */
  left(method: string): void {
    if (method !== "GET") this.#haveLeft = true;
  }

  /** What the call can have done up to now. */
  get state(): MoneyState {
    return this.#haveLeft ? "may-have-been-made" : "nothing-sent";
  }
}
