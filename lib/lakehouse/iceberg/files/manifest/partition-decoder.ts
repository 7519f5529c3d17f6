import type { PartitionSpec, PartitionTuple } from "../../model/partitioning/types.js";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { uuidFromBytes } from "../../model/values/bytes.js";
import { unscaledFromBytes } from "../../model/values/decimal.js";
import {
  compileDecoder,
  compileProjection,
  type Decoder,
  optionalDecoder,
  type Wanted,
} from "../avro/decode.js";
import { compatibleName } from "../avro/from-iceberg.js";
import type { AvroField, AvroRecord, AvroType } from "../avro/types.js";
import { corrupt } from "./errors.js";

/**
 * Reads a partition struct into the tuple of the spec: by field id, by name where the writer gave no id that the spec
 * has, and by place where it gave neither.
 *
 * @param types of the values as the table reads them now; the writer's may be narrower.
 * @throws LakehouseError CORRUPT_FILE where the struct lacks a field of the spec: a null in its place would be a value
 *   that the file does not have.
 */
export function partitionDecoder(
  type: AvroType,
  spec: PartitionSpec,
  types: readonly PrimitiveType[],
  subject: string,
): Decoder<PartitionTuple> {
  if (type.kind === "union") {
    const decode = optionalDecoder(type, (of) => partitionDecoder(of, spec, types, subject));
    return (cursor) => (decode(cursor) as PartitionTuple | null) ?? noPartition(spec, cursor.subject);
  }
  if (type.kind !== "record") return () => noPartition(spec, subject);
  const record = asInSpec(type, spec);
  const wanted = spec.fields.map((field, i): Wanted => {
    const target = types[i];
    return {
      id: field.fieldId,
      name: field.name,
      decoder: (writer) => partitionValueDecoder(writer, target),
    };
  });
  const found = new Set(record.fields.map(({ fieldId }) => fieldId));
  const lacking = spec.fields.find(
    ({ fieldId, transform }) => transform.transform !== "void" && !found.has(fieldId),
  );
  if (lacking !== undefined) {
    throw corrupt(subject, `its partitions lack ${JSON.stringify(lacking.name)} of spec ${spec.specId}`);
  }
  const project = compileProjection(record, wanted);
  return (cursor) => {
    const values = project(cursor);
    for (let i = 0; i < values.length; i++) values[i] ??= null;
    return values as (PrimitiveValue | null)[];
  };
}

/** The writer's record with the ids of the spec's fields, where it has them under their names, or in their places, alone. */
function asInSpec(record: AvroRecord, spec: PartitionSpec): AvroRecord {
  const ids = new Set<number | undefined>(spec.fields.map(({ fieldId }) => fieldId));
  const has = new Set(record.fields.map(({ fieldId }) => fieldId));
  const named = record.fields.map((field): AvroField => {
    if (ids.has(field.fieldId)) return field;
    const { name, type } = field;
    const same = spec.fields.find((each) => each.name === name || compatibleName(each.name) === name);
    return same === undefined || has.has(same.fieldId)
      ? { name, type }
      : { name, type, fieldId: same.fieldId };
  });
  const unknown = named.every(({ fieldId }) => fieldId === undefined);
  if (!unknown || named.length !== spec.fields.length) return { ...record, fields: named };
  return {
    ...record,
    fields: named.map((field, i) => ({ ...field, fieldId: spec.fields[i]?.fieldId as number })),
  };
}

/**
 * The tuple of an entry that has none: right for a table without partitions.
 *
 * @throws LakehouseError CORRUPT_FILE for any other.
 */
export function noPartition(spec: PartitionSpec, subject: string): PartitionTuple {
  if (spec.fields.some(({ transform }) => transform.transform !== "void")) {
    throw corrupt(subject, `an entry has no partition, and spec ${spec.specId} gives it one`);
  }
  return spec.fields.map(() => null);
}

const MICROS_PER_DAY = 86_400_000_000n;

/** Reads a partition value in the canonical form of its type: the writer's type may be narrower than today's. */
function partitionValueDecoder(writer: AvroType, target: PrimitiveType | undefined): Decoder {
  const logicalType = "logicalType" in writer ? writer.logicalType : undefined;
  const timestamp = target?.type.startsWith("timestamp") ?? false;
  const nanos = target?.type.endsWith("_ns") ? 1000n : 1n;
  switch (writer.kind) {
    case "int":
      // A date that has become a timestamp since (spec, "Schema Evolution").
      if (timestamp) return (cursor) => cursor.readLong() * MICROS_PER_DAY * nanos;
      return target?.type === "long" || target?.type === "time" || target?.type === "decimal"
        ? (cursor) => cursor.readLong()
        : (cursor) => cursor.readNumber();
    case "long":
      if (timestamp && logicalType?.endsWith("-millis")) return (cursor) => cursor.readLong() * 1000n * nanos;
      return target?.type === "int" || target?.type === "date"
        ? (cursor) => cursor.readNumber()
        : (cursor) => cursor.readLong();
    case "fixed":
      if (logicalType === "decimal" || target?.type === "decimal") {
        return (cursor) => unscaledFromBytes(cursor.readFixed(writer.size));
      }
      if (logicalType === "uuid" || target?.type === "uuid")
        return (cursor) => uuidFromBytes(cursor.readFixed(writer.size));
      return (cursor) => cursor.readFixed(writer.size).slice();
    case "bytes":
      if (logicalType === "decimal" || target?.type === "decimal")
        return (cursor) => unscaledFromBytes(cursor.readBytes());
      if (target?.type === "uuid") return (cursor) => uuidFromBytes(cursor.readBytes());
      return (cursor) => cursor.readBytes().slice();
    default:
      return compileDecoder(writer);
  }
}
