// @ts-check
/** @typedef {Record<string, any>} Schema */

/**
 * Follows references and takes the wrapping off: what is left says what a value is like.
 *
 * @param {Schema} schema
 * @param {Record<string, Schema>} defs the manifest's `$defs`
 * @returns {{schema: Schema, nullable: boolean}}
 */
export function unwrap(schema, defs) {
  if (schema.$ref) {
    const { $ref, ...beside } = schema;
    const inner = unwrap(lookUp($ref, defs), defs);
    return { ...inner, schema: { ...inner.schema, ...beside } };
  }
  if (Array.isArray(schema.type) && schema.type.includes("null")) {
    const [type] = schema.type.filter((name) => name !== "null");
    return { schema: { ...schema, type }, nullable: true };
  }
  if (schema.anyOf?.length === 2 && schema.anyOf.some(isNull)) {
    const { anyOf, ...beside } = schema;
    const inner = unwrap(anyOf.find((/** @type {Schema} */ one) => !isNull(one)), defs);
    return { schema: { ...inner.schema, ...beside }, nullable: true };
  }
  return { schema, nullable: false };
}

/**
 * The values of an enumeration, with what each of them means; nothing where any value will do.
 *
 * @param {Schema} schema unwrapped
 * @returns {{value: string, description?: string}[] | undefined}
 */
export function choices(schema) {
  if (schema.enum) return schema.enum.map((/** @type {string} */ value) => ({ value }));
  if (schema.oneOf?.length && schema.oneOf.every((/** @type {Schema} */ one) => typeof one.const === "string")) {
    return schema.oneOf.map((/** @type {Schema} */ one) => ({ value: one.const, description: one.description }));
  }
  if (schema.type === "string" && schema.examples?.length) {
    // Stripe's open enumerations list more values than every operation takes; the description names
    // those that this one takes.
    const named = schema.examples.filter((/** @type {string} */ value) => schema.description?.includes(`\`${value}\``));
    return (named.length ? named : schema.examples).map((/** @type {string} */ value) => ({ value }));
  }
  return undefined;
}

/** @param {Schema} schema unwrapped */
export function isTime(schema) {
  return schema.type === "integer" && /\bUnix seconds\b/.test(schema.description ?? "");
}

/**
 * @param {Schema} schema
 * @param {Record<string, Schema>} defs
 */
export function isSecret(schema, defs) {
  const items = schema.items ?? schema;
  return items.$ref !== undefined && items.$ref.endsWith("/Secret") && lookUp(items.$ref, defs) !== undefined;
}

/** @param {Schema} schema */
function isNull(schema) {
  return schema.type === "null";
}

/**
 * @param {string} reference
 * @param {Record<string, Schema>} defs
 * @returns {Schema}
 */
function lookUp(reference, defs) {
  const name = reference.replace("#/$defs/", "");
  const found = defs[name];
  if (!found) throw new Error(`the manifest refers to ${reference}, which it does not define`);
  return found;
}
