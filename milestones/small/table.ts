// Written by slh run from the cells of m03 that have the tag module:../small/table.ts.

// Given: the Avro schemas of manifests, the metadata of an empty table, and a writer of rows
import { randomUUID } from "node:crypto";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import {
  type AvroSchemaJson,
  type PrimitiveType,
  readAvro,
  rowsToBatches,
  type Schema,
  schemaToArrow,
  toBinary,
  writeAvro,
} from "sololakehouse/iceberg";
import { type WrittenParquet, writeParquet } from "sololakehouse/parquet";
import { commitTo } from "../small/commits.js";
import { getObject, putIfAbsent } from "../small/store.js";

const field = (id: number, name: string, type: AvroSchemaJson) => ({ name, type, "field-id": id });
const optional = (id: number, name: string, type: AvroSchemaJson) => ({
  ...field(id, name, ["null", type]),
  default: null,
});
const record = (name: string, fields: AvroSchemaJson[]) => ({ type: "record", name, fields });

/** Bounds by field id. Avro's own maps have text for keys, so Iceberg stores a list of pairs. */
const bounds = (id: number, name: string, key: number, value: number) =>
  optional(id, name, {
    type: "array",
    logicalType: "map",
    items: record(`k${key}_v${value}`, [field(key, "key", "int"), field(value, "value", "bytes")]),
  });

/** A manifest's rows: the required fields of the spec's version 2, and the bounds. */
const MANIFEST = record("manifest_entry", [
  field(0, "status", "int"),
  optional(1, "snapshot_id", "long"),
  optional(3, "sequence_number", "long"),
  optional(4, "file_sequence_number", "long"),
  field(
    2,
    "data_file",
    record("r2", [
      field(134, "content", "int"),
      field(100, "file_path", "string"),
      field(101, "file_format", "string"),
      field(102, "partition", record("r102", [])),
      field(103, "record_count", "long"),
      field(104, "file_size_in_bytes", "long"),
      bounds(125, "lower_bounds", 126, 127),
      bounds(128, "upper_bounds", 129, 130),
    ]),
  ),
]);

/** A manifest list's rows. */
const MANIFEST_LIST = record("manifest_file", [
  field(500, "manifest_path", "string"),
  field(501, "manifest_length", "long"),
  field(502, "partition_spec_id", "int"),
  field(517, "content", "int"),
  field(515, "sequence_number", "long"),
  field(516, "min_sequence_number", "long"),
  field(503, "added_snapshot_id", "long"),
  field(504, "added_files_count", "int"),
  field(505, "existing_files_count", "int"),
  field(506, "deleted_files_count", "int"),
  field(512, "added_rows_count", "long"),
  field(513, "existing_rows_count", "long"),
  field(514, "deleted_rows_count", "long"),
]);

/** Metadata names files by URI, and the store by name. */
export const uriOf = (root: string, name: string): string => pathToFileURL(join(root, name)).href;
export const nameOf = (root: string, uri: string): string => relative(root, fileURLToPath(uri));

/** As much of Iceberg's table metadata as this table has. */
export interface SmallMetadata {
  readonly "last-sequence-number": number;
  readonly "current-snapshot-id"?: unknown;
  readonly snapshots: readonly SmallSnapshot[];
  readonly [field: string]: unknown;
}

export interface SmallSnapshot {
  readonly "snapshot-id": unknown;
  readonly "manifest-list": string;
  readonly [field: string]: unknown;
}

const schemaJson = (schema: Schema) => ({
  type: "struct",
  "schema-id": 0,
  fields: schema.fields.map(({ id, name, required, type }) => ({ id, name, required, type: type.type })),
});

/** The metadata of a table without a snapshot: one schema, no partitions, no order. */
const emptyTable = (root: string, name: string, schema: Schema): SmallMetadata => ({
  "format-version": 2,
  "table-uuid": randomUUID(),
  location: uriOf(root, name),
  "last-sequence-number": 0,
  "last-updated-ms": Date.now(),
  "last-column-id": Math.max(...schema.fields.map(({ id }) => id)),
  "current-schema-id": 0,
  schemas: [schemaJson(schema)],
  "default-spec-id": 0,
  "partition-specs": [{ "spec-id": 0, fields: [] }],
  "last-partition-id": 999,
  "default-sort-order-id": 0,
  "sort-orders": [{ "order-id": 0, fields: [] }],
  snapshots: [],
});

export const readMetadata = async (root: string, location: string): Promise<SmallMetadata> =>
  JSON.parse(String(await getObject(root, location)));

/** A manifest's row in the manifest list. */
export interface ManifestRow {
  readonly manifest_path: string;
  readonly [field: string]: unknown;
}

export const manifestsOf = async (root: string, snapshot: SmallSnapshot): Promise<ManifestRow[]> =>
  readAvro(await getObject(root, nameOf(root, snapshot["manifest-list"])));

