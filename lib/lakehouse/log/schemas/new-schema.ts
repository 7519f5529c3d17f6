import type { TypedSchema } from "../../iceberg/index.js";
import type { NewSchema } from "./schema.js";

/** What is registered for the values of a topic: a schema of columns is JSON's. */
export async function newSchema<Row>(schema: NewSchema | TypedSchema<Row>): Promise<NewSchema> {
  if (!("fields" in schema)) return schema;
  const { stringifyJson } = await import("../../iceberg/index.js");
  const { jsonSchemaOf } = await import("./json/from-columns.js");
  return { schemaType: "JSON", schema: stringifyJson(jsonSchemaOf(schema)) };
}
