import type { Agent, request } from "node:http";

const KEPT = {
  keepAlive: true,
  // Node's own patience with one of several addresses is 250 ms, and a slow network takes longer.
  autoSelectFamilyAttemptTimeout: 2_500,
};

type Scheme = "http:" | "https:";

/**
 * Connections that are kept, one set for each scheme.
 *
 * Node's modules for them are loaded with the first request: they take a third of the time in which the package starts,
 * and operations that send nothing do without.
 */
export class Connections {
  readonly #agents: Partial<Record<Scheme, Agent>> = {};

  /** What a request to a URL is made with. */
  async to({ protocol }: URL): Promise<{ request: typeof request; agent: Agent }> {
    if (protocol === "https:") {
      const https = await import("node:https");
      const agent = (this.#agents["https:"] ??= new https.Agent({ ...KEPT, minVersion: "TLSv1.2" }));
      return { request: https.request, agent };
    }
    const http = await import("node:http");
    const agent = (this.#agents["http:"] ??= new http.Agent(KEPT));
    return { request: http.request, agent };
  }

  /** Ends idle connections. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }
}