/** What the head of a manifest says, beside its Avro schema. */
const manifestHead = (schema: Schema) => ({
  schema: JSON.stringify(schemaJson(schema)),
  "partition-spec": "[]",
  "partition-spec-id": "0",
  "format-version": "2",
  content: "data",
});

/** Writes rows as one Parquet file through the store. */
export async function writeRows(root: string, name: string, schema: Schema, rows: readonly object[]) {
  const put = async (uri: string, body: Uint8Array | AsyncIterable<Uint8Array>) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body instanceof Uint8Array ? [body] : body) chunks.push(chunk);
    await putIfAbsent(root, name, Buffer.concat(chunks));
    return { uri, size: 0, etag: "", lastModified: new Date() };
  };
  return writeParquet({ put }, uriOf(root, name), schemaToArrow(schema), rowsToBatches(schema, rows));
}

/** A data file's row in the manifest. A bound that the footer does not give is left out. */
function dataFileOf(schema: Schema, { uri, recordCount, fileSizeInBytes, metrics }: WrittenParquet) {
  const boundsOf = (side: "lower" | "upper") => {
    const found = new Map<number, Uint8Array>();
    for (const { id, type } of schema.fields) {
      const bound = metrics.find(({ fieldId }) => fieldId === id)?.[side];
      if (bound) found.set(id, toBinary(type as PrimitiveType, bound.value));
    }
    return found;
  };
  return {
    content: 0,
    file_path: uri,
    file_format: "PARQUET",
    partition: {},
    record_count: recordCount,
    file_size_in_bytes: fileSizeInBytes,
    lower_bounds: boundsOf("lower"),
    upper_bounds: boundsOf("upper"),
  };
}

/** Writes the manifest of one new file, and gives its row for the manifest list, all but the sequence number. */
export async function writeManifest(
  root: string,
  name: string,
  schema: Schema,
  written: WrittenParquet,
  snapshotId: number,
): Promise<ManifestRow> {
  const entry = { status: 1, snapshot_id: snapshotId, data_file: dataFileOf(schema, written) };
  const bytes = writeAvro(MANIFEST, [entry], manifestHead(schema));
  const object = `${name}/metadata/${randomUUID()}-m0.avro`;
  await putIfAbsent(root, object, bytes);
  return {
    manifest_path: uriOf(root, object),
    manifest_length: bytes.length,
    partition_spec_id: 0,
    content: 0,
    added_snapshot_id: snapshotId,
    added_files_count: 1,
    existing_files_count: 0,
    deleted_files_count: 0,
    added_rows_count: written.recordCount,
    existing_rows_count: 0,
    deleted_rows_count: 0,
  };
}

/** Puts a manifest on top of a table's snapshots: a new manifest list, and metadata that names it. */
export async function withManifest(
  root: string,
  name: string,
  base: SmallMetadata,
  row: ManifestRow,
): Promise<SmallMetadata> {
  const parent = base.snapshots.at(-1);
  const sequence = base["last-sequence-number"] + 1;
  const list = [
    ...(parent ? await manifestsOf(root, parent) : []),
    { ...row, sequence_number: sequence, min_sequence_number: sequence },
  ];
  const object = `${name}/metadata/snap-${randomUUID()}.avro`;
  await putIfAbsent(root, object, writeAvro(MANIFEST_LIST, list, { "format-version": "2" }));
  const snapshot = {
    "snapshot-id": row.added_snapshot_id,
    "parent-snapshot-id": parent?.["snapshot-id"],
    "sequence-number": sequence,
    "timestamp-ms": Date.now(),
    "manifest-list": uriOf(root, object),
    "schema-id": 0,
    summary: { operation: "append" },
  };
  return {
    ...base,
    "last-sequence-number": sequence,
    "last-updated-ms": snapshot["timestamp-ms"],
    "current-snapshot-id": row.added_snapshot_id,
    snapshots: [...base.snapshots, snapshot],
    refs: { main: { "snapshot-id": row.added_snapshot_id, type: "branch" } },
  };
}

/** Appends rows to a table on a ref, and makes the table where there is none. Gives the commit's id. */
export async function append(
  root: string,
  ref: string,
  name: string,
  schema: Schema,
  rows: readonly object[],
): Promise<string> {
  // Written once, whatever becomes of the commit: nobody can see these two yet.
  const written = await writeRows(root, `${name}/data/${randomUUID()}.parquet`, schema, rows);
  const row = await writeManifest(root, name, schema, written, Math.floor(Math.random() * 2 ** 48));
  return commitTo(root, ref, `append to ${name}`, async (tables) => {
    // Written again at each attempt, since it says what was there before.
    const current = tables[name];
    const base = current ? await readMetadata(root, current) : emptyTable(root, name, schema);
    const next = await withManifest(root, name, base, row);
    const location = `${name}/metadata/${next["last-sequence-number"]}-${randomUUID()}.metadata.json`;
    await putIfAbsent(root, location, JSON.stringify(next));
    return { ...tables, [name]: location };
  });
}
