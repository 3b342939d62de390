// @ts-check
/**
 * What in a value JSON would change in silence: NaN becomes null, and then "everything that is left"
 * is refunded; undefined vanishes; a large number is another number.
 *
 * @param {unknown} value
 * @param {string} path
 * @returns {import("./problems.js").Problem[]}
 */
export function inexact(value, path = "") {
  if (Array.isArray(value)) return value.flatMap((item, index) => inexact(item, `${path}[${index}]`));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) => inexact(inner, path ? `${path}.${name}` : name));
  }
  const problem = lostIn(value);
  return problem ? [{ field: path, value: String(value), ...problem }] : [];
}

/**
 * @param {unknown} value
 * @returns {{problem: string, fix: string} | undefined}
 */
function lostIn(value) {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return { problem: "this is not a number", fix: "Look at the calculation that it comes from." };
  }
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return { problem: "the number is too large to be held exactly", fix: `Give at most ${Number.MAX_SAFE_INTEGER}.` };
  }
  if (!["string", "number", "boolean", "object"].includes(typeof value)) {
    return { problem: `JSON cannot say ${typeof value}`, fix: "Leave the field out, or give it a value." };
  }
  return undefined;
}
