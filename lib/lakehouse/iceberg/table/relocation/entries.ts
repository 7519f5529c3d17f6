import type { AvroRecord } from "../../files/avro/types.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { type AvroValues, fieldName, fieldType } from "./avro.js";
import type { RewrittenDeletes } from "./deletes.js";

/** A manifest entry as its writer encoded it, for the fields that a relocation changes (spec, "Data File Fields"). */
export interface RawEntry {
  /** As much of the file as is needed to read it. */
  readonly file: DataFile;
  readonly isPositionDelete: boolean;
  /** Changes the data file that a delete file says it is about. */
  moveReferences(to: (location: string) => string): void;
  move(location: string): void;
  /** Describes the position delete file that was written in place of this one. */
  replace(by: RewrittenDeletes): void;
}

/** The fields in question: id and the spec's name. */
const FIELDS = {
  content: [134, "content"],
  filePath: [100, "file_path"],
  fileFormat: [101, "file_format"],
  recordCount: [103, "record_count"],
  fileSizeInBytes: [104, "file_size_in_bytes"],
  columnSizes: [108, "column_sizes"],
  valueCounts: [109, "value_counts"],
  nullValueCounts: [110, "null_value_counts"],
  lowerBounds: [125, "lower_bounds"],
  upperBounds: [128, "upper_bounds"],
  splitOffsets: [132, "split_offsets"],
  referencedDataFile: [143, "referenced_data_file"],
} as const;

type Key = keyof typeof FIELDS;

const POSITION_DELETES = 1;

export function* deleteEntries(
  records: readonly AvroValues[],
  schema: AvroRecord,
): Generator<RawEntry, void, undefined> {
  const dataFile = fieldName(schema, 2, "data_file") ?? "";
  const type = fieldType(schema, dataFile);
  const names = new Map<Key, string>();
  for (const [key, [id, specName]] of Object.entries(FIELDS)) {
    const name = fieldName(type, id, specName);
    if (name !== undefined) names.set(key as Key, name);
  }
  for (const record of records) yield rawEntry(record[dataFile] as AvroValues, names);
}

function rawEntry(values: AvroValues, names: ReadonlyMap<Key, string>): RawEntry {
  const get = (key: Key): unknown => {
    const name = names.get(key);
    return name === undefined ? undefined : (values[name] ?? undefined);
  };
  const set = (key: Key, value: unknown): void => {
    const name = names.get(key);
    if (name !== undefined) values[name] = value;
  };
  const isPositionDelete = Number(get("content") ?? 0) === POSITION_DELETES;
  return {
    isPositionDelete,
    file: {
      content: isPositionDelete ? "position-deletes" : "data",
      filePath: get("filePath") as string,
      fileFormat: String(get("fileFormat")).toLowerCase() as DataFile["fileFormat"],
      specId: 0,
      partition: [],
      recordCount: BigInt(get("recordCount") as bigint),
      fileSizeInBytes: BigInt(get("fileSizeInBytes") as bigint),
    },
    moveReferences: (to) => {
      const referenced = get("referencedDataFile");
      if (typeof referenced === "string") set("referencedDataFile", to(referenced));
    },
    move: (location) => set("filePath", location),
    replace: (by) => {
      set("filePath", by.filePath);
      set("fileSizeInBytes", by.fileSizeInBytes);
      if (by.isMissing || by.fileFormat === undefined) return;
      set("fileFormat", by.fileFormat.toUpperCase());
      set("recordCount", by.recordCount);
      // What others had written into optional columns stays out where they left it out.
      for (const key of ["columnSizes", "valueCounts", "nullValueCounts", "splitOffsets"] as const) {
        if (get(key) !== undefined) set(key, by[key]);
      }
      // Bounds of the paths say which data files the deletes are of: those of the old ones would rule out the new.
      for (const key of ["lowerBounds", "upperBounds"] as const) {
        if (get(key) !== undefined) set(key, by[key]);
      }
    },
  };
}
