import { LakehouseError } from "../../errors.js";
import {
  type AvroRecord,
  type AvroType,
  compileDecoder,
  compileProjection,
  type Decoder,
  type Wanted,
} from "../avro/index.js";
import type { PartitionSpec, PartitionTuple } from "../partitioning/types.js";
import type { PrimitiveType, PrimitiveValue } from "../schema/types.js";
import { unscaledFromBytes, uuidFromBytes } from "../values/index.js";
import { lazyMetricDecoder } from "./metric-map.js";
import type { DataFile, EntryStatus, FileContent, FileFormat, ManifestEntry, MetricMap } from "./types.js";

/** By their numbers in manifests. */
export const STATUS: readonly EntryStatus[] = ["existing", "added", "deleted"];
const CONTENT: readonly FileContent[] = ["data", "position-deletes", "equality-deletes"];
const FORMATS: ReadonlySet<string> = new Set(["parquet", "avro", "orc", "puffin"]);

export const ENTRY_FIELDS = {
  status: 0,
  snapshotId: 1,
  sequenceNumber: 3,
  fileSequenceNumber: 4,
  dataFile: 2,
} as const;

/** Slots of a decoded `data_file`; the order of `DATA_FILE`. */
type FileSlots = readonly [
  content: number | undefined | null,
  filePath: string | undefined,
  fileFormat: string | undefined,
  partition: PartitionTuple | undefined,
  recordCount: bigint | undefined,
  fileSizeInBytes: bigint | undefined,
  columnSizes: MetricMap<bigint> | undefined | null,
  valueCounts: MetricMap<bigint> | undefined | null,
  nullValueCounts: MetricMap<bigint> | undefined | null,
  nanValueCounts: MetricMap<bigint> | undefined | null,
  lowerBounds: MetricMap<Uint8Array> | undefined | null,
  upperBounds: MetricMap<Uint8Array> | undefined | null,
  keyMetadata: Uint8Array | undefined | null,
  splitOffsets: readonly bigint[] | undefined | null,
  equalityIds: readonly number[] | undefined | null,
  sortOrderId: number | undefined | null,
  firstRowId: bigint | undefined | null,
  referencedDataFile: string | undefined | null,
  contentOffset: bigint | undefined | null,
  contentSizeInBytes: bigint | undefined | null,
];

function dataFileWanted(partition: (type: AvroType) => Decoder): readonly Wanted[] {
  return [
    { id: 134, name: "content" },
    { id: 100, name: "file_path" },
    { id: 101, name: "file_format" },
    { id: 102, name: "partition", decoder: partition },
    { id: 103, name: "record_count", decoder: long },
    { id: 104, name: "file_size_in_bytes", decoder: long },
    { id: 108, name: "column_sizes", decoder: lazyMetricDecoder },
    { id: 109, name: "value_counts", decoder: lazyMetricDecoder },
    { id: 110, name: "null_value_counts", decoder: lazyMetricDecoder },
    { id: 137, name: "nan_value_counts", decoder: lazyMetricDecoder },
    { id: 125, name: "lower_bounds", decoder: lazyMetricDecoder },
    { id: 128, name: "upper_bounds", decoder: lazyMetricDecoder },
    { id: 131, name: "key_metadata" },
    { id: 132, name: "split_offsets" },
    { id: 135, name: "equality_ids" },
    { id: 140, name: "sort_order_id" },
    { id: 142, name: "first_row_id", decoder: long },
    { id: 143, name: "referenced_data_file" },
    { id: 144, name: "content_offset", decoder: long },
    { id: 145, name: "content_size_in_bytes", decoder: long },
  ];
}

/** Reads an Avro `int` or `long` as bigint: some writers chose the narrower type. */
export function long(type: AvroType): Decoder {
  return type.kind === "int" ? (cursor) => cursor.readLong() : compileDecoder(type);
}

/**
 * The decoder of a manifest's entries, compiled for the schema its writer used.
 *
 * @param writer the manifest's Avro schema.
 * @param spec the manifest's partition spec: gives ids and order of the partition tuple.
 * @param types of the partition values, one per field of the spec, as the table reads them now.
 * @param subject the location of a manifest with this schema, for errors of the schema itself.
 */
