import { ABI } from "../generated/abi.js";
import { discriminant } from "./abi.js";
import { Handles } from "./handles.js";
import type { Memory } from "./memory.js";
import {
  Fields,
  FutureResponse,
  IncomingBody,
  IncomingResponse,
  InputStream,
  IoError,
  OutgoingBody,
  OutgoingRequest,
  OutputStream,
  Pollable,
  RequestOptions,
} from "./resources.js";
import type { ErrorCode, Transport } from "./transport.js";

/** Largest piece of a body that is read at once. */
const MOST_READ = 1 << 20;

/** What a request may hold. A file of evidence has up to 5 MiB. */
const MOST_WRITTEN = 6 << 20;

/** Where the parts of results are. */
const LAYOUT = ABI.functions;

type Imports = Record<string, Record<string, (...args: never[]) => unknown>>;

/**
 * The seven WASI interfaces that the component imports, as its core module sees them: handles and offsets.
 *
 * Only what it imports is here; anything else fails when the module is instantiated. A `result` is 0 for ok, an
 * `option` 0 for none.
 */
export function wasi(memory: () => Memory, transport: Transport): Imports {
  const handles = new Handles();
  return {
    ...clocks(memory, handles),
    ...io(memory, handles),
    "wasi:http/types@0.2.2": {
      ...requests(memory, handles),
      ...answers(memory, handles),
    },
    "wasi:http/outgoing-handler@0.2.2": {
      handle: (request: number, hasOptions: number, options: number, at: number) => {
        const outgoing = handles.take(request, OutgoingRequest);
        const bounds = hasOptions ? handles.take(options, RequestOptions) : undefined;
        const future = new FutureResponse(outgoing, bounds, transport);
        memory().putU8(at, 0);
        memory().putU32(at + LAYOUT["wasi:http/outgoing-handler@0.2.2#handle"].result.ok, handles.give(future));
      },
    },
  };
}

function clocks(memory: () => Memory, handles: Handles): Imports {
  return {
    "wasi:clocks/wall-clock@0.2.2": {
      now: (at: number) => {
        const now = Date.now();
        const { seconds, nanoseconds } = LAYOUT["wasi:clocks/wall-clock@0.2.2#now"].result;
        memory().putU64(at + seconds, BigInt(Math.floor(now / 1000)));
        memory().putU32(at + nanoseconds, (now % 1000) * 1_000_000);
      },
    },
    "wasi:clocks/monotonic-clock@0.2.2": {
      "subscribe-duration": (nanos: bigint) => {
        const end = performance.now() + Number(BigInt.asUintN(64, nanos)) / 1e6;
        return handles.give(new Pollable(() => sleep(end - performance.now())));
      },
    },
  };
}

/** Blocks this thread, which is a worker's: the event loop of the program is another. */
function sleep(millis: number): void {
  if (millis > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis);
}

function io(memory: () => Memory, handles: Handles): Imports {
  return {
    "wasi:io/poll@0.2.2": {
      "[method]pollable.block": (self: number) => {
        handles.borrow(self, Pollable).block();
      },
      "[resource-drop]pollable": dropper(handles, Pollable),
    },
    "wasi:io/error@0.2.2": {
      "[method]error.to-debug-string": (self: number, at: number) => {
        memory().putText(at, handles.borrow(self, IoError).text);
      },
      "[resource-drop]error": dropper(handles, IoError),
    },
    "wasi:io/streams@0.2.2": {
      "[method]input-stream.blocking-read": (self: number, most: bigint, at: number) => {
        const stream = handles.borrow(self, InputStream);
        const piece = stream.read(Number(min(BigInt.asUintN(64, most), BigInt(MOST_READ))));
        const { result } = LAYOUT["wasi:io/streams@0.2.2#[method]input-stream.blocking-read"];
        memory().putU8(at, piece.length > 0 ? 0 : 1);
        if (piece.length > 0) {
          memory().putBytes(at + result.ok, piece);
        } else if (stream.answer.broken === undefined) {
          memory().putU8(at + result.err, discriminant("stream-error", "closed"));
        } else {
          memory().putU8(at + result.err, discriminant("stream-error", "last-operation-failed"));
          memory().putU32(at + result["err.last-operation-failed"], handles.give(new IoError(stream.answer.broken)));
        }
      },
      "[method]output-stream.blocking-write-and-flush": (self: number, from: number, length: number, at: number) => {
        const { body } = handles.borrow(self, OutputStream);
        const isRoom = body.write(memory().window(from, length).slice(), MOST_WRITTEN);
        const { result } = LAYOUT["wasi:io/streams@0.2.2#[method]output-stream.blocking-write-and-flush"];
        memory().putU8(at, isRoom ? 0 : 1);
        if (!isRoom) memory().putU8(at + result.err, discriminant("stream-error", "closed"));
      },
      "[resource-drop]input-stream": dropper(handles, InputStream),
      "[resource-drop]output-stream": dropper(handles, OutputStream),
    },
  };
}

