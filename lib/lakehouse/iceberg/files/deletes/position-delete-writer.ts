import { Field, Int64, makeData, RecordBatch, Schema, Struct, Utf8 } from "apache-arrow";
import { invalidArgument, type LakehouseError } from "../../../errors.js";
import { FIELD_ID_KEY, splitOffsets, type WrittenParquet, writeParquet } from "../../../parquet/index.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { PartitionTuple, SpecId } from "../../model/partitioning/types.js";
import type { FieldId } from "../../model/types/types.js";
import { utf8Encode } from "../../model/values/bytes.js";
import { compareStrings } from "../../model/values/compare.js";
import { toBinary } from "../../model/values/single-value.js";
import type { PositionBitmap } from "./position-bitmap.js";
import type { PositionsByFile } from "./position-deletes.js";
import { FILE_PATH_ID, POS_ID } from "./reserved.js";

const BATCH_ROWS = 65_536;

const field = (name: string, type: Utf8 | Int64, id: FieldId): Field =>
  new Field(name, type, false, new Map([[FIELD_ID_KEY, String(id)]]));
const FILE_PATH = field("file_path", new Utf8(), FILE_PATH_ID);
const POS = field("pos", new Int64(), POS_ID);
const SCHEMA = new Schema([FILE_PATH, POS]);

/**
 * Writes a position delete file (spec, "Position Delete Files"), sorted by file path and position, without row
 * values. For v2 tables: v3 tables take deletion vectors.
 *
 * The bounds of `file_path` are whole paths, never cut short, so that a file with the deletes of one data file is
 * matched to that one alone.
 *
 * @param deletes positions by data file; all data files of one partition
 * @param partition the partition of those data files
 * @returns the manifest entry's file; `undefined`, and no file, when there is nothing to delete
 */
export async function writePositionDeletes(
  store: ObjectStore,
  uri: string,
  deletes: PositionsByFile,
  partition: { readonly specId: SpecId; readonly partition: PartitionTuple },
): Promise<DataFile | undefined> {
  // By code points, as their UTF-8 bytes are compared in Parquet and in bounds.
  const sorted = [...deletes]
    .filter(([, positions]) => !positions.isEmpty)
    .sort(([a], [b]) => compareStrings(a, b));
  const first = sorted[0];
  const last = sorted.at(-1);
  if (first === undefined || last === undefined) return undefined;

  const range = { lowest: Number.POSITIVE_INFINITY, highest: -1 };
  const written = await writeParquet(store, uri, SCHEMA, batches(sorted, range), {});
  return {
    content: "position-deletes",
    filePath: uri,
    fileFormat: "parquet",
    specId: partition.specId,
    partition: partition.partition,
    recordCount: written.recordCount,
    fileSizeInBytes: written.fileSizeInBytes,
    columnSizes: new Map(written.metrics.map(({ fieldId, columnSize }) => [fieldId, columnSize])),
    ...counts(written),
    lowerBounds: bounds(first[0], range.lowest),
    upperBounds: bounds(last[0], range.highest),
    splitOffsets: splitOffsets(written.footer),
    ...(sorted.length === 1 ? { referencedDataFile: first[0] } : {}),
  };
}

function counts({ recordCount }: WrittenParquet): Pick<DataFile, "valueCounts" | "nullValueCounts"> {
  const each = (count: bigint): Map<FieldId, bigint> =>
    new Map([
      [FILE_PATH_ID, count],
      [POS_ID, count],
    ]);
  return { valueCounts: each(recordCount), nullValueCounts: each(0n) };
}

function bounds(path: string, position: number): Map<FieldId, Uint8Array> {
  return new Map([
    [FILE_PATH_ID, utf8Encode(path)],
    [POS_ID, toBinary({ type: "long" }, BigInt(position))],
  ]);
}

/** Yields the entries as Arrow batches and notes the range of their positions. */
function* batches(
  sorted: readonly (readonly [string, PositionBitmap])[],
  range: { lowest: number; highest: number },
): Generator<RecordBatch> {
  let rows: { path: Uint8Array; positions: BigInt64Array }[] = [];
  let count = 0;
  for (const [path, bitmap] of sorted) {
    const all = bitmap.toBigInt64Array();
    range.lowest = Math.min(range.lowest, Number(all[0]));
    range.highest = Math.max(range.highest, Number(all.at(-1)));
    const bytes = utf8Encode(path);
    if (bytes.length > MAX_PATH) throw tooLong(path);
    for (let at = 0; at < all.length; ) {
      const positions = all.subarray(at, at + BATCH_ROWS - count);
      rows.push({ path: bytes, positions });
      at += positions.length;
      count += positions.length;
      if (count < BATCH_ROWS) continue;
      yield batch(rows, count);
      rows = [];
      count = 0;
    }
  }
  if (count > 0) yield batch(rows, count);
}

/** Arrow's offsets have 31 bits, so a batch holds so many bytes of paths at most. */
const MAX_PATH = Math.floor(0x7fffffff / BATCH_ROWS);

function batch(rows: readonly { path: Uint8Array; positions: BigInt64Array }[], count: number): RecordBatch {
  const offsets = new Int32Array(count + 1);
  const data = new Uint8Array(
    rows.reduce((sum, { path, positions }) => sum + path.length * positions.length, 0),
  );
  const pos = new BigInt64Array(count);
  let row = 0;
  let at = 0;
  for (const { path, positions } of rows) {
    pos.set(positions, row);
    for (let i = 0; i < positions.length; i++) {
      data.set(path, at);
      at += path.length;
      offsets[++row] = at;
    }
  }
  const children = [
    makeData({ type: new Utf8(), length: count, nullCount: 0, valueOffsets: offsets, data }),
    makeData({ type: new Int64(), length: count, nullCount: 0, data: pos }),
  ];
  return new RecordBatch(
    SCHEMA,
    makeData({ type: new Struct(SCHEMA.fields), length: count, nullCount: 0, children }),
  );
}

function tooLong(path: string): LakehouseError {
  return invalidArgument(
    `${path.slice(0, 100)}…`,
    `A data file's path of ${path.length} characters is too long for a position delete file.`,
  );
}
