import { sha256 } from "../../forms/harness/runner.mjs";

/**
 * The component in the built package. n8n loads these files and no others, and they refuse any other
 * component than the one whose digest was written into them when they were built.
 */
export async function loadedComponent() {
  const { manifest, RefundNode } = await import("../dist/refund-node/index.js");
  const stripe = await RefundNode.open({ workers: 1 });
  try {
    return { digest: stripe.digest, manifest, manifestDigest: sha256(await stripe.describe()) };
  } finally {
    await stripe.close();
  }
}
