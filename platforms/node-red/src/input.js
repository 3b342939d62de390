const { inputOf, InvalidFields, wholeInput } = require("../../forms/src/index.js");

/**
 * The fields of the form, and over them the fields of `msg.payload` where the node is told to take
 * them. A payload that is no object is refused: JSON that nobody parsed would otherwise be overlooked,
 * with the amount in it.
 */
exports.inputOfMessage = (form, { fields, merge }, { payload }, signingSecrets) => {
  const configured = form ? inputOf(form, { ...fromAccount(form, signingSecrets), ...filledIn(fields) }) : {};
  if (merge === false) return configured;
  return { ...configured, ...fromPayload(payload) };
};

function fromAccount(form, signingSecrets) {
  return Object.fromEntries(form.fields.filter((field) => field.secret).map(({ name }) => [name, signingSecrets]));
}

/** In the editor an empty field is one that is left to the payload. */
function filledIn(fields = {}) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
}

function fromPayload(payload) {
  if (payload === undefined || payload === null) return {};
  if (typeof payload === "object" && !Array.isArray(payload) && !Buffer.isBuffer(payload)) return wholeInput(payload);
  throw new InvalidFields([
    {
      field: "msg.payload",
      value: typeof payload,
      problem: "this is no object",
      fix: "Set it to an object with fields of the operation, or tell the node not to take fields from it.",
    },
  ]);
}
