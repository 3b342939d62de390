type Schema = Record<string, unknown>;

/** What a JSON Schema says about the fields of a value, as far as encoding needs it. */
export interface Shape {
  /** By name, those of all alternatives. */
  readonly fields: ReadonlyMap<string, Shape>;
  /** For each item of a list. */
  item: Shape | undefined;
  /** For the fields of a map, whatever they are called. */
  value: Shape | undefined;
  /** Null is taken, and says the same as leaving the field out. */
  takesNull: boolean;
  /** A name that is not among the fields is refused. */
  isStrict: boolean;
}

interface Draft extends Shape {
  fields: Map<string, Shape>;
}

/** By schema: the definitions refer to each other in circles. */
const known = new WeakMap<object, Draft>();

/** The shape of a schema. `definitions` are those that it refers to. */
export function shapeOf(schema: object, definitions: Record<string, object>): Shape {
  const found = known.get(schema);
  if (found) return found;
  const shape: Draft = { fields: new Map(), item: undefined, value: undefined, takesNull: false, isStrict: false };
  known.set(schema, shape);
  add(shape, schema as Schema, definitions);
  return shape;
}

function add(shape: Draft, schema: Schema, definitions: Record<string, object>): void {
  if (typeof schema.$ref === "string") {
    const name = schema.$ref.replace("#/$defs/", "");
    // A key of metadata without a value is left out: the component takes null there, and writes nothing.
    if (name !== "Metadata") add(shape, (definitions[name] ?? {}) as Schema, definitions);
  }
  for (const several of [schema.anyOf, schema.oneOf, schema.allOf]) {
    for (const one of (several ?? []) as Schema[]) add(shape, one, definitions);
  }
  const { type, items, properties, patternProperties, additionalProperties } = schema;
  if (type === "null" || (Array.isArray(type) && type.includes("null"))) shape.takesNull = true;
  if (additionalProperties === false) shape.isStrict = true;
  if (isSchema(items)) shape.item = shapeOf(items, definitions);
  for (const values of [additionalProperties, ...Object.values((patternProperties ?? {}) as Schema)]) {
    if (isSchema(values)) shape.value = shapeOf(values, definitions);
  }
  for (const [field, property] of Object.entries((properties ?? {}) as Record<string, Schema>)) {
    shape.fields.set(field, shapeOf(property, definitions));
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null;
}
