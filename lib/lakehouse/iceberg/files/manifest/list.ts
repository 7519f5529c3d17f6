import { corruptFile, type LakehouseError } from "../../../errors.js";
import { keyOf } from "../../../keys.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { FieldSummary, ManifestContent, ManifestFile } from "../../model/metadata/manifest-types.js";
import type { FormatVersion, SequenceNumber, Snapshot, SnapshotId } from "../../model/metadata/types.js";
import { AvroFile, AvroWriter, PreparedSchema } from "../avro/container.js";
import { compileProjection, type Decoder } from "../avro/decode.js";
import { structToAvro } from "../avro/from-iceberg.js";
import type { AvroType } from "../avro/types.js";
import { cacheOf } from "./cache.js";
import { code, integer, long, nullableList } from "./decoders.js";
import { manifestFileStruct, schemaText } from "./fields.js";

const CONTENT: readonly ManifestContent[] = ["data", "deletes"];
/** About what one row of a manifest list takes in memory. */
const ROW_WEIGHT = 700;

/** Reads the manifest list of a snapshot; in v1 also one that the snapshot holds inline. */
export async function readManifests(
  store: ObjectStore,
  snapshot: Snapshot,
): Promise<readonly ManifestFile[]> {
  if (snapshot.manifestList !== undefined) return readManifestList(store, snapshot.manifestList);
  return Promise.all((snapshot.manifests ?? []).map((path) => describeInlineManifest(store, path, snapshot)));
}

/**
 * Reads a manifest list.
 *
 * @throws LakehouseError CORRUPT_FILE, OBJECT_NOT_FOUND.
 */
export function readManifestList(store: ObjectStore, location: string): Promise<readonly ManifestFile[]> {
  return cacheOf(store).get(listKey(location), async () => {
    const bytes = await store.read(location);
    const file = new AvroFile(bytes, location);
    const rows = file.records(listDecoder(file.schema(), location));
    const value = await Promise.all(
      rows.map(async (row): Promise<ManifestFile> => {
        const { partitionSpecId, manifestPath } = row;
        if (partitionSpecId !== undefined) return { ...row, partitionSpecId };
        return { ...row, partitionSpecId: await specIdInHead(store, manifestPath) };
      }),
    );
    return { value, weight: value.length * ROW_WEIGHT };
  });
}

function listKey(location: string): string {
  return keyOf(["list", location]);
}

/** The spec of a manifest whose row does not tell it: by its head, else the first that a table has. */
async function specIdInHead(store: ObjectStore, path: string): Promise<number> {
  return specIdOf(await store.read(path), path);
}

function specIdOf(bytes: Uint8Array, path: string): number {
  return Number(new AvroFile(bytes, path).header.metadata.get("partition-spec-id") ?? 0);
}

/** An inline manifest of v1 has no row in any list: its head says which spec it has, everything else is unknown. */
async function describeInlineManifest(
  store: ObjectStore,
  path: string,
  snapshot: Snapshot,
): Promise<ManifestFile> {
  const bytes = await store.read(path);
  return {
    manifestPath: path,
    manifestLength: BigInt(bytes.length),
    partitionSpecId: specIdOf(bytes, path),
    content: "data",
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: snapshot.snapshotId,
  };
}

/** Slots of a decoded `manifest_file`. */
type ListSlots = [
  string | null | undefined,
  bigint | null | undefined,
  number | null | undefined,
  number | null | undefined,
  bigint | null | undefined,
  bigint | null | undefined,
  bigint | null | undefined,
  number | null | undefined,
  number | null | undefined,
  number | null | undefined,
  bigint | null | undefined,
  bigint | null | undefined,
  bigint | null | undefined,
  readonly FieldSummary[] | null | undefined,
  Uint8Array | null | undefined,
  bigint | null | undefined,
];

/** A row as its list has it: one that is nothing but nullable fields may lack its spec. */
type ListRow = Omit<ManifestFile, "partitionSpecId"> & { readonly partitionSpecId: number | undefined };

function listDecoder(writer: AvroType, subject: string): Decoder<ListRow> {
  if (writer.kind !== "record") throw corrupt(subject, "its rows are no manifest_file structs");
  const project = compileProjection(writer, [
    { id: 500, name: "manifest_path" },
    { id: 501, name: "manifest_length", decoder: long },
    { id: 502, name: "partition_spec_id", decoder: integer },
    { id: 517, name: "content", decoder: code(CONTENT) },
    { id: 515, name: "sequence_number", decoder: long },
    { id: 516, name: "min_sequence_number", decoder: long },
    { id: 503, name: "added_snapshot_id", decoder: long },
    { id: 504, name: "added_files_count", aliases: ["added_data_files_count"], decoder: integer },
    { id: 505, name: "existing_files_count", aliases: ["existing_data_files_count"], decoder: integer },
    { id: 506, name: "deleted_files_count", aliases: ["deleted_data_files_count"], decoder: integer },
    { id: 512, name: "added_rows_count", decoder: long },
    { id: 513, name: "existing_rows_count", decoder: long },
    { id: 514, name: "deleted_rows_count", decoder: long },
    { id: 507, name: "partitions", decoder: summariesDecoder },
    { id: 519, name: "key_metadata" },
    { id: 520, name: "first_row_id", decoder: long },
  ]) as Decoder<unknown> as Decoder<ListSlots>;
  return (cursor) => {
    const slots = project(cursor);
    const [manifestPath, manifestLength, specId, content] = slots;
    const named = CONTENT[content ?? 0];
    if (manifestPath == null || manifestLength == null || named === undefined) {
      throw corrupt(subject, "a row lacks a required field, or has an unknown content");
    }
    return {
      manifestPath,
      manifestLength,
      partitionSpecId: specId ?? undefined,
      content: named,
      // A v1 list has no sequence numbers, and v1 writers have been seen to leave them null: they read as 0.
      sequenceNumber: slots[4] ?? 0n,
      minSequenceNumber: slots[5] ?? 0n,
      addedSnapshotId: slots[6] ?? -1n,
      addedFilesCount: slots[7] ?? undefined,
      existingFilesCount: slots[8] ?? undefined,
      deletedFilesCount: slots[9] ?? undefined,
      addedRowsCount: slots[10] ?? undefined,
      existingRowsCount: slots[11] ?? undefined,
      deletedRowsCount: slots[12] ?? undefined,
      partitions: slots[13] ?? undefined,
      keyMetadata: slots[14] ?? undefined,
      firstRowId: slots[15] ?? undefined,
    };
  };
}

