import {
  currentSchema,
  type DataFile,
  type ManifestEntry,
  readManifest,
  readManifests,
  schemaToJson,
  specOf,
  specsById,
  type Table,
  toBinary,
} from "../../lib/lakehouse/iceberg/index.js";
import type { QueryEngine, SqlValue } from "../../lib/lakehouse/query/index.js";

/** A value as JSON has it, in the form that python/plain.py gives the values of other engines. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };
export type PlainRow = Readonly<Record<string, Plain>>;

export function plain(value: SqlValue): Plain {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Map) return [...value].map((entry) => entry.map(plain));
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

/** Rows by their ids: engines give them in any order. */
export function sorted(rows: readonly PlainRow[]): PlainRow[] {
  const key = ({ id }: PlainRow) => String(id).padStart(20, "0");
  return [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The rows of a table as we read them. */
export async function ourRows(
  engine: QueryEngine,
  table: Table,
  scan: Parameters<Table["scan"]>[0] = {},
): Promise<PlainRow[]> {
  const rows = await (await engine.scan(table, table.scan(scan))).rows();
  return sorted(rows.map((row) => plain(row) as PlainRow));
}

/** The lineage of a table's rows as we read it. */
export function ourLineage(
  engine: QueryEngine,
  table: Table,
  at: { readonly snapshotId?: bigint } = {},
): Promise<PlainRow[]> {
  return ourRows(engine, table, { ...at, select: ["id", "_row_id", "_last_updated_sequence_number"] });
}

/** The current schema in the JSON of the spec; without identifier fields PyIceberg writes an empty list. */
export function ourSchema(table: Table): unknown {
  const json = JSON.parse(JSON.stringify(schemaToJson(currentSchema(table.metadata)))) as object;
  return { "identifier-field-ids": [], ...json };
}

/** A manifest entry as python/pyiceberg_engine.py gives it: bounds and partition values in binary single-value form. */
export interface PlainEntry {
  readonly status: string;
  readonly content: string;
  readonly filePath: string;
  readonly [key: string]: unknown;
}

export async function ourEntries(table: Table): Promise<PlainEntry[]> {
  const snapshot = table.currentSnapshot;
  if (snapshot === undefined) return [];
  const specs = specsById(table.metadata);
  const entries: PlainEntry[] = [];
  for (const manifest of await readManifests(table.store, snapshot)) {
    for (const entry of await readManifest(table.store, manifest, specs))
      entries.push(plainEntry(table, entry));
  }
  return entries;
}

function plainEntry(table: Table, entry: ManifestEntry): PlainEntry {
  const { dataFile } = entry;
  return {
    status: entry.status,
    snapshotId: String(entry.snapshotId),
    sequenceNumber: Number(entry.sequenceNumber),
    fileSequenceNumber: Number(entry.fileSequenceNumber),
    content: dataFile.content,
    filePath: dataFile.filePath,
    specId: dataFile.specId,
    partition: partitionHex(table, dataFile),
    recordCount: Number(dataFile.recordCount),
    fileSizeInBytes: Number(dataFile.fileSizeInBytes),
    columnSizes: byId(dataFile.columnSizes),
    valueCounts: byId(dataFile.valueCounts),
    nullValueCounts: byId(dataFile.nullValueCounts),
    nanValueCounts: byId(dataFile.nanValueCounts),
    lowerBounds: byId(dataFile.lowerBounds),
    upperBounds: byId(dataFile.upperBounds),
    splitOffsets: dataFile.splitOffsets?.map(Number) ?? null,
    sortOrderId: dataFile.sortOrderId ?? null,
  };
}

function partitionHex(table: Table, file: DataFile): (string | null)[] {
  const { types } = specOf(specsById(table.metadata), file.specId, file.filePath);
  return file.partition.map((value, i) => {
    const type = types[i];
    return value === null || type === undefined ? null : Buffer.from(toBinary(type, value)).toString("hex");
  });
}

function byId(metrics: ReadonlyMap<number, bigint | Uint8Array> | undefined): PlainRow {
  return Object.fromEntries([...(metrics ?? [])].map(([id, value]) => [String(id), plain(value)]));
}
