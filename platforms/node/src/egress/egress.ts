import { lookup as resolve, type LookupAddress, type LookupOptions } from "node:dns";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";

import { join } from "../sandbox/bytes.js";
import { isForbidden } from "../sandbox/headers.js";
import type { ErrorCode, WireAnswer, WireOutcome, WireRequest } from "../sandbox/transport.js";
import { isLoopback, isPublic } from "./address.js";
import type { Allow } from "./allow.js";
import { Connections } from "./connections.js";

/** Until a connection stands. */
const CONNECT_MS = 30_000;
/** Until the answer is there, the connection included. Stripe's own libraries wait as long. */
const WHOLE_MS = 80_000;
/** Largest answer. The component gives up at half of it. */
const MOST_ANSWER = 16 << 20;

/** Bounds that only tests set. */
export interface Bounds {
  connectMs: number;
  wholeMs: number;
  mostAnswer: number;
}

/** The one place where a request leaves: checked, given the key, sent, bounded. Redirects are answers. */
export class Egress {
  readonly #allow: Allow;
  readonly #bounds: Bounds;
  readonly #connections = new Connections();

  constructor(allow: Allow, bounds: Partial<Bounds> = {}) {
    this.#allow = allow;
    this.#bounds = { connectMs: CONNECT_MS, wholeMs: WHOLE_MS, mostAnswer: MOST_ANSWER, ...bounds };
  }

