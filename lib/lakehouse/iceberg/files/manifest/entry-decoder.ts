import type {
  DataFile,
  EntryStatus,
  FileContent,
  FileFormat,
  ManifestEntry,
  MetricMap,
} from "../../model/metadata/manifest-types.js";
import type { PartitionSpec, PartitionTuple } from "../../model/partitioning/types.js";
import type { PrimitiveType } from "../../model/types/types.js";
import { compileProjection, type Decoder, type Wanted } from "../avro/decode.js";
import type { AvroType } from "../avro/types.js";
import { code, integer, list, long } from "./decoders.js";
import { corrupt } from "./errors.js";
import { lazyMetricDecoder } from "./metric-map.js";
import { noPartition, partitionDecoder } from "./partition-decoder.js";

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
  filePath: string | undefined | null,
  fileFormat: string | undefined | null,
  partition: PartitionTuple | undefined | null,
  recordCount: bigint | undefined | null,
  fileSizeInBytes: bigint | undefined | null,
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
    { id: 134, name: "content", decoder: code(CONTENT) },
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
    { id: 132, name: "split_offsets", decoder: list(long) },
    { id: 135, name: "equality_ids", decoder: list(integer) },
    { id: 140, name: "sort_order_id", decoder: integer },
    { id: 142, name: "first_row_id", decoder: long },
    { id: 143, name: "referenced_data_file" },
    { id: 144, name: "content_offset", decoder: long },
    { id: 145, name: "content_size_in_bytes", decoder: long },
  ];
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
      dataFileWanted((t) => partitionDecoder(t, spec, types, subject)),
      true,
    ) as Decoder<unknown>;
    return (cursor) => dataFile(project(cursor) as FileSlots, spec, cursor.subject);
  };
  const project = compileProjection(
    writer,
    [
      { id: ENTRY_FIELDS.status, name: "status", decoder: code(STATUS) },
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
    filePath == null ||
    format === undefined ||
    !FORMATS.has(format) ||
    recordCount == null ||
    fileSizeInBytes == null
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
    partition: partition ?? noPartition(spec, subject),
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
