/** The failure in an error of the component or of a form; nothing where it is a bug. */
exports.failureOf = (error) => {
  const json = typeof error?.toJSON === "function" ? error.toJSON() : undefined;
  return typeof json?.kind === "string" ? json : undefined;
};

/** The error for `done`: a Catch node finds the kind in `msg.error.code`, and the whole answer in `msg.error.cause`. */
exports.reported = (failure) => Object.assign(new Error(failure.message, { cause: failure }), { code: failure.kind });
