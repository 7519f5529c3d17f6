import { AvroFile, AvroWriter } from "../../files/avro/container.js";
import { compileDecoder } from "../../files/avro/decode.js";
import type { AvroRecord, AvroSchemaJson, AvroType } from "../../files/avro/types.js";

/** A record as it was decoded, to be changed in place. */
export type AvroValues = Record<string, unknown>;

/**
 * An Avro file with its records changed, and all else as its writer made it: schema, metadata, and every column, also
 * those that we know nothing of.
 */
export async function rewriteAvro(
  bytes: Uint8Array,
  subject: string,
  change: (records: readonly AvroValues[], schema: AvroRecord) => Promise<void>,
): Promise<Uint8Array> {
  const file = new AvroFile(bytes, subject);
  const schema = file.schema() as AvroRecord;
  const records = file.records(compileDecoder(schema)) as AvroValues[];
  await change(records, schema);
  const metadata = Object.fromEntries([...file.header.metadata].filter(([key]) => !key.startsWith("avro.")));
  const json = JSON.parse(file.header.schemaJson) as AvroSchemaJson;
  const writer = new AvroWriter(json, metadata, file.header.codec === "null" ? "null" : "deflate");
  for (const record of records) writer.write(record);
  return writer.finish();
}

/** A field's name in a writer's schema: by its id, or the spec's own where the writer gave none; `undefined` when it is not there. */
export function fieldName(type: AvroType, id: number, specName: string): string | undefined {
  const record = recordOf(type);
  const byId = record?.fields.find(({ fieldId }) => fieldId === id);
  return (byId ?? record?.fields.find(({ name, fieldId }) => fieldId === undefined && name === specName))
    ?.name;
}

export function fieldType(type: AvroType, name: string): AvroType {
  return recordOf(type)?.fields.find((field) => field.name === name)?.type ?? { kind: "null" };
}

function recordOf(type: AvroType): AvroRecord | undefined {
  if (type.kind === "union") return type.branches.map(recordOf).find((branch) => branch !== undefined);
  return type.kind === "record" ? type : undefined;
}
