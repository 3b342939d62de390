// @ts-check
import { choices, isTime, unwrap } from "./schema.js";

const SOME_INSTANT = 1793491200;

/** What fits the patterns of the contract: a currency, a month.
 * @type {Record<string, string>} */
const PATTERNS = { "^[A-Za-z]{3}$": "usd", "^[0-9]{4}-(0[1-9]|1[0-2])$": "2026-11" };

/**
 * The smallest value that fits a schema, to show what a JSON field looks like.
 *
 * @param {import("./schema.js").Schema} given
 * @param {Record<string, import("./schema.js").Schema>} defs
 * @returns {unknown}
 */
export function exampleOf(given, defs) {
  const { schema } = unwrap(given, defs);
  if (schema.const !== undefined) return schema.const;
  const choice = choices(schema)?.[0];
  if (choice) return choice.value;
  if (schema.oneOf) return exampleOf(schema.oneOf[0], defs);
  switch (schema.type) {
    case "object":
      return objectExample(schema, defs);
    case "array":
      return [exampleOf(schema.items, defs)];
    case "integer":
      return isTime(schema) ? SOME_INSTANT : (schema.minimum ?? 0) + 1;
    case "boolean":
      return true;
    default:
      return textExample(schema);
  }
}

/**
 * @param {import("./schema.js").Schema} schema
 * @param {Record<string, import("./schema.js").Schema>} defs
 */
function objectExample(schema, defs) {
  if (!schema.properties) return { key: exampleOf(schema.additionalProperties, defs) };
  const shown = schema.required?.length ? schema.required : Object.keys(schema.properties).slice(0, 1);
  return Object.fromEntries(
    shown.map((/** @type {string} */ name) => [name, exampleOf(schema.properties[name], defs)]),
  );
}

/**
 * What a text looks like: the first thing that its description quotes.
 *
 * @param {import("./schema.js").Schema} schema
 */
export function textExample(schema) {
  const known = PATTERNS[schema.pattern];
  if (known) return known;
  return /`([^`\s]+)`/.exec(schema.description ?? "")?.[1] ?? "text";
}
