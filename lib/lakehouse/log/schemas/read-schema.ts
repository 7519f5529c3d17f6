import type { ReadSchema, SchemaSource, SchemaType } from "./schema.js";

/** Each kind with what it needs, loaded when the first of it is read. */
const READERS: Readonly<Record<SchemaType, () => Promise<(source: SchemaSource) => ReadSchema>>> = {
  AVRO: async () => (await import("./avro/avro-schema.js")).readAvroSchema,
  JSON: async () => (await import("./json/json-schema.js")).readJsonSchema,
  PROTOBUF: async () => (await import("./protobuf/protobuf-schema.js")).readProtobufSchema,
};

export const SCHEMA_TYPES = Object.keys(READERS) as readonly SchemaType[];

/** @throws LakehouseError INVALID_RECORD_SCHEMA */
export async function readSchema(type: SchemaType, source: SchemaSource): Promise<ReadSchema> {
  return (await READERS[type]())(source);
}
