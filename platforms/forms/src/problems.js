// @ts-check
/**
 * @typedef {object} Problem as in the contract's `field-problem`
 * @property {string} field
 * @property {string} value
 * @property {string} problem
 * @property {string} fix
 */

/** A filled form that cannot become an input. Nothing was sent. */
export class InvalidFields extends Error {
  /** @param {Problem[]} problems */
  constructor(problems) {
    super(problems.map(({ field, problem, fix }) => `${field}: ${problem}. ${fix}`).join(" "));
    this.name = "InvalidFields";
    this.problems = problems;
  }

  /** The same shape as an answer of the component. */
  toJSON() {
    return { kind: "invalid-input", message: this.message, problems: this.problems };
  }
}
