const { posix } = require("node:path");

const getRawBody = require("raw-body");

/** Larger than any event of Stripe's. */
const LIMIT = "1mb";

/**
 * Routes that get their bodies as bytes.
 *
 * Where editor and flows have one root, which is the default, Node-RED's admin API reads JSON bodies before
 * a flow's route is asked. So these are taken at the very front of the outermost application, as
 * Node-RED's own `http in` does it for its raw bodies.
 */
exports.RawRoutes = class {
  #app;
  #root;
  #paths = new Set();

  constructor(app, root) {
    this.#app = app;
    this.#root = root;
    const outermost = outermostOf(app);
    outermost.use((request, response, next) => void this.#take(request, next));
    const { stack } = outermost._router;
    stack.unshift(stack.pop());
  }

  add(path, handler) {
    this.#paths.add(posix.join(this.#root, path));
    this.#app.post(path, handler);
  }

  /** Express has no call for it; Node-RED's own `http in` does the same. */
  remove(path, handler) {
    this.#paths.delete(posix.join(this.#root, path));
    const { stack } = this.#app._router;
    const index = stack.findIndex(({ route }) => route?.stack.some((layer) => layer.handle === handler));
    if (index >= 0) stack.splice(index, 1);
  }

  async #take(request, next) {
    // This early a request has nothing of Express yet, no path either.
    const [pathname] = request.url.split("?");
    if (request.method !== "POST" || !this.#paths.has(pathname)) return next();
    try {
      request.rawBody = await getRawBody(request, { limit: LIMIT });
      // What body parsers look at, to leave alone what was read.
      request._body = true;
      return next();
    } catch (error) {
      return next(error);
    }
  }
};

function outermostOf(app) {
  return app.parent ? outermostOf(app.parent) : app;
}
