import { readFileSync } from "node:fs";

/** What the component says of itself: its operations, with the JSON Schemas of their inputs and outputs. */
export interface Manifest {
  name: string;
  title: string;
  description: string;
  icon: string;
  version: string;
  /** The contract, such as `refund-node:refunds@0.1.0`. */
  contract: string;
  /** The version of Stripe's API. */
  api_version: string;
  operations: Operation[];
  /** Schemas that the operations refer to. */
  $defs: Record<string, object>;
}

/** One operation. */
export interface Operation {
  name: string;
  title: string;
  description: string;
  icon: string;
  /** Whether it changes anything at Stripe. */
  effect: "moves-money" | "writes" | "reads" | "none";
  /** Whether it talks to Stripe. */
  needs_http: boolean;
  input_schema: object;
  output_schema: object;
}

/** The manifest of the component in this package, as it was when the package was built. */
export const manifest = JSON.parse(readFileSync(new URL("./manifest.json", import.meta.url), "utf8")) as Manifest;

/** The operations by name. */
export const operations = new Map(manifest.operations.map((operation) => [operation.name, operation]));
