import { corruptFile, type LakehouseError, unsupported } from "../../../errors.js";
import { digestOnce, keyOf } from "../../../keys.js";
import type { ObjectStore } from "../../../storage/index.js";
import type {
  EntryStatus,
  FileBrief,
  ManifestEntry,
  ManifestFile,
} from "../../model/metadata/manifest-types.js";
import { AvroFile } from "../avro/container.js";
import type { Decoder } from "../avro/decode.js";
import { compileBriefDecoder, type EntryBrief } from "./brief-decoder.js";
import { cacheOf } from "./cache.js";
import { compileEntryDecoder } from "./entry-decoder.js";
import { type ResolvedSpec, type SpecsById, specOf } from "./specs.js";

/** About what one decoded entry takes in memory, its share of the raw metrics included. */
const ENTRY_WEIGHT = 1200;

interface Decoders {
  readonly entry: Decoder<ManifestEntry>;
  readonly brief: Decoder<EntryBrief>;
}

/** Decoders by spec and writer's schema: the manifests of a table share a handful of schemas. */
const decoders = new WeakMap<ResolvedSpec, Map<string, Decoders>>();

function decodersOf(file: AvroFile, spec: ResolvedSpec, subject: string): Decoders {
  let bySchema = decoders.get(spec);
  if (bySchema === undefined) {
    bySchema = new Map();
    decoders.set(spec, bySchema);
  }
  let known = bySchema.get(file.header.schemaJson);
  if (known === undefined) {
    const schema = file.schema();
    known = {
      entry: compileEntryDecoder(schema, spec.spec, spec.types, subject),
      brief: compileBriefDecoder(schema, spec, subject),
    };
    if (bySchema.size > 100) bySchema.clear();
    bySchema.set(file.header.schemaJson, known);
  }
  return known;
}

/** A manifest's bytes, uncompressed. */
function readFile(store: ObjectStore, { manifestPath: path, keyMetadata }: ManifestFile): Promise<AvroFile> {
  return cacheOf(store).get(keyOf(["bytes", path]), async () => {
    const bytes = await store.read(path);
    if (keyMetadata !== undefined && bytes[0] !== 0x4f) throw encrypted(path);
    const value = new AvroFile(bytes, path);
    return { value, weight: value.keepUncompressed() };
  });
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
  return cacheOf(store).get(entriesKey(manifest, spec), async () => {
    const file = await readFile(store, manifest);
    const { entry: decode } = decodersOf(file, spec, path);
    const inheritance = new Inheritance(manifest);
    const value: ManifestEntry[] = [];
    file.forEach(decode, (entry) => void value.push(inheritance.fill(entry)));
    checkWhole(manifest, file, value.length);
    return { value, weight: value.length * ENTRY_WEIGHT };
  });
}

/**
 * The live entries of a manifest whose files may match, as `readManifest` gives them. The others are passed over
 * without being built, so a selective filter costs a fraction of reading all; what it gives is not kept.
 *
 * @param mayMatch is asked once of each live entry's file. What it gets serves for the call alone.
 */
export async function readMatching(
  store: ObjectStore,
  manifest: ManifestFile,
  specs: SpecsById,
  mayMatch: (file: FileBrief) => boolean,
): Promise<readonly ManifestEntry[]> {
  const { manifestPath: path } = manifest;
  const spec = specOf(specs, manifest.partitionSpecId, path);
  const known = await cacheOf(store).peek<readonly ManifestEntry[]>(entriesKey(manifest, spec));
  if (known) return known.filter(({ status, dataFile }) => status !== "deleted" && mayMatch(dataFile));
  const file = await readFile(store, manifest);
  const { entry: decode, brief: skim } = decodersOf(file, spec, path);
  const inheritance = new Inheritance(manifest);
  const found: ManifestEntry[] = [];
  let entries = 0;
  file.forEach(
    (cursor) => {
      entries++;
      const start = cursor.pos;
      const brief = skim(cursor);
      const end = cursor.pos;
      if (brief.status !== "deleted" && mayMatch(brief.file)) {
        cursor.pos = start;
        found.push(inheritance.fill(decode(cursor)));
      } else {
        inheritance.pass(brief);
        cursor.pos = end; // a look-up of a metric moves the cursor
      }
    },
    () => {},
  );
  checkWhole(manifest, file, entries);
  return found;
}

