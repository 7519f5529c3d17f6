import { typeToString } from "../types/type-text.js";
import type { NestedField, Schema } from "../types/types.js";

/** A schema that was found in data, and prints as a column a line: name and type. All of its columns are optional. */
export class InferredSchema implements Schema {
  readonly schemaId = 0;
  readonly fields: readonly NestedField[];
  readonly identifierFieldIds: readonly number[] = [];

  constructor({ fields }: Pick<Schema, "fields">) {
    this.fields = fields;
  }

  toString(): string {
    const width = Math.max(0, ...this.fields.map(({ name }) => JSON.stringify(name).length));
    return this.fields
      .map(({ name, type }) => `${JSON.stringify(name).padEnd(width)}  ${typeToString(type)}`)
      .join("\n");
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
