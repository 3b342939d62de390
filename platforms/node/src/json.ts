import { InvalidInput, type FieldProblem } from "./errors.js";
import { crypto } from "./sandbox/crypto.js";

/** Deeper than any schema of the manifest. */
const DEEPEST = 64;
const MOST = 2n ** 64n - 1n;
/** Without an amount everything that is left is refunded: that has to be said, and undefined says nothing. */
const AMOUNTS = new Set(["amount", "amount_decimal"]);
const NO_AMOUNT = { value: "undefined", problem: "is named and has no value", fix: "give an amount, or leave the field out to mean everything that is left" };
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * An input as JSON. Numbers that JavaScript has rounded already are refused by name, before anything is sent;
 * BigInts are written digit by digit.
 */
export function encode(input: object): string {
  const problems: FieldProblem[] = [];
  const hasBigInt = check(input, "", problems, 0);
  if (problems.length > 0) throw new InvalidInput(problems);
  if (!hasBigInt) return JSON.stringify(input);
  const mark = crypto().randomUUID();
  const marked = JSON.stringify(input, (_, value: unknown) =>
    typeof value === "bigint" ? `${mark}${value.toString()}` : value,
  );
  return marked.replaceAll(new RegExp(`"${mark}(-?[0-9]+)"`, "g"), "$1");
}

/** Collects what is wrong with the numbers inside a value; gives whether there are BigInts among them. */
function check(value: unknown, path: string, problems: FieldProblem[], depth: number): boolean {
  if (typeof value === "number") {
    const problem = numberProblem(value);
    if (problem !== undefined) problems.push(refused(path, String(value), problem));
    return false;
  }
  if (typeof value === "bigint") {
    if (value > MOST || value < -SAFE) problems.push(refused(path, String(value), "is out of range"));
    return true;
  }
  if (typeof value !== "object" || value === null) return false;
  if (depth > DEEPEST) {
    problems.push({ field: path, value: "", problem: "is nested too deeply", fix: "give what the schema says" });
    return false;
  }
  let hasBigInt = false;
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined && AMOUNTS.has(key)) problems.push({ ...NO_AMOUNT, field: path === "" ? key : `${path}.${key}` });
    const at = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    hasBigInt = check(item, at, problems, depth + 1) || hasBigInt;
  }
  return hasBigInt;
}

function numberProblem(value: number): string | undefined {
  if (!Number.isFinite(value)) return "is no number that JSON has";
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return "is beyond 2^53 - 1, where JavaScript rounds integers";
  }
  return undefined;
}

function refused(field: string, value: string, problem: string): FieldProblem {
  return { field, value, problem, fix: "give a smaller integer, or a BigInt up to 2^64 - 1" };
}

/** What may be an integer beyond 2^53 - 1: sixteen digits in a row. */
const MANY_DIGITS = /[0-9]{16}/;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;

/** Reads JSON of the component. An integer that a number cannot hold exactly comes back as a BigInt, never rounded. */
export function decode(text: string): unknown {
  if (!MANY_DIGITS.test(text)) return JSON.parse(text);
  const mark = crypto().randomUUID();
  const marked = text.replaceAll(TOKENS, (token) => {
    const isLarge = /^-?[0-9]+$/.test(token) && !Number.isSafeInteger(Number(token));
    return isLarge ? `"${mark}${token}"` : token;
  });
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}