/**
 * A manifest that was cut between two blocks is sound Avro with files missing. Neither its recorded length nor the
 * counts of its row alone prove that: writers have been seen to get either wrong.
 *
 * @throws LakehouseError CORRUPT_FILE
 */
function checkWhole(manifest: ManifestFile, file: AvroFile, entries: number): void {
  const { manifestPath, manifestLength, addedFilesCount, existingFilesCount, deletedFilesCount } = manifest;
  const listed = (addedFilesCount ?? 0) + (existingFilesCount ?? 0) + (deletedFilesCount ?? 0);
  if (BigInt(file.length) >= manifestLength || entries >= listed) return;
  throw corruptFile(
    manifestPath,
    `${manifestPath} is cut off: it has ${entries} entries in ${file.length} bytes, ` +
      `and its manifest list says ${listed} in ${manifestLength}.`,
    "Restore the object from a backup, or roll back to a snapshot before it.",
  );
}

/** What is inherited depends on the manifest list, so it is a part of the key. */
function entriesKey(manifest: ManifestFile, spec: ResolvedSpec): string {
  const { manifestPath, sequenceNumber, addedSnapshotId, firstRowId } = manifest;
  return keyOf(["entries", manifestPath, sequenceNumber, addedSnapshotId, firstRowId, specKey(spec)]);
}

const specKey = digestOnce<ResolvedSpec>();

/** The entries that are in the snapshot: added or existing. */
export async function readLiveEntries(
  store: ObjectStore,
  manifest: ManifestFile,
  specs: SpecsById,
): Promise<readonly ManifestEntry[]> {
  const entries = await readManifest(store, manifest, specs);
  return manifest.deletedFilesCount === 0 ? entries : entries.filter((entry) => entry.status !== "deleted");
}

/** Fills in what the entries of one manifest inherit. It must see all of them, in their order. */
class Inheritance {
  readonly #manifest: ManifestFile;
  #nextRowId: bigint | undefined;

  constructor(manifest: ManifestFile) {
    this.#manifest = manifest;
    this.#nextRowId = manifest.content === "data" ? manifest.firstRowId : undefined;
  }

  fill(entry: ManifestEntry): ManifestEntry {
    const { sequenceNumber, addedSnapshotId, content, manifestPath } = this.#manifest;
    // Java's rule, which v1 tables rely on: a manifest of sequence number 0 hands it to entries of any status.
    const inherits = entry.status === "added" || sequenceNumber === 0n;
    const own = entry.sequenceNumber ?? (inherits ? sequenceNumber : undefined);
    if (own === undefined) {
      throw corruptFile(
        manifestPath,
        `${manifestPath} has an entry of status ${entry.status} without a sequence number.`,
      );
    }
    let { dataFile } = entry;
    if (content === "data") {
      const firstRowId = this.#rowIds(entry.status, dataFile.firstRowId, dataFile.recordCount);
      if (firstRowId !== dataFile.firstRowId) dataFile = { ...dataFile, firstRowId };
    }
    return {
      status: entry.status,
      snapshotId: entry.snapshotId ?? addedSnapshotId,
      sequenceNumber: own,
      fileSequenceNumber: entry.fileSequenceNumber ?? (inherits ? sequenceNumber : undefined),
      dataFile,
    };
  }

  /** Counts the rows of an entry that is left out. */
  pass({ status, firstRowId, file }: EntryBrief): void {
    this.#rowIds(status, firstRowId, file.recordCount);
  }

  /** The first row id of a data file. A manifest without one, as it was before v3, has none for any. */
  #rowIds(status: EntryStatus, own: bigint | undefined, rows: bigint): bigint | undefined {
    const next = this.#nextRowId;
    if (next === undefined) return undefined;
    if (own !== undefined || status === "deleted") return own;
    this.#nextRowId = next + rows;
    return next;
  }
}

function encrypted(path: string): LakehouseError {
  return unsupported(path, `${path} is encrypted, which this version cannot read.`);
}
