/** One of the requests of `egress.json`: exact but for `{id}`, which stands for one segment. */
export interface Rule {
  method: string;
  origin: string;
  path: string;
}

/** What may be sent, and nothing else. */
export class Allow {
  readonly #rules: { method: string; origin: string; path: string[] }[];

  /** With a base URL, everything goes there and nowhere else. */
  constructor(rules: readonly Rule[], baseUrl?: string) {
    this.#rules = rules.map(({ method, origin, path }) => ({
      method,
      origin: new URL(baseUrl ?? origin).origin,
      path: path.split("/"),
    }));
  }

  /** The URL to send a request to, or undefined for one that may not be sent. */
  permits(method: string, text: string): URL | undefined {
    const parts = /^(https?):\/\/([^/?#@\\\s]+)(\/[^?#\s]*)(\?[^#\s]*)?$/.exec(text);
    if (!parts || !URL.canParse(text)) return undefined;
    const segments = (parts[3] as string).split("/");
    if (!segments.slice(1).every(isPlain)) return undefined;
    const url = new URL(text);
    const { origin } = url;
    const isPermitted = this.#rules.some(
      (rule) =>
        rule.method === method &&
        rule.origin === origin &&
        rule.path.length === segments.length &&
        rule.path.every((wanted, index) => matches(wanted, segments[index] as string)),
    );
    return isPermitted ? url : undefined;
  }
}

/** Not what a server might read differently than we do: empty, dotted, or escaped. */
function isPlain(segment: string): boolean {
  return !["", ".", ".."].includes(segment) && !/[%\\;]/.test(segment);
}

function matches(wanted: string, segment: string): boolean {
  return wanted === "{id}" ? /^[0-9A-Za-z_]+$/.test(segment) : wanted === segment;
}
