import { AvroFile, AvroWriter } from "./container.js";
import { compileDecoder } from "./decode.js";
import type { AvroSchemaJson } from "./types.js";

/**
 * An Avro container file of these records. Attributes that Avro does not know, such as `field-id`, stay in its schema.
 *
 * @param metadata goes into the file's head, beside the schema.
 * @throws LakehouseError INVALID_ARGUMENT when a value does not fit its type, naming the field.
 * @example writeAvro({ type: "record", name: "r", fields: [{ name: "n", type: "long", "field-id": 1 }] }, [{ n: 5n }]);
 */
export function writeAvro(
  schema: AvroSchemaJson,
  records: Iterable<unknown>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const writer = new AvroWriter(schema, metadata);
  for (const record of records) writer.write(record);
  return writer.finish();
}

/**
 * The records of an Avro container file: `long` as bigint, `int` as number, and a Map where Iceberg stores a map as an
 * array of keys and values.
 *
 * @param subject names the file in errors.
 * @throws LakehouseError CORRUPT_FILE when it is no Avro file, or ends early.
 */
export function readAvro<T = Record<string, unknown>>(bytes: Uint8Array, subject = "the Avro file"): T[] {
  const file = new AvroFile(bytes, subject);
  return file.records(compileDecoder(file.schema())) as T[];
}
