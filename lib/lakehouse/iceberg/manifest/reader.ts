import { LakehouseError } from "../../errors.js";
import type { ObjectStore } from "../../storage/index.js";
import { AvroFile, type Decoder } from "../avro/index.js";
import { cacheOf } from "./cache.js";
import { compileEntryDecoder } from "./entry-decoder.js";
import { type ResolvedSpec, type SpecsById, specOf } from "./specs.js";
import type { ManifestEntry, ManifestFile } from "./types.js";

/** About what one decoded entry takes in memory, its share of the raw metrics included. */
const ENTRY_WEIGHT = 1200;

/** Decoders by spec and writer's schema: the manifests of a table share a handful of schemas. */
const decoders = new WeakMap<ResolvedSpec, Map<string, Decoder<ManifestEntry>>>();

function entryDecoder(file: AvroFile, spec: ResolvedSpec, subject: string): Decoder<ManifestEntry> {
  let bySchema = decoders.get(spec);
  if (bySchema === undefined) {
    bySchema = new Map();
    decoders.set(spec, bySchema);
  }
  let decoder = bySchema.get(file.header.schemaJson);
  if (decoder === undefined) {
    decoder = compileEntryDecoder(file.schema(), spec.spec, spec.types, subject);
    if (bySchema.size > 100) bySchema.clear();
    bySchema.set(file.header.schemaJson, decoder);
  }
  return decoder;
}

/**
 * Reads a manifest's entries, the deleted ones too, with everything inherited filled in: snapshot id, sequence
 * numbers and first row ids (spec, "Sequence Number Inheritance", "First Row ID Inheritance").
 *
 * @throws LakehouseError CORRUPT_FILE, OBJECT_NOT_FOUND, INVALID_METADATA for an unknown spec.
 */
export function readManifest(
  store: ObjectStore,
  manifest: ManifestFile,
  specs: SpecsById,
): Promise<readonly ManifestEntry[]> {
  const { manifestPath: path } = manifest;
  const spec = specOf(specs, manifest.partitionSpecId, path);
  // What is inherited depends on the manifest list, so it is a part of the key.
  const key = `${path}\n${manifest.sequenceNumber} ${manifest.addedSnapshotId} ${manifest.firstRowId} ${typeKey(spec)}`;
  return cacheOf(store).get(key, async () => {
    const bytes = await store.read(path);
    if (manifest.keyMetadata !== undefined && bytes[0] !== 0x4f) throw encrypted(path);
    const file = new AvroFile(bytes, path);
    const decode = entryDecoder(file, spec, path);
    const inherit = inheritance(manifest);
    const value: ManifestEntry[] = [];
    file.forEach(decode, (entry) => void value.push(inherit(entry)));
    return { value, weight: bytes.length + value.length * ENTRY_WEIGHT };
  });
}

const typeKeys = new WeakMap<ResolvedSpec, string>();

function typeKey(spec: ResolvedSpec): string {
  let key = typeKeys.get(spec);
  if (key === undefined) {
    key = `${spec.spec.specId}:${spec.types.map((type) => type.type).join(",")}`;
    typeKeys.set(spec, key);
  }
  return key;
}

/** The entries that are in the snapshot: added or existing. */
export async function readLiveEntries(
  store: ObjectStore,
  manifest: ManifestFile,
  specs: SpecsById,
): Promise<readonly ManifestEntry[]> {
  const entries = await readManifest(store, manifest, specs);
  return manifest.deletedFilesCount === 0 ? entries : entries.filter((entry) => entry.status !== "deleted");
}

function inheritance(manifest: ManifestFile): (entry: ManifestEntry) => ManifestEntry {
  const { sequenceNumber, addedSnapshotId, firstRowId, content } = manifest;
  let nextRowId = firstRowId;
  return (entry) => {
    // Java's rule, which v1 tables rely on: a manifest of sequence number 0 hands it to entries of any status.
    const inherits = entry.status === "added" || sequenceNumber === 0n;
    const own = entry.sequenceNumber ?? (inherits ? sequenceNumber : undefined);
    if (own === undefined) {
      throw new LakehouseError({
        code: "CORRUPT_FILE",
        subject: manifest.manifestPath,
        message: `${manifest.manifestPath} has an entry of status ${entry.status} without a sequence number.`,
      });
    }
    let { dataFile } = entry;
    if (content === "data") {
      if (nextRowId === undefined) {
        if (dataFile.firstRowId !== undefined) dataFile = { ...dataFile, firstRowId: undefined };
      } else if (dataFile.firstRowId === undefined && entry.status !== "deleted") {
        dataFile = { ...dataFile, firstRowId: nextRowId };
        nextRowId += dataFile.recordCount;
      }
    }
    return {
      status: entry.status,
      snapshotId: entry.snapshotId ?? addedSnapshotId,
      sequenceNumber: own,
      fileSequenceNumber: entry.fileSequenceNumber ?? (inherits ? sequenceNumber : undefined),
      dataFile,
    };
  };
}

function encrypted(path: string): LakehouseError {
  return new LakehouseError({
    code: "UNSUPPORTED_FEATURE",
    subject: path,
    message: `${path} is encrypted, which this version cannot read.`,
  });
}