  /**
   * Sends one request. The key is fetched for those that may be sent, and only then. `onLeave` is called before bytes of the
   * request can leave this machine; where it was not called, nothing was sent.
   */
  async send(
    wire: WireRequest,
    key: () => Promise<string>,
    signal: AbortSignal,
    onLeave: () => void = () => undefined,
  ): Promise<WireOutcome> {
    const url = this.#allow.permits(wire.method, wire.url);
    if (!url || wire.headers.some(([name]) => isForbidden(name))) return { error: "HTTP-request-denied" };
    const connectMs = Math.min(wire.connectTimeoutMs ?? Infinity, this.#bounds.connectMs);
    const isTls = url.protocol === "https:";
    let sent;
    try {
      const { request, agent } = await this.#connections.to(url);
      const headers = headersOf(wire, await key());
      // The call was ended meanwhile, and its caller was told what had left.
      signal.throwIfAborted();
      sent = request(url, { method: wire.method, headers, agent, signal, lookup: guarded });
    } catch {
      // No key, a header that Node does not send, or an end of the call. What was thrown may hold the first two.
      return { error: "HTTP-request-denied" };
    }
    return new Exchange(sent, { ...this.#bounds, connectMs }, isTls, onLeave).run(wire.body);
  }

  /** Ends idle connections. */
  close(): void {
    this.#connections.close();
  }
}

/** One request and its answer. */
class Exchange {
  readonly #request: ClientRequest;
  readonly #bounds: Bounds;
  readonly #isTls: boolean;
  readonly #onLeave: () => void;
  /** Whether bytes of the request may have left. */
  #mayHaveLeft = false;
  #stands: "no" | "tcp" = "no";
  #timedOut = false;
  #timers: NodeJS.Timeout[] = [];

  constructor(request: ClientRequest, bounds: Bounds, isTls: boolean, onLeave: () => void) {
    this.#request = request;
    this.#bounds = bounds;
    this.#isTls = isTls;
    this.#onLeave = onLeave;
  }

  run(body: Uint8Array): Promise<WireOutcome> {
    return new Promise<WireOutcome>((resolve) => {
      const request = this.#request;
      request.on("socket", (socket) => this.#watch(socket));
      const failed = (error: NodeJS.ErrnoException): void => resolve({ error: this.#code(error) });
      let answered = false;
      request.on("error", failed);
      // An answer that Node makes no response of, such as 101, only closes.
      request.on("close", () => answered || failed(new Error("closed")));
      request.on("response", (response) => {
        answered = true;
        // From here on the answer itself tells how it ends.
        request.off("error", failed).on("error", () => undefined);
        this.#read(response, resolve);
      });
      this.#timers.push(setTimeout(() => this.#giveUp(), this.#bounds.wholeMs));
      // Text of one byte a character goes out together with the headers, in one write; bytes would take two.
      if (body.length === 0) request.end();
      else request.end(bufferOf(body).toString("latin1"), "latin1");
    }).finally(() => this.#timers.forEach(clearTimeout));
  }

  #watch(socket: Socket): void {
    if (!socket.connecting) {
      this.#leaves();
      return;
    }
    const timer = setTimeout(() => this.#giveUp(), this.#bounds.connectMs);
    this.#timers.push(timer);
    socket.once("connect", () => (this.#stands = "tcp"));
    socket.once(this.#isTls ? "secureConnect" : "connect", () => {
      this.#leaves();
      clearTimeout(timer);
    });
  }

  #leaves(): void {
    this.#mayHaveLeft = true;
    this.#onLeave();
  }

  #giveUp(): void {
    this.#timedOut = true;
    this.#request.destroy(new Error("took too long"));
  }

  /** By its events, which cost half of what iterating over it does. The first outcome counts. */
  #read(response: IncomingMessage, resolve: (answer: WireAnswer) => void): void {
    const answer = { status: response.statusCode ?? 0, headers: pairs(response.rawHeaders) };
    const pieces: Buffer[] = [];
    let length = 0;
    const broken = (why: string): void => resolve({ ...answer, body: join(pieces), broken: why });
    response.on("data", (piece: Buffer) => {
      length += piece.length;
      if (length > this.#bounds.mostAnswer) {
        broken("the answer is larger than the host takes");
        response.destroy();
      } else {
        pieces.push(piece);
      }
    });
    response.on("end", () => resolve({ ...answer, body: join(pieces) }));
    const ended = (): void =>
      broken(this.#timedOut ? "the answer took too long" : "the connection ended in the middle of the answer");
    response.on("error", ended);
    response.on("close", ended);
  }

  /** What became of the request. The component must know whether it certainly never left. */
  #code(error: NodeJS.ErrnoException): ErrorCode {
    if (this.#mayHaveLeft) return this.#timedOut ? "HTTP-response-timeout" : "connection-terminated";
    if (this.#timedOut) return "connection-timeout";
    if (error instanceof NoPublicAddress) return "destination-IP-prohibited";
    if (this.#stands === "tcp") return isCertificate(error) ? "TLS-certificate-error" : "TLS-protocol-error";
    if (error.syscall === "getaddrinfo") return "DNS-error";
    if (error.code === "ECONNREFUSED") return "connection-refused";
    if (error.code === "ETIMEDOUT") return "connection-timeout";
    return "destination-unavailable";
  }
}

function isCertificate(error: NodeJS.ErrnoException): boolean {
  return /CERT|ALTNAME|UNABLE_TO_VERIFY|ISSUER/.test(error.code ?? "");
}

class NoPublicAddress extends Error {}

type Answered = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** Names into addresses, with the private ones left out: what is checked is what is connected to. */
function guarded(name: string, options: LookupOptions, answer: Answered): void {
  resolve(name, { ...options, all: true }, (error, found) => {
    if (error) {
      answer(error, []);
      return;
    }
    const isGood = name === "localhost" ? isLoopback : isPublic;
    const [first, ...others] = found.filter(({ address }) => isGood(address));
    if (!first) answer(new NoPublicAddress(`${name} has no public address`), []);
    else if (options.all === true) answer(null, [first, ...others]);
    else answer(null, first.address, first.family);
  });
}

/** The guest's headers with the key. The length is counted here, whatever the guest says. */
function headersOf({ headers, body }: WireRequest, key: string): Record<string, string | string[]> {
  const grouped: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const others = grouped[lower] ?? [];
    grouped[lower] = [...(typeof others === "string" ? [others] : others), value];
  }
  delete grouped["content-length"];
  if (body.length > 0) grouped["content-length"] = String(body.length);
  grouped.authorization = `Bearer ${key}`;
  return grouped;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function pairs(raw: string[]): [string, string][] {
  const names = raw.filter((_, index) => index % 2 === 0);
  return names.map((name, index) => [name, raw[index * 2 + 1] ?? ""]);
}
