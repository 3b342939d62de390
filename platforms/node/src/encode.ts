import { InvalidInput, type FieldProblem } from "./errors.js";
import type { Shape } from "./shape.js";

/** Deeper than any schema of the manifest. */
const DEEPEST = 64;
const LARGEST = 2n ** 64n - 1n;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

const EVERYTHING = "leave the field out to refund everything that is left, or give an amount";
/** What to do about a field that means everything when it is left out. */
const AMOUNT_FIXES = new Map([
  ["amount", EVERYTHING],
  ["amount_decimal", EVERYTHING],
  ["currency", "leave amount and currency out to refund everything that is left, or give both"],
]);

/**
 * An input as JSON, exactly as it was meant, or an error that names the fields.
 *
 * JSON.stringify leaves out what is undefined, inherited or not enumerable, writes a Map as {} and NaN as null. Each of
 * these could turn "refund 5.00" into "refund everything", so they are refused. Getters and `toJSON` are called once, and
 * what they give is what is checked and sent. BigInts are written digit by digit.
 *
 * Without a shape, undefined is left out: only an operation's input has fields whose absence has a meaning.
 */
export function encode(input: object, shape?: Shape): string {
  const encoder = new Encoder();
  const text = encoder.encode(input, shape);
  if (encoder.problems.length > 0) throw new InvalidInput(encoder.problems);
  return text;
}

/** The same with one more field, which the caller must not give. */
export function encodeWith(input: object, shape: Shape, name: string, value: object): string {
  const text = encode(input, shape);
  const comma = text === "{}" ? "" : ",";
  return `${text.slice(0, -1)}${comma}${JSON.stringify(name)}:${JSON.stringify(value)}}`;
}

class Encoder {
  readonly problems: FieldProblem[] = [];

  encode(input: unknown, shape: Shape | undefined): string {
    const value = opened(input, "");
    if (isObject(value) && !Array.isArray(value)) return this.#object(value, shape, "", 0);
    this.#refuse("input", "is not an object", "give an object with the fields of the operation");
    return "{}";
  }

  /** The JSON of a value; `undefined` for one that JSON does not have. */
  #value(given: unknown, shape: Shape | undefined, path: string, depth: number): string | undefined {
    const value = opened(given, path);
    switch (typeof value) {
      case "string":
        return JSON.stringify(value);
      case "boolean":
        return String(value);
      case "number":
        return this.#number(value, path);
      case "bigint":
        if (value > LARGEST || value < -SAFE) this.#refuseNumber(path, String(value), "is out of range");
        return String(value);
      case "object":
        break;
      default:
        return undefined;
    }
    if (value === null) return "null";
    if (depth > DEEPEST) {
      this.#refuse(path, "is nested too deeply", "give what the schema says");
      return "null";
    }
    return Array.isArray(value) ? this.#list(value, shape, path, depth) : this.#object(value, shape, path, depth);
  }

  #number(value: number, path: string): string {
    if (!Number.isFinite(value)) this.#refuseNumber(path, String(value), "is no number that JSON has");
    else if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      this.#refuseNumber(path, String(value), "is beyond 2^53 - 1, where JavaScript rounds integers");
    }
    return JSON.stringify(value);
  }

  #list(list: unknown[], shape: Shape | undefined, path: string, depth: number): string {
    const items: string[] = [];
    for (let index = 0; index < list.length; index += 1) {
      const at = `${path}[${String(index)}]`;
      const item = this.#value(list[index], shape?.item, at, depth + 1);
      if (item === undefined) this.#refuse(at, absence(list[index]), "give a value, or leave the item out");
      else items.push(item);
    }
    return `[${items.join(",")}]`;
  }

  #object(object: object, shape: Shape | undefined, path: string, depth: number): string {
    const tag = Object.prototype.toString.call(object);
    if (tag !== "[object Object]") {
      this.#refuse(path || "input", `cannot be written as JSON: it is a ${tag.slice(8, -1)}`, "give a plain object");
      return "{}";
    }
    const names = Object.keys(object);
    if (shape) this.#checkHidden(object, names, shape, path);
    const fields: string[] = [];
    for (const name of names) {
      const field = path === "" ? name : `${path}.${name}`;
      const inner = shape?.fields.get(name) ?? shape?.value;
      const given = (object as Record<string, unknown>)[name];
      const value = this.#value(given, inner, field, depth + 1);
      if (value !== undefined) fields.push(`${JSON.stringify(name)}:${value}`);
      else if (mustHaveValue(given, inner, shape)) {
        this.#refuse(field, absence(given), AMOUNT_FIXES.get(name) ?? "leave the field out, or give a value");
      }
    }
    return `{${fields.join(",")}}`;
  }

  /** Fields that a program would find in the object, and that are not among those written. */
  #checkHidden(object: object, names: string[], shape: Shape, path: string): void {
    for (const name of shape.fields.keys()) {
      if (!(name in object) || names.includes(name)) continue;
      const field = path === "" ? name : `${path}.${name}`;
      const problem = "is inherited or not enumerable, so it would not be sent";
      this.#refuse(field, problem, "give a plain object that has it as a field of its own");
    }
  }

  #refuse(field: string, problem: string, fix: string): void {
    this.problems.push({ field, value: "", problem, fix });
  }

  #refuseNumber(field: string, value: string, problem: string): void {
    this.problems.push({ field, value, problem, fix: "give a smaller integer, or a BigInt up to 2^64 - 1" });
  }
}

/** What is to be written: what `toJSON` gives, and what a boxed value holds. */
function opened(given: unknown, path: string): unknown {
  if (!isObject(given)) return given;
  const { toJSON } = given as { toJSON?: unknown };
  const value: unknown = typeof toJSON === "function" ? toJSON.call(given, lastName(path)) : given;
  const isBoxed = value instanceof Number || value instanceof String || value instanceof Boolean || value instanceof BigInt;
  return isBoxed ? value.valueOf() : value;
}

/** As JSON.stringify calls `toJSON`: with the name of the field. */
function lastName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("."), path.lastIndexOf("[")) + 1).replace("]", "");
}

/**
 * Whether a field without a value is refused rather than left out: where null is refused, in a map, and where the name is not
 * one of those that there are. An object of Stripe's is not strict: its fields are data.
 */
function mustHaveValue(given: unknown, inner: Shape | undefined, outer: Shape | undefined): boolean {
  if (!outer) return false;
  if (!inner) return outer.isStrict;
  const isAbsent = typeof given !== "function" && typeof given !== "symbol";
  return !(isAbsent && inner.takesNull) && (outer.isStrict || inner === outer.value);
}

function absence(value: unknown): string {
  return typeof value === "function" || typeof value === "symbol" ? `is a ${typeof value}` : "is undefined";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
