import { HostError } from "./errors.js";

/** What a program threw, for a message. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Something that a call needs cannot be loaded: no call has begun. */
export function notStarted(what: string, error: unknown): HostError {
  return new HostError("not-started", `${what}: ${reasonOf(error)}. Nothing was sent.`);
}
