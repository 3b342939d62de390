// @ts-check
export { formsOf } from "./forms.js";
export { inputOf, plain, wholeInput } from "./input.js";
export { InvalidFields } from "./problems.js";

/**
 * @typedef {import("./forms.js").Field} Field
 * @typedef {import("./forms.js").Form} Form
 */