export function compileEntryDecoder(
  writer: AvroType,
  spec: PartitionSpec,
  types: readonly PrimitiveType[],
  subject: string,
): Decoder<ManifestEntry> {
  if (writer.kind !== "record") throw corrupt(subject, "its records are no manifest entries");
  const file = (type: AvroType): Decoder => {
    if (type.kind !== "record") throw corrupt(subject, "data_file is no record");
    const project = compileProjection(
      type,
      dataFileWanted((t) => partitionDecoder(t, spec, types)),
      true,
    ) as Decoder<unknown>;
    return (cursor) => dataFile(project(cursor) as FileSlots, spec, cursor.subject);
  };
  const project = compileProjection(
    writer,
    [
      { id: ENTRY_FIELDS.status, name: "status" },
      { id: ENTRY_FIELDS.snapshotId, name: "snapshot_id", decoder: long },
      { id: ENTRY_FIELDS.sequenceNumber, name: "sequence_number", decoder: long },
      { id: ENTRY_FIELDS.fileSequenceNumber, name: "file_sequence_number", decoder: long },
      { id: ENTRY_FIELDS.dataFile, name: "data_file", decoder: file },
    ],
    true,
  );
  return (cursor) => {
    const [status, snapshotId, sequenceNumber, fileSequenceNumber, decoded] = project(cursor);
    const named = STATUS[status as number];
    if (named === undefined || decoded == null)
      throw corrupt(cursor.subject, `entry status ${String(status)} is unknown`);
    return {
      status: named,
      snapshotId: (snapshotId ?? undefined) as bigint | undefined,
      sequenceNumber: (sequenceNumber ?? undefined) as bigint | undefined,
      fileSequenceNumber: (fileSequenceNumber ?? undefined) as bigint | undefined,
      dataFile: decoded as DataFile,
    };
  };
}

function dataFile(slots: FileSlots, spec: PartitionSpec, subject: string): DataFile {
  const [content, filePath, fileFormat, partition, recordCount, fileSizeInBytes] = slots;
  const named = CONTENT[content ?? 0];
  const format = fileFormat?.toLowerCase();
  if (
    named === undefined ||
    filePath === undefined ||
    format === undefined ||
    !FORMATS.has(format) ||
    recordCount === undefined ||
    fileSizeInBytes === undefined
  ) {
    throw corrupt(
      subject,
      "an entry lacks a required field of data_file, or has an unknown content or format",
    );
  }
  return {
    content: named,
    filePath,
    fileFormat: format as FileFormat,
    specId: spec.specId,
    partition: partition ?? spec.fields.map(() => null),
    recordCount,
    fileSizeInBytes,
    columnSizes: slots[6] ?? undefined,
    valueCounts: slots[7] ?? undefined,
    nullValueCounts: slots[8] ?? undefined,
    nanValueCounts: slots[9] ?? undefined,
    lowerBounds: slots[10] ?? undefined,
    upperBounds: slots[11] ?? undefined,
    keyMetadata: slots[12] ?? undefined,
    splitOffsets: slots[13] ?? undefined,
    equalityIds: slots[14] ?? undefined,
    sortOrderId: slots[15] ?? undefined,
    firstRowId: slots[16] ?? undefined,
    referencedDataFile: slots[17] ?? undefined,
    contentOffset: slots[18] ?? undefined,
    contentSizeInBytes: slots[19] ?? undefined,
  };
}

/** Reads a partition struct into the tuple of the spec: by field id, null where the writer had no such field. */
export function partitionDecoder(
  type: AvroType,
  spec: PartitionSpec,
  types: readonly PrimitiveType[],
): Decoder<PartitionTuple> {
  if (type.kind !== "record") return () => spec.fields.map(() => null);
  const wanted = spec.fields.map((field, i): Wanted => {
    const target = types[i];
    return {
      id: field.fieldId,
      name: field.name,
      decoder: (writer) => partitionValueDecoder(writer, target),
    };
  });
  const project = compileProjection(type as AvroRecord, wanted);
  return (cursor) => {
    const values = project(cursor);
    for (let i = 0; i < values.length; i++) values[i] ??= null;
    return values as (PrimitiveValue | null)[];
  };
}

/** Reads a partition value in the canonical form of its type: the writer's type may be narrower than today's. */
function partitionValueDecoder(writer: AvroType, target: PrimitiveType | undefined): Decoder {
  const logicalType = "logicalType" in writer ? writer.logicalType : undefined;
  switch (writer.kind) {
    case "int":
      return target !== undefined && isLongValued(target)
        ? (cursor) => cursor.readLong()
        : (cursor) => cursor.readNumber();
    case "long":
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
      return (cursor) => cursor.readBytes().slice();
    default:
      return compileDecoder(writer);
  }
}

function isLongValued(type: PrimitiveType): boolean {
  return (
    type.type === "long" ||
    type.type === "time" ||
    type.type.startsWith("timestamp") ||
    type.type === "decimal"
  );
}

export function corrupt(subject: string, why: string): LakehouseError {
  return new LakehouseError({
    code: "CORRUPT_FILE",
    subject,
    message: `${subject} is no readable manifest: ${why}.`,
  });
}
