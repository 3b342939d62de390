// @ts-check
/**
 * @typedef {object} Options
 * @property {(text: string) => number} [localTime] how the platform reads a time that names no zone, in
 *   milliseconds; without it such a time is refused
 */

/** Why a value cannot be taken, and what to do. */
export class Refusal {
  /**
   * @param {string} problem
   * @param {string} fix
   */
  constructor(problem, fix) {
    this.problem = problem;
    this.fix = fix;
  }
}

/**
 * How what a platform hands over becomes what the contract takes. Platforms turn numbers into text
 * and back; a value that could have lost something on the way is refused, never guessed.
 *
 * @type {Record<import("./forms.js").Kind, (value: any, options: Options) => unknown>}
 */
export const CONVERSIONS = {
  text,
  choice: text,
  integer,
  time: (value, { localTime }) => instant(value, localTime),
  boolean,
  json,
};

/** @param {unknown} value */
function text(value) {
  if (typeof value === "string") return value;
  // Spreadsheets give 25.5 for 25.50. Its shortest decimal is what was meant, or has more digits than
  // the currency and is refused by the component.
  if (typeof value === "number" && /^-?\d+(\.\d+)?$/.test(String(value)) && Math.abs(value) <= Number.MAX_SAFE_INTEGER) {
    return String(value);
  }
  throw new Refusal("this is no text", "Give a text.");
}

/**
 * Whether the number is one that can be held exactly is asked once, of the whole input.
 *
 * @param {unknown} value
 */
function integer(value) {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  if (typeof value === "bigint" || (typeof value === "string" && /^\s*-?\d+\s*$/.test(value))) return Number(value);
  throw new Refusal("this is no whole number", "Give digits only; an amount in the smallest unit of the currency.");
}

/** A time that says where it is meant. */
const ANCHORED = /(?:Z|[+-]\d\d:?\d\d)$/i;

/**
 * @param {unknown} value
 * @param {Options["localTime"]} localTime
 */
function instant(value, localTime) {
  if (value instanceof Date) return seconds(value.getTime());
  if (isDateTime(value)) return seconds(value.toMillis());
  if (typeof value !== "string" || !value.includes("-", 1)) return integer(value);
  const text = value.trim();
  if (ANCHORED.test(text)) return seconds(Date.parse(text));
  if (localTime) return seconds(localTime(text));
  throw new Refusal("the time names no time zone", "End it with Z or an offset, such as 2026-11-21T09:00:00+01:00.");
}

/**
 * A DateTime of luxon, whichever copy the platform has.
 *
 * @param {unknown} value
 * @returns {value is {toMillis(): number}}
 */
function isDateTime(value) {
  return typeof value === "object" && value !== null && "toMillis" in value && typeof value.toMillis === "function";
}

/** @param {number} millis */
function seconds(millis) {
  if (Number.isNaN(millis)) {
    throw new Refusal("this is no instant", "Give Unix seconds, or a time such as 2026-11-21T09:00:00Z.");
  }
  return Math.floor(millis / 1000);
}

/** @param {unknown} value */
function boolean(value) {
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  throw new Refusal("this is neither true nor false", "Give true or false.");
}

/** @param {unknown} value */
function json(value) {
  if (typeof value === "object" && value !== null) return value;
  if (typeof value === "string") {
    const parsed = parse(value);
    if (typeof parsed === "object" && parsed !== null) return parsed;
  }
  throw new Refusal("this is no JSON object or list", "Give JSON, or an expression that gives an object or a list.");
}

/** @param {string} source */
function parse(source) {
  try {
    return JSON.parse(source);
  } catch {
    throw new Refusal("this is no valid JSON", "Look for a missing quote or a comma too many.");
  }
}