function requests(memory: () => Memory, handles: Handles): Record<string, (...args: never[]) => unknown> {
  const text = (from: number, length: number): string => memory().text(from, length);
  const optional = (isSome: number, from: number, length: number): string | undefined =>
    isSome ? text(from, length) : undefined;
  return {
    "[constructor]fields": () => handles.give(new Fields()),
    "[method]fields.append": (
      self: number, name: number, nameLength: number, value: number, valueLength: number, at: number,
    ) => {
      const bytes = memory().window(value, valueLength).slice();
      const error = handles.borrow(self, Fields).append(text(name, nameLength), bytes);
      const { result } = LAYOUT["wasi:http/types@0.2.2#[method]fields.append"];
      memory().putU8(at, error === undefined ? 0 : 1);
      if (error !== undefined) memory().putU8(at + result.err, discriminant("header-error", error));
    },
    "[resource-drop]fields": dropper(handles, Fields),

    "[constructor]outgoing-request": (fields: number) =>
      handles.give(new OutgoingRequest(handles.take(fields, Fields))),
    "[method]outgoing-request.set-method": (self: number, method: number, from: number, length: number) => {
      const known = ABI.cases.method[method];
      const name = known === undefined || known === "other" ? text(from, length) : known.toUpperCase();
      return set(() => (handles.borrow(self, OutgoingRequest).method = name), /^[A-Z]+$/.test(name));
    },
    "[method]outgoing-request.set-scheme": (self: number, isSome: number, scheme: number) => {
      const name = isSome ? (ABI.cases.scheme[scheme] ?? "") : "HTTPS";
      const assign = (): unknown => (handles.borrow(self, OutgoingRequest).scheme = name.toLowerCase());
      return set(assign, name === "HTTP" || name === "HTTPS");
    },
    "[method]outgoing-request.set-authority": (self: number, isSome: number, from: number, length: number) => {
      const authority = optional(isSome, from, length) ?? "";
      return set(() => (handles.borrow(self, OutgoingRequest).authority = authority), !/[\s/?#@\\]/.test(authority));
    },
    "[method]outgoing-request.set-path-with-query": (self: number, isSome: number, from: number, length: number) => {
      const path = optional(isSome, from, length) ?? "/";
      return set(() => (handles.borrow(self, OutgoingRequest).path = path), /^\/[!-~]*$/.test(path));
    },
    "[method]outgoing-request.body": (self: number, at: number) => {
      const request = handles.borrow(self, OutgoingRequest);
      const body = request.body ? undefined : (request.body = new OutgoingBody());
      giveOnce(memory(), handles, at, body);
    },
    "[resource-drop]outgoing-request": dropper(handles, OutgoingRequest),

    "[method]outgoing-body.write": (self: number, at: number) => {
      const body = handles.borrow(self, OutgoingBody);
      const stream = body.stream ? undefined : (body.stream = new OutputStream(body));
      giveOnce(memory(), handles, at, stream);
    },
    "[static]outgoing-body.finish": (self: number, hasTrailers: number, trailers: number, at: number) => {
      const body = handles.take(self, OutgoingBody);
      if (hasTrailers) handles.take(trailers, Fields);
      body.finish();
      memory().putU8(at, 0);
    },
    "[resource-drop]outgoing-body": dropper(handles, OutgoingBody),

    "[constructor]request-options": () => handles.give(new RequestOptions()),
    "[method]request-options.set-connect-timeout": (self: number, isSome: number, nanos: bigint) => {
      const millis = isSome ? Number(BigInt.asUintN(64, nanos)) / 1e6 : undefined;
      return set(() => (handles.borrow(self, RequestOptions).connectTimeoutMs = millis), true);
    },
    "[resource-drop]request-options": dropper(handles, RequestOptions),
  };
}

function answers(memory: () => Memory, handles: Handles): Record<string, (...args: never[]) => unknown> {
  return {
    /* option<result<result<incoming-response, error-code>>> */
    "[method]future-incoming-response.get": (self: number, at: number) => {
      const outcome = handles.borrow(self, FutureResponse).get();
      const { result } = LAYOUT["wasi:http/types@0.2.2#[method]future-incoming-response.get"];
      memory().putU8(at, outcome === undefined ? 0 : 1);
      if (outcome === undefined) return;
      memory().putU8(at + result.some, outcome === "taken" ? 1 : 0);
      if (outcome === "taken") return;
      memory().putU8(at + result["some.ok"], "error" in outcome ? 1 : 0);
      if ("error" in outcome) putErrorCode(memory(), at + result["some.ok.err"], outcome.error);
      else memory().putU32(at + result["some.ok.ok"], handles.give(new IncomingResponse(outcome)));
    },
    "[method]future-incoming-response.subscribe": (self: number) => {
      const future = handles.borrow(self, FutureResponse);
      return handles.give(new Pollable(() => future.wait()));
    },
    "[resource-drop]future-incoming-response": dropper(handles, FutureResponse),

    "[method]incoming-response.status": (self: number) => handles.borrow(self, IncomingResponse).answer.status,
    "[method]incoming-response.headers": (self: number) =>
      handles.give(handles.borrow(self, IncomingResponse).headers()),
    "[method]incoming-response.consume": (self: number, at: number) =>
      giveOnce(memory(), handles, at, handles.borrow(self, IncomingResponse).consume()),
    "[resource-drop]incoming-response": dropper(handles, IncomingResponse),

    "[method]incoming-body.stream": (self: number, at: number) =>
      giveOnce(memory(), handles, at, handles.borrow(self, IncomingBody).open()),
    "[resource-drop]incoming-body": dropper(handles, IncomingBody),

    "[method]fields.entries": (self: number, at: number) => {
      const { entries } = handles.borrow(self, Fields);
      const { "[]": size, "[].0": first, "[].1": second } = LAYOUT["wasi:http/types@0.2.2#[method]fields.entries"].result;
      const list = memory().allocate(entries.length * size, 4);
      entries.forEach(([name, value], index) => {
        memory().putText(list + index * size + first, name);
        memory().putBytes(list + index * size + second, value);
      });
      memory().putU32(at, list);
      memory().putU32(at + 4, entries.length);
    },
  };
}

/** Writes a code without its payload. The payloads that are options begin with a tag, and 0 is none. */
function putErrorCode(memory: Memory, at: number, code: ErrorCode): void {
  memory.window(at, ABI.sizes["error-code"]).fill(0);
  memory.putU8(at, discriminant("error-code", code));
}

/** `result<own<T>>`, of which all have one layout: an error where there is nothing left to give. */
function giveOnce(memory: Memory, handles: Handles, at: number, resource: object | undefined): void {
  const { result } = LAYOUT["wasi:http/types@0.2.2#[method]incoming-body.stream"];
  memory.putU8(at, resource ? 0 : 1);
  if (resource) memory.putU32(at + result.ok, handles.give(resource));
}

/** `result`. */
function set(assign: () => unknown, isGood: boolean): number {
  if (isGood) assign();
  return isGood ? 0 : 1;
}

function dropper(handles: Handles, kind: abstract new (...args: never[]) => object) {
  return (handle: number): void => {
    handles.take(handle, kind);
  };
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
