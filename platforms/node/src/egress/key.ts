import { HostError } from "../errors.js";

/** A key, or a function that fetches it from wherever it is kept, called for every request. */
export type KeySource = string | (() => string | Promise<string>);

const PREFIXES = ["sk_test_", "sk_live_", "rk_test_", "rk_live_"];

/** Checks a key; the message never repeats it. */
export function checkKey(key: unknown, isLiveAllowed: boolean): string {
  if (typeof key !== "string" || key.trim() === "") {
    throw new HostError("missing-key", "the key is blank: give a secret key (sk_...) or a restricted key (rk_...)");
  }
  const wrong = whatIsWrong(key);
  if (wrong !== undefined) throw new HostError("wrong-key", wrong);
  if (key.slice(2).startsWith("_live_") && !isLiveAllowed) {
    throw new HostError("live-key", "this is a live key, which moves real money: open with `live: true` to allow it");
  }
  return key;
}

function whatIsWrong(key: string): string | undefined {
  const instead = "give a secret key (sk_...) or a restricted key (rk_...)";
  if (key.startsWith("pk_")) return `this is a publishable key (pk_...), which may not refund: ${instead}`;
  if (key.startsWith("whsec_")) return `this is a webhook secret (whsec_...): ${instead}`;
  if (!PREFIXES.some((prefix) => key.length > prefix.length && key.startsWith(prefix))) {
    return "this is no Stripe key: keys begin with sk_test_, sk_live_, rk_test_ or rk_live_";
  }
  if (!/^[0-9A-Za-z_]+$/.test(key)) {
    return "the key contains white space or characters that no key has: copy it from the Dashboard unchanged";
  }
  return undefined;
}

/** Holds a key where neither `console.log` nor `JSON.stringify` finds it. */
export class Keyring {
  readonly #source: KeySource | undefined;
  readonly #isLiveAllowed: boolean;

  constructor(source: KeySource | undefined, isLiveAllowed: boolean) {
    this.#source = typeof source === "string" ? checkKey(source, isLiveAllowed) : source;
    this.#isLiveAllowed = isLiveAllowed;
  }

  /** The key for one request. */
  async fetch(): Promise<string> {
    if (this.#source === undefined) {
      throw new HostError("missing-key", "this operation talks to Stripe, and no key was given: open with `key`");
    }
    if (typeof this.#source === "string") return this.#source;
    let key: string;
    try {
      key = await this.#source();
    } catch {
      // What it threw may hold the key.
      throw new HostError("missing-key", "the function that fetches the key failed; look for its own error there");
    }
    return checkKey(key, this.#isLiveAllowed);
  }
}
