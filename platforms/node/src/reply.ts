import { InvalidInput, OperationFailed, UnknownOperation } from "./errors.js";
import { decode } from "./json.js";
import type { Reply } from "./sandbox/sandbox.js";

/** The output of an operation, or its error, thrown. */
export function outputOf(operation: string, reply: Reply): unknown {
  switch (reply.tag) {
    case "output":
      return decode(reply.text);
    case "invalid-input":
      throw new InvalidInput(reply.problems);
    case "unknown-operation":
      throw new UnknownOperation(operation, reply.known);
    case "failed": {
      const details = decode(reply.failure.details) as Record<string, unknown>;
      throw new OperationFailed({ ...reply.failure, details });
    }
  }
}
