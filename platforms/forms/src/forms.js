// @ts-check
import { exampleOf, textExample } from "./example.js";
import { choices, isSecret, isTime, unwrap } from "./schema.js";
import { resourceTitle, title } from "./words.js";

/**
 * @typedef {"text" | "integer" | "time" | "boolean" | "choice" | "json"} Kind
 *
 * @typedef {object} Field
 * @property {string} name the property of the operation's input
 * @property {string} title
 * @property {string} description
 * @property {Kind} kind
 * @property {boolean} required
 * @property {boolean} secret to be hidden on screen, and taken from the credential where it is left out
 * @property {{value: string, title: string, description?: string}[]} [options] of a choice
 * @property {string} [placeholder] of a text
 * @property {unknown} [example] of JSON
 *
 * @typedef {object} Form
 * @property {string} name the operation, `refunds.create`
 * @property {{value: string, title: string}} resource the part before the dot
 * @property {{value: string, title: string, description: string}} operation the part after it
 * @property {"none" | "reads" | "writes" | "moves-money"} effect
 * @property {boolean} connects whether it talks to Stripe, and needs a key
 * @property {Field[]} fields the required ones first
 */

/** What the credential gives, and nobody fills in. */
const FROM_THE_CREDENTIAL = "connection";

/**
 * One form for each operation of the manifest, in the manifest's order.
 *
 * @param {Record<string, any>} manifest
 * @returns {Form[]}
 */
export function formsOf(manifest) {
  return manifest.operations.map((/** @type {any} */ operation) => formOf(operation, manifest.$defs));
}

/**
 * @param {Record<string, any>} operation
 * @param {Record<string, any>} defs
 * @returns {Form}
 */
function formOf(operation, defs) {
  const [group, verb] = operation.name.split(".");
  const { schema } = unwrap(operation.input_schema, defs);
  const required = schema.required ?? [];
  const names = [...new Set([...required, ...Object.keys(schema.properties ?? {})])];
  const fields = names
    .filter((name) => name !== FROM_THE_CREDENTIAL)
    .map((name) => fieldOf(name, schema.properties[name], required.includes(name), defs));
  return {
    name: operation.name,
    resource: { value: group, title: resourceTitle(group) },
    operation: { value: verb, title: operation.title, description: operation.description },
    effect: operation.effect,
    connects: operation.needs_http,
    fields: fields.map((field) => advised(field, operation.effect)),
  };
}

/**
 * @param {string} name
 * @param {import("./schema.js").Schema} property
 * @param {boolean} required
 * @param {Record<string, any>} defs
 * @returns {Field}
 */
function fieldOf(name, property, required, defs) {
  const { schema } = unwrap(property, defs);
  const secret = isSecret(schema, defs);
  const field = {
    name,
    title: title(name),
    description: (schema.description ?? "").replace(/\s+/g, " "),
    required: required && !secret,
    secret,
  };
  const options = choices(schema)?.map((one) => ({ ...one, title: title(one.value) }));
  if (options) return { ...field, kind: "choice", options };
  switch (schema.type) {
    case "string":
      return { ...field, kind: "text", placeholder: placeholder(schema) };
    case "integer":
      return { ...field, kind: isTime(schema) ? "time" : "integer" };
    case "boolean":
      return { ...field, kind: "boolean" };
    default:
      return { ...field, kind: "json", example: exampleOf(property, defs) };
  }
}

/** @param {import("./schema.js").Schema} schema */
function placeholder(schema) {
  const example = textExample(schema);
  return example === "text" ? undefined : example;
}

/**
 * A refund's operation id decides whether money goes out once or twice, so its field says where a
 * good one comes from. There is no default: whatever a platform could make up by itself (an
 * execution, a message) is new when somebody runs the flow again, and then the refund is too.
 *
 * @param {Field} field
 * @param {Form["effect"]} effect
 * @returns {Field}
 */
function advised(field, effect) {
  if (field.name !== "operation_id" || effect !== "moves-money") return field;
  return {
    ...field,
    placeholder: "order-4711-refund-1",
    description:
      `${field.description} Take it from your own data (an order, a ticket, an incident), so that it is the same ` +
      "when the flow runs again. Never from an execution, a message, a clock or chance: a second run would pay a second time.",
  };
}
