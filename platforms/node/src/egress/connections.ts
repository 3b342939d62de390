import type { Agent, request } from "node:http";

const KEPT = {
  keepAlive: true,
  // Node's own patience with one of several addresses is 250 ms, and a slow network takes longer.
  autoSelectFamilyAttemptTimeout: 2_500,
};

type Scheme = "http:" | "https:";

/** What a request is made with. */
interface Means {
  request: typeof request;
  agent: Agent;
}

/**
 * Connections that are kept, one set for each scheme.
 *
 * Node's modules for them are loaded with the first request: they take a third of the time in which the package starts,
 * and operations that send nothing do without.
 */
export class Connections {
  readonly #loaded: Partial<Record<Scheme, Means>> = {};

  /** What a request to a URL is made with. */
  async to({ protocol }: URL): Promise<Means> {
    const scheme = protocol === "https:" ? "https:" : "http:";
    const known = this.#loaded[scheme];
    if (known) return known;
    const loaded = await load(scheme);
    // Somebody else may have been as early.
    return (this.#loaded[scheme] ??= loaded);
  }

  /** Ends idle connections. */
  close(): void {
    for (const { agent } of Object.values(this.#loaded)) agent.destroy();
  }
}

async function load(scheme: Scheme): Promise<Means> {
  if (scheme === "https:") {
    const https = await import("node:https");
    return { request: https.request, agent: new https.Agent({ ...KEPT, minVersion: "TLSv1.2" }) };
  }
  const http = await import("node:http");
  return { request: http.request, agent: new http.Agent(KEPT) };
}
