import type { Case } from "./abi.js";
import { join } from "./bytes.js";
import { isForbidden, isToken, isValue } from "./headers.js";
import type { Pending, Transport, WireAnswer, WireOutcome } from "./transport.js";

/** `fields` of wasi:http/types. */
export class Fields {
  readonly entries: [name: string, value: Uint8Array][];
  readonly #isAnswer: boolean;

  constructor(entries: [string, Uint8Array][] = [], isAnswer = false) {
    this.entries = entries;
    this.#isAnswer = isAnswer;
  }

  /** Gives the case of `header-error`, or undefined where the header was taken. */
  append(name: string, value: Uint8Array): Case<"header-error"> | undefined {
    if (this.#isAnswer) return "immutable";
    if (!isToken(name) || !isValue(value)) return "invalid-syntax";
    if (isForbidden(name)) return "forbidden";
    this.entries.push([name, value]);
    return undefined;
  }
}

/** `request-options`. Only the option that the component sets. */
export class RequestOptions {
  connectTimeoutMs: number | undefined;
}

/** `outgoing-request`. */
export class OutgoingRequest {
  method = "GET";
  scheme = "https";
  authority = "";
  path = "/";
  /** Given out at most once, as WASI says. */
  body: OutgoingBody | undefined;

  constructor(readonly fields: Fields) {}
}

/**
 * `outgoing-body`. It is gathered, and the request leaves when it is whole: a guest that fails half-way has sent
 * nothing.
 */
export class OutgoingBody {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  stream: OutputStream | undefined;
  /** Sends the request that this is the body of, once it is handed over. */
  whenWhole: ((body: Uint8Array) => void) | undefined;

  /** Whether there was room for it. */
  write(piece: Uint8Array, most: number): boolean {
    this.#length += piece.length;
    if (this.#length > most) return false;
    this.#pieces.push(piece);
    return true;
  }

  finish(): void {
    this.whenWhole?.(join(this.#pieces));
  }
}

/** `output-stream`, of a body. */
export class OutputStream {
  constructor(readonly body: OutgoingBody) {}
}

/** `future-incoming-response`. */
export class FutureResponse {
  #pending: Pending | undefined;
  #isTaken = false;

  constructor(request: OutgoingRequest, options: RequestOptions | undefined, transport: Transport) {
    const { method, scheme, authority, path, fields } = request;
    const latin = (value: Uint8Array): string => Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
    const headers = fields.entries.map(([name, value]): [string, string] => [name, latin(value)]);
    const url = `${scheme}://${authority}${path}`;
    const send = (body: Uint8Array): void => {
      this.#pending = transport.start({ method, url, headers, body, connectTimeoutMs: options?.connectTimeoutMs });
    };
    if (request.body) request.body.whenWhole = send;
    else send(new Uint8Array());
  }

  /** The outcome once it is there; "taken" from the second time on. */
  get(): WireOutcome | "taken" | undefined {
    const outcome = this.#pending?.outcome();
    if (outcome === undefined) return undefined;
    if (this.#isTaken) return "taken";
    this.#isTaken = true;
    return outcome;
  }

  wait(): void {
    if (!this.#pending) throw new WebAssembly.RuntimeError("the guest waits for a request that it has not finished");
    this.#pending.wait();
  }
}

/** `incoming-response`. */
export class IncomingResponse {
  #isConsumed = false;

  constructor(readonly answer: WireAnswer) {}

  headers(): Fields {
    return new Fields(this.answer.headers.map(([name, value]) => [name, Buffer.from(value, "latin1")]), true);
  }

  /** The body, the first time. */
  consume(): IncomingBody | undefined {
    if (this.#isConsumed) return undefined;
    this.#isConsumed = true;
    return new IncomingBody(this.answer);
  }
}

/** `incoming-body`. */
export class IncomingBody {
  #isOpen = false;

  constructor(readonly answer: WireAnswer) {}

  /** The stream, the first time. */
  open(): InputStream | undefined {
    if (this.#isOpen) return undefined;
    this.#isOpen = true;
    return new InputStream(this.answer);
  }
}

/** `input-stream`, over a body that is here already. */
export class InputStream {
  #at = 0;

  constructor(readonly answer: WireAnswer) {}

  /** At most so many bytes; none at the end. */
  read(most: number): Uint8Array {
    const piece = this.answer.body.subarray(this.#at, this.#at + most);
    this.#at += piece.length;
    return piece;
  }
}

/** `error` of wasi:io. */
export class IoError {
  constructor(readonly text: string) {}
}

/** `pollable`: something to wait for. */
export class Pollable {
  constructor(readonly block: () => void) {}
}