/** Summaries of partition fields; `null`, which says nothing of any, where one is missing or empty. */
function summariesDecoder(type: AvroType): Decoder {
  const summary = (of: AvroType): Decoder => {
    if (of.kind !== "record") return () => null;
    const project = compileProjection(of, [
      { id: 509, name: "contains_null" },
      { id: 518, name: "contains_nan" },
      { id: 510, name: "lower_bound" },
      { id: 511, name: "upper_bound" },
    ]);
    return (cursor): FieldSummary | null => {
      const [containsNull, containsNan, lowerBound, upperBound] = project(cursor);
      // Bounds may be missing where all values are null; who says nothing of nulls either, says nothing.
      if (containsNull == null && (lowerBound == null || upperBound == null)) return null;
      return {
        containsNull: containsNull !== false,
        containsNan: (containsNan ?? undefined) as boolean | undefined,
        lowerBound: (lowerBound ?? undefined) as Uint8Array | undefined,
        upperBound: (upperBound ?? undefined) as Uint8Array | undefined,
      };
    };
  };
  const read = nullableList(summary)(type);
  return (cursor) => {
    const summaries = read(cursor) as (FieldSummary | null)[] | null;
    return summaries?.includes(null) ? null : summaries;
  };
}

/** What a manifest list says of its snapshot in its head. */
export interface ManifestListHead {
  readonly formatVersion: FormatVersion;
  readonly snapshotId: SnapshotId;
  readonly parentSnapshotId: SnapshotId | undefined;
  readonly sequenceNumber: SequenceNumber;
  /** v3: where the snapshot's row ids start. */
  readonly firstRowId?: bigint | undefined;
}

const prepared = new Map<FormatVersion, { schema: PreparedSchema; icebergSchema: string }>();

function listSchema(version: FormatVersion): { schema: PreparedSchema; icebergSchema: string } {
  let known = prepared.get(version);
  if (known === undefined) {
    const struct = manifestFileStruct(version);
    known = {
      schema: new PreparedSchema(structToAvro(struct, "manifest_file")),
      icebergSchema: schemaText({ schemaId: 0, fields: struct.fields, identifierFieldIds: [] }),
    };
    prepared.set(version, known);
  }
  return known;
}

/** The bytes of a manifest list. */
export function encodeManifestList(head: ManifestListHead, manifests: readonly ManifestFile[]): Uint8Array {
  const { schema, icebergSchema } = listSchema(head.formatVersion);
  const writer = new AvroWriter(schema, {
    "snapshot-id": String(head.snapshotId),
    "parent-snapshot-id": head.parentSnapshotId === undefined ? "null" : String(head.parentSnapshotId),
    ...(head.formatVersion >= 2 ? { "sequence-number": String(head.sequenceNumber) } : {}),
    ...(head.firstRowId === undefined ? {} : { "first-row-id": String(head.firstRowId) }),
    "format-version": String(head.formatVersion),
    "iceberg.schema": icebergSchema,
  });
  for (const manifest of manifests) writer.write(listRow(manifest, head.formatVersion));
  return writer.finish();
}

function listRow(manifest: ManifestFile, version: FormatVersion): Record<string, unknown> {
  // v2 made the counts required. Where one is still missing, 1 keeps its meaning: "assume that there are some".
  const count = <T>(value: T | undefined, assumed: T): T | undefined =>
    value ?? (version >= 2 ? assumed : undefined);
  return {
    manifest_path: manifest.manifestPath,
    manifest_length: manifest.manifestLength,
    partition_spec_id: manifest.partitionSpecId,
    content: CONTENT.indexOf(manifest.content),
    sequence_number: manifest.sequenceNumber,
    min_sequence_number: manifest.minSequenceNumber,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: count(manifest.addedFilesCount, 1),
    existing_files_count: count(manifest.existingFilesCount, 1),
    deleted_files_count: count(manifest.deletedFilesCount, 1),
    added_rows_count: count(manifest.addedRowsCount, 1n),
    existing_rows_count: count(manifest.existingRowsCount, 1n),
    deleted_rows_count: count(manifest.deletedRowsCount, 1n),
    partitions: manifest.partitions?.map((summary) => [
      summary.containsNull,
      summary.containsNan,
      summary.lowerBound,
      summary.upperBound,
    ]),
    key_metadata: manifest.keyMetadata,
    first_row_id: manifest.firstRowId,
  };
}

/** Writes a manifest list, and keeps its rows for whoever reads it next in this process. */
export async function writeManifestList(
  store: ObjectStore,
  location: string,
  head: ManifestListHead,
  manifests: readonly ManifestFile[],
  signal?: AbortSignal,
): Promise<void> {
  await store.put(location, encodeManifestList(head, manifests), undefined, signal);
  cacheOf(store).set(listKey(location), manifests, manifests.length * ROW_WEIGHT);
}

function corrupt(subject: string, why: string): LakehouseError {
  return corruptFile(subject, `${subject} is no readable manifest list: ${why}.`);
}
