/** Evaluated before anything else of the package: newer things are used further on. */
const OLDEST = 20;

const [major = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST) {
  throw new Error(`refund-node needs Node ${String(OLDEST)} or newer; this is Node ${process.versions.node}`);
}

export {};
