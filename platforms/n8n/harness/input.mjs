/**
 * The parameters of a Refund Node that takes a call's input from `$json.body`: through the fields of the form
 * where the form can say it, each by an expression; as JSON what it cannot (a field that is not there, a text
 * where a number belongs).
 *
 * @param {import("../../forms/src/forms.js").Form | undefined} form of the operation, where there is one
 */
export function parameters(form, operation, input) {
  return form && canSay(form, input) ? throughFields(form, input) : asJson(operation);
}

function canSay(form, input) {
  const isComplete = form.fields.every((field) => !field.required || field.name in input);
  const fields = new Map(form.fields.map((field) => [field.name, field.kind]));
  return isComplete && Object.entries(input).every(([name, value]) => fields.has(name) && FITS[fields.get(name)](value));
}

const isText = (value) => typeof value === "string" && value !== "";

const FITS = {
  text: isText,
  choice: isText,
  integer: Number.isSafeInteger,
  time: Number.isSafeInteger,
  boolean: (value) => typeof value === "boolean",
  json: (value) => typeof value === "object" && value !== null,
};

function throughFields(form, input) {
  const read = (field) => [field.name, `={{ $json.body.input[${JSON.stringify(field.name)}] }}`];
  const given = form.fields.filter((field) => field.name in input);
  return {
    resource: form.resource.value,
    operation: form.operation.value,
    specifyInput: "fields",
    ...Object.fromEntries(given.filter((field) => field.required).map(read)),
    additionalFields: Object.fromEntries(given.filter((field) => !field.required).map(read)),
  };
}

function asJson(name) {
  const [resource, operation] = name.split(".");
  return { resource, operation, specifyInput: "json", inputJson: "={{ $json.body.input }}" };
}
