import type { Case } from "./sandbox/abi.js";

/** One thing that is wrong with an input. */
export interface FieldProblem {
  field: string;
  value: string;
  problem: string;
  fix: string;
}

/** How an operation that ran ended in failure. */
export type FailureKind = Exclude<Case<"failure-kind">, "other">;

/** What the component says of a failure. */
export interface Failure {
  kind: FailureKind;
  message: string;
  retryable: boolean;
  retryAfter: number | undefined;
  /** The typed error as JSON. */
  details: Record<string, unknown>;
}

/**
 * What a call that ended in a `HostError` can have done:
 *
 * - `nothing-sent`: no request that changes anything left for Stripe in this call.
 * - `may-have-been-made`: one left, so the refund or change may have been made. Calling again with the same operation id
 *   finds out; of a dispute, read it first.
 *
 * It is counted where requests leave, so it holds for time-outs, traps and threads that died as well. It is about this call
 * alone: an earlier call with the same operation id may have made the refund.
 */
export type MoneyState = "nothing-sent" | "may-have-been-made";

/** What went wrong on this side of the sandbox. */
export type HostErrorCode =
  /** The operation needs HTTP, and no key was given. */
  | "missing-key"
  /** A publishable key, a webhook secret, or no key of Stripe's at all. */
  | "wrong-key"
  /** A live key, where live was not allowed. */
  | "live-key"
  /** The component is not the one that was asked for. */
  | "wrong-digest"
  /** The call took too long and was ended. */
  | "timeout"
  /** The component broke off, or its thread ended. */
  | "trapped"
  /** A thread, the component or the network code could not be loaded. */
  | "not-started"
  /** The base URL is not one that a key may be sent to. */
  | "wrong-base-url"
  /** Too many calls wait already. */
  | "busy"
  /** `close()` was called. */
  | "closed"
  /** A webhook's body was parsed before it came here. */
  | "parsed-body"
  /** Webhooks without a secret. */
  | "missing-secret"
  /** An option that cannot be used. */
  | "bad-option";

/** Every error of this package. `toJSON()` is the same on every platform that embeds the component. */
export abstract class RefundNodeError extends Error {
  abstract readonly kind: string;

  /** What every platform says of this error. */
  abstract toJSON(): Record<string, unknown>;
}

/** The input does not fit the operation's schema; nothing was sent. */
export class InvalidInput extends RefundNodeError {
  override readonly name = "InvalidInput";
  readonly kind = "invalid-input";

  constructor(readonly problems: FieldProblem[]) {
    super(problems.map(({ field, problem, fix }) => `${field}: ${problem}; ${fix}`).join("\n"));
  }

  override toJSON(): Record<string, unknown> {
    return { kind: this.kind, message: this.message, problems: this.problems };
  }
}

/** There is no operation of this name. */
export class UnknownOperation extends RefundNodeError {
  override readonly name = "UnknownOperation";
  readonly kind = "unknown-operation";

  constructor(operation: string, readonly known: string[]) {
    super(`there is no operation ${JSON.stringify(operation)}; there are ${known.join(", ")}`);
  }

  override toJSON(): Record<string, unknown> {
    return { kind: this.kind, message: this.message, known: this.known };
  }
}

/** The operation ran and failed. */
export class OperationFailed extends RefundNodeError {
  override readonly name = "OperationFailed";
  readonly kind: FailureKind;
  /** Whether calling again, unchanged, may succeed. */
  readonly retryable: boolean;
  /** How many seconds to wait before, where known. */
  readonly retryAfter: number | undefined;
  /** The typed error. */
  readonly details: Record<string, unknown>;

  constructor(failure: Failure) {
    super(failure.message);
    this.kind = failure.kind;
    this.retryable = failure.retryable;
    this.retryAfter = failure.retryAfter;
    this.details = failure.details;
  }

  override toJSON(): Record<string, unknown> {
    const { kind, message, retryable, details } = this;
    return { kind, message, retryable, retry_after: this.retryAfter ?? null, details };
  }
}

/** This side of the sandbox said no, or had to end the call. */
export class HostError extends RefundNodeError {
  override readonly name = "HostError";
  readonly kind = "host";

  constructor(
    readonly code: HostErrorCode,
    message: string,
    /** Whether the refund or change may have been made. */
    readonly moneyState: MoneyState = "nothing-sent",
  ) {
    super(message);
  }

  override toJSON(): Record<string, unknown> {
    return { kind: this.kind, code: this.code, message: this.message, money_state: this.moneyState };
  }
}
