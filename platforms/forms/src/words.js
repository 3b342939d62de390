// @ts-check
const ABBREVIATIONS = new Map([["id", "ID"], ["sla", "SLA"], ["utc", "UTC"], ["url", "URL"]]);

/**
 * `operation_id` is "Operation ID", `follow-ups` is "Follow-Ups".
 *
 * @param {string} name as in the contract
 */
export function title(name) {
  return name.replace(/_/g, " ").replace(/[a-z0-9]+/g, (word) => ABBREVIATIONS.get(word) ?? capital(word));
}

/**
 * `policies` is "Policy", `refunds` is "Refund": what a group of operations is about.
 *
 * @param {string} group the part before the dot
 */
export function resourceTitle(group) {
  return title(group.replace(/ies$/, "y").replace(/s$/, ""));
}

/** @param {string} word */
function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}
