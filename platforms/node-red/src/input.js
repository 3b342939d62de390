const { inputOf, InvalidFields, wholeInput } = require("../../forms/src/index.js");

/**
 * The fields of the form, and those of `msg.payload` where the node is told to take them. A field that is in
 * both is refused: what the flow fixes, a policy above all, no message may change. So is a payload that
 * is no object: JSON that nobody parsed would otherwise be overlooked, with the amount in it.
 */
exports.inputOfMessage = (form, { fields, merge }, { payload }, signingSecrets) => {
  const configured = form ? inputOf(form, filledIn(fields)) : {};
  const fixed = { ...fromAccount(form, signingSecrets), ...configured };
  const given = merge === false ? {} : fromPayload(payload);
  const twice = Object.keys(given).filter((name) => name in fixed);
  if (twice.length > 0) throw new InvalidFields(twice.map(givenTwice));
  return { ...fixed, ...given };
};

const givenTwice = (field) => ({
  field,
  value: "",
  problem: "the node or its account has this field filled in, and msg.payload has it too",
  fix: "Empty it in the node, or leave it out of the payload.",
});

/** An account without secrets fixes none: the message may bring them. */
function fromAccount(form, signingSecrets) {
  if (signingSecrets.length === 0) return {};
  return Object.fromEntries((form?.fields ?? []).filter((field) => field.secret).map(({ name }) => [name, signingSecrets]));
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
