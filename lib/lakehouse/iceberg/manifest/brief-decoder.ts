import { type AvroType, compileProjection, type Decoder } from "../avro/index.js";
import { corrupt, ENTRY_FIELDS, long, partitionDecoder, STATUS } from "./entry-decoder.js";
import { metricLookupDecoder } from "./metric-map.js";
import type { ResolvedSpec } from "./specs.js";
import type { EntryStatus, FileBrief } from "./types.js";

/** An entry of a manifest as far as pruning needs it. It speaks of one entry until the next is read. */
export interface EntryBrief {
  status: EntryStatus;
  firstRowId: bigint | undefined;
  readonly file: { -readonly [Key in keyof FileBrief]: FileBrief[Key] };
}

/** Slots of a decoded `data_file`; the order of what is wanted below. */
type BriefSlots = readonly [
  partition: FileBrief["partition"] | undefined,
  recordCount: bigint | undefined,
  fileSizeInBytes: bigint | undefined,
  valueCounts: FileBrief["valueCounts"] | null,
  nullValueCounts: FileBrief["nullValueCounts"] | null,
  nanValueCounts: FileBrief["nanValueCounts"] | null,
  lowerBounds: FileBrief["lowerBounds"] | null,
  upperBounds: FileBrief["upperBounds"] | null,
  firstRowId: bigint | undefined | null,
];

/**
 * The decoder of what pruning asks of a manifest's entries. A selective filter keeps few of them, and to pass over
 * paths, sizes and maps is much less work than to build them.
 *
 * @param writer the manifest's Avro schema.
 * @param subject the location of a manifest with this schema, for errors of the schema itself.
 */
export function compileBriefDecoder(
  writer: AvroType,
  { spec, types }: ResolvedSpec,
  subject: string,
): Decoder<EntryBrief> {
  if (writer.kind !== "record") throw corrupt(subject, "its records are no manifest entries");
  const file = (type: AvroType): Decoder => {
    if (type.kind !== "record") throw corrupt(subject, "data_file is no record");
    const wanted = [
      { id: 102, name: "partition", decoder: (t: AvroType) => partitionDecoder(t, spec, types) },
      { id: 103, name: "record_count", decoder: long },
      { id: 104, name: "file_size_in_bytes", decoder: long },
      { id: 109, name: "value_counts", decoder: metricLookupDecoder },
      { id: 110, name: "null_value_counts", decoder: metricLookupDecoder },
      { id: 137, name: "nan_value_counts", decoder: metricLookupDecoder },
      { id: 125, name: "lower_bounds", decoder: metricLookupDecoder },
      { id: 128, name: "upper_bounds", decoder: metricLookupDecoder },
      { id: 142, name: "first_row_id", decoder: long },
    ];
    return compileProjection(type, wanted, true);
  };
  const project = compileProjection(
    writer,
    [
      { id: ENTRY_FIELDS.status, name: "status" },
      { id: ENTRY_FIELDS.dataFile, name: "data_file", decoder: file },
    ],
    true,
  );
  const nulls = spec.fields.map(() => null);
  const brief: EntryBrief = {
    status: "existing",
    firstRowId: undefined,
    file: { specId: spec.specId, partition: nulls, recordCount: 0n, fileSizeInBytes: 0n },
  };
  return (cursor) => {
    const [status, slots] = project(cursor) as [number, BriefSlots | null | undefined];
    const named = STATUS[status];
    const [partition, recordCount, fileSizeInBytes] = slots ?? [];
    if (named === undefined || slots == null || recordCount === undefined || fileSizeInBytes === undefined) {
      throw corrupt(cursor.subject, "an entry lacks a required field, or its status is unknown");
    }
    const { file } = brief;
    brief.status = named;
    brief.firstRowId = slots[8] ?? undefined;
    file.partition = partition ?? nulls;
    file.recordCount = recordCount;
    file.fileSizeInBytes = fileSizeInBytes;
    file.valueCounts = slots[3] ?? undefined;
    file.nullValueCounts = slots[4] ?? undefined;
    file.nanValueCounts = slots[5] ?? undefined;
    file.lowerBounds = slots[6] ?? undefined;
    file.upperBounds = slots[7] ?? undefined;
    return brief;
  };
}
