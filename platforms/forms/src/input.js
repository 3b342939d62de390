// @ts-check
import { inexact } from "./exact.js";
import { InvalidFields } from "./problems.js";
import { CONVERSIONS, Refusal } from "./values.js";

/**
 * The input of an operation, from the values of its form. A field that is there has to have a value:
 * an expression that finds nothing must not turn "refund 5.00" into "refund everything".
 *
 * @param {import("./forms.js").Form} form
 * @param {Record<string, unknown>} values by field; those left out are not there
 * @param {import("./values.js").Options} [options]
 * @returns {Record<string, unknown>}
 * @throws {InvalidFields}
 */
export function inputOf(form, values, options = {}) {
  /** @type {import("./problems.js").Problem[]} */
  const problems = [];
  /** @type {Record<string, unknown>} */
  const input = {};
  for (const field of form.fields) {
    if (!(field.name in values)) continue;
    try {
      input[field.name] = converted(field, values[field.name], options);
    } catch (caught) {
      if (!(caught instanceof Refusal)) throw caught;
      const { problem, fix } = caught;
      problems.push({ field: field.name, value: shown(field, values[field.name]), problem, fix });
    }
  }
  problems.push(...inexact(input));
  if (problems.length) throw new InvalidFields(problems);
  return input;
}

/**
 * An output as every platform can carry it: an integer beyond those that JavaScript holds exactly, which comes as
 * a BigInt, is text.
 *
 * @param {unknown} output
 * @returns {Record<string, any>}
 */
export function plain(output) {
  return JSON.parse(JSON.stringify(output, (_, value) => (typeof value === "bigint" ? String(value) : value)));
}

/**
 * An input that somebody wrote as a whole: as it is, if JSON can carry it unchanged.
 *
 * @param {unknown} given an object, or its JSON
 * @returns {Record<string, unknown>}
 * @throws {InvalidFields}
 */
export function wholeInput(given) {
  try {
    const input = /** @type {Record<string, unknown>} */ (CONVERSIONS.json(given, {}));
    const problems = [...inexact(input), ...amountless(input)];
    if (problems.length) throw new InvalidFields(problems);
    return input;
  } catch (caught) {
    if (!(caught instanceof Refusal)) throw caught;
    const { problem, fix } = caught;
    throw new InvalidFields([{ field: "input", value: "", problem, fix }]);
  }
}

/**
 * Without an amount everything that is left is refunded. That has to be meant: an amount that is named and null is a
 * column that was empty.
 *
 * @param {Record<string, unknown>} input
 * @returns {import("./problems.js").Problem[]}
 */
function amountless(input) {
  const named = ["amount", "amount_decimal"].filter((name) => name in input && input[name] === null);
  const fix = "Give an amount, or leave the field out to mean everything that is left.";
  return named.map((field) => ({ field, value: "null", problem: "this is empty", fix }));
}

/**
 * @param {import("./forms.js").Field} field
 * @param {unknown} value
 * @param {import("./values.js").Options} options
 */
function converted(field, value, options) {
  if (value === undefined || value === null || value === "") {
    throw new Refusal("this is empty", field.required ? "Give a value." : "Give a value, or remove the field.");
  }
  return CONVERSIONS[field.kind](value, options);
}

/**
 * @param {import("./forms.js").Field} field
 * @param {unknown} value
 */
function shown(field, value) {
  return field.secret ? "(hidden)" : String(value ?? "").slice(0, 100);
}
