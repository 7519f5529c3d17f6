import type { EntryStatus, FileBrief, MetricLookup } from "../../model/metadata/manifest-types.js";
import type { PartitionTuple } from "../../model/partitioning/types.js";
import type { Cursor } from "../avro/cursor.js";
import type { Decoder } from "../avro/decode.js";
import { compileMarker } from "../avro/skip.js";
import type { AvroType } from "../avro/types.js";
import { code, long } from "./decoders.js";
import { ENTRY_FIELDS, STATUS } from "./entry-decoder.js";
import { corrupt } from "./errors.js";
import { metricSearch } from "./metric-map.js";
import { noPartition, partitionDecoder } from "./partition-decoder.js";
import type { ResolvedSpec } from "./specs.js";

/** An entry of a manifest as far as pruning needs it. It speaks of one entry until the next is read. */
export interface EntryBrief {
  readonly status: EntryStatus;
  readonly firstRowId: bigint | undefined;
  readonly file: FileBrief;
}

/** Slots of the places in an entry; the order of `WANTED`. */
const SLOT = {
  status: 0,
  partition: 1,
  recordCount: 2,
  fileSizeInBytes: 3,
  valueCounts: 4,
  nullValueCounts: 5,
  nanValueCounts: 6,
  lowerBounds: 7,
  upperBounds: 8,
  firstRowId: 9,
} as const;

const WANTED = [
  { id: ENTRY_FIELDS.status, name: "status" },
  {
    id: ENTRY_FIELDS.dataFile,
    name: "data_file",
    fields: [
      { id: 102, name: "partition" },
      { id: 103, name: "record_count" },
      { id: 104, name: "file_size_in_bytes" },
      { id: 109, name: "value_counts" },
      { id: 110, name: "null_value_counts" },
      { id: 137, name: "nan_value_counts" },
      { id: 125, name: "lower_bounds" },
      { id: 128, name: "upper_bounds" },
      { id: 142, name: "first_row_id" },
    ],
  },
];

/**
 * The decoder of what pruning asks of a manifest's entries. A selective filter keeps few of them, and asks little of
 * each: an entry is passed over in one go that notes where things are, and what is asked for is read from there.
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
  const marker = compileMarker(writer, WANTED);
  const marks = new Int32Array(Object.keys(SLOT).length);
  let at: Cursor | undefined;

  const reader = <T>(slot: number, compile: (type: AvroType) => Decoder, absent: T): (() => T) => {
    const type = marker.types[slot];
    if (type === undefined) return () => absent;
    const decode = compile(type) as Decoder<T>;
    return () => {
      const start = marks[slot] as number;
      if (start < 0 || at === undefined) return absent;
      at.pos = start;
      return decode(at);
    };
  };
  const lookup = <V>(slot: number): (() => MetricLookup<V> | undefined) => {
    const type = marker.types[slot];
    if (type === undefined) return () => undefined;
    const search = metricSearch<V>(type);
    const metrics = { get: (id: number) => (at ? search(at, marks[slot] as number, id) : undefined) };
    return () => ((marks[slot] as number) < 0 ? undefined : metrics);
  };

  const partition = reader(SLOT.partition, (type) => partitionDecoder(type, spec, types, subject), undefined);
  const recordCount = reader(SLOT.recordCount, long, 0n);
  const fileSizeInBytes = reader(SLOT.fileSizeInBytes, long, 0n);
  const firstRowId = reader<bigint | undefined>(SLOT.firstRowId, long, undefined);
  const valueCounts = lookup<bigint>(SLOT.valueCounts);
  const nullValueCounts = lookup<bigint>(SLOT.nullValueCounts);
  const nanValueCounts = lookup<bigint>(SLOT.nanValueCounts);
  const lowerBounds = lookup<Uint8Array>(SLOT.lowerBounds);
  const upperBounds = lookup<Uint8Array>(SLOT.upperBounds);

  const readStatus = marker.types[SLOT.status] && code(STATUS)(marker.types[SLOT.status] as AvroType);
  let status: EntryStatus = "existing";
  const brief: EntryBrief = {
    get status() {
      return status;
    },
    get firstRowId() {
      return firstRowId();
    },
    file: {
      specId: spec.specId,
      get partition() {
        return (partition() as PartitionTuple | undefined) ?? noPartition(spec, subject);
      },
      get recordCount() {
        return recordCount();
      },
      get fileSizeInBytes() {
        return fileSizeInBytes();
      },
      get valueCounts() {
        return valueCounts();
      },
      get nullValueCounts() {
        return nullValueCounts();
      },
      get nanValueCounts() {
        return nanValueCounts();
      },
      get lowerBounds() {
        return lowerBounds();
      },
      get upperBounds() {
        return upperBounds();
      },
    },
  };
  return (cursor) => {
    at = cursor;
    marker.pass(cursor, marks);
    const end = cursor.pos;
    const statusAt = marks[SLOT.status] as number;
    cursor.pos = statusAt;
    const named = statusAt < 0 ? undefined : STATUS[readStatus?.(cursor) as number];
    cursor.pos = end;
    if (
      named === undefined ||
      (marks[SLOT.recordCount] as number) < 0 ||
      (marks[SLOT.fileSizeInBytes] as number) < 0
    ) {
      throw corrupt(cursor.subject, "an entry lacks a required field, or its status is unknown");
    }
    status = named;
    return brief;
  };
}
