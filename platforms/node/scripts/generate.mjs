/** TypeScript from the manifest: types of the schemas, and a method for every operation. */
import { compile } from "json-schema-to-typescript";

const BANNER = "/** Generated from the component's manifest by scripts/generate.mjs. */";
const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const definition = (schema) => schema.$ref.replace("#/$defs/", "");

/** The types of `$defs`, without the connection, which is this package's to give. */
export async function typesModule(manifest) {
  const definitions = structuredClone(manifest.$defs);
  for (const schema of Object.values(definitions)) {
    if (schema.properties?.connection?.$ref === "#/$defs/ConnectionInput") delete schema.properties.connection;
  }
  delete definitions.ConnectionInput;
  wrapReferences(definitions);
  const schema = { title: "Definitions", type: "object", additionalProperties: false, $defs: definitions };
  const options = { bannerComment: BANNER, additionalProperties: false, unreachableDefinitions: true, format: false };
  const text = await compile(schema, "Definitions", options);
  return text
    .replace(/export interface Definitions \{\s*\}\n/, "")
    .replace(/^ \* *\n \* This interface was referenced by .*\n \* via .*\n/gm, "");
}

/** A reference with words beside it would become a type of its own: it stands alone inside `allOf`. */
function wrapReferences(schema) {
  if (typeof schema !== "object" || schema === null) return;
  if ("$ref" in schema && Object.keys(schema).length > 1) {
    schema.allOf = [{ $ref: schema.$ref }];
    delete schema.$ref;
  }
  Object.values(schema).forEach(wrapReferences);
}

/** Maps from operations to their types, and a class with a method for each. */
export function operationsModule(manifest) {
  const { operations } = manifest;
  const types = (field) => operations.map((o) => `  ${JSON.stringify(o.name)}: T.${definition(o[field])};`).join("\n");
  const groups = Map.groupBy?.(operations, groupOf) ?? grouped(operations);
  return `${BANNER}
import type * as T from "./types.js";

/** What each operation takes. */
export interface OperationInputs {
${types("input_schema")}
}

/** What each operation gives. */
export interface OperationOutputs {
${types("output_schema")}
}

/** An operation's name. */
export type OperationName = keyof OperationInputs;

/** What may be said beside an input. */
export interface CallOptions {
  /** Takes the call back while it waits for its turn. A call that runs is not broken off: money may move. */
  signal?: AbortSignal;
}

/** A method for every operation. */
export abstract class TypedOperations {
  /** Runs an operation by name. */
  invoke<Name extends OperationName>(
    operation: Name,
    input: OperationInputs[Name],
    options?: CallOptions,
  ): Promise<OperationOutputs[Name]>;
  /** The same for a name that is known only when the program runs. */
  invoke(operation: string, input: object, options?: CallOptions): Promise<unknown>;
  invoke(operation: string, input: object, options: CallOptions = {}): Promise<unknown> {
    return this.run(operation, input, options);
  }

  protected abstract run(operation: string, input: object, options: CallOptions): Promise<unknown>;

${[...groups].map(([name, members]) => group(name, members)).join("\n")}}
`;
}

function group(name, members) {
  return `  /** ${members.map((one) => one.title).join(", ")}. */
  readonly ${camel(name)} = {
${members.map(method).join("\n")}
  };
`;
}

function method(operation) {
  const name = JSON.stringify(operation.name);
  return `    /** ${operation.description} */
    ${camel(operation.name.split(".")[1])}: (input: OperationInputs[${name}], options?: CallOptions) =>
      this.invoke(${name}, input, options),`;
}

function groupOf(operation) {
  return operation.name.split(".")[0];
}

function grouped(operations) {
  const groups = new Map();
  for (const operation of operations) groups.set(groupOf(operation), [...(groups.get(groupOf(operation)) ?? []), operation]);
  return groups;
}
