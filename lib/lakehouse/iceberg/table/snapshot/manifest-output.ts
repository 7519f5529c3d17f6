import { randomUUID } from "node:crypto";
import type { ObjectStore } from "../../../storage/index.js";
import { readManifest } from "../../files/manifest/reader.js";
import { type ResolvedSpec, type SpecsById, specOf, specsById } from "../../files/manifest/specs.js";
import { ManifestWriter } from "../../files/manifest/writer.js";
import { metadataFileLocation } from "../../files/metadata/locations.js";
import { currentSchema } from "../../model/metadata/lookup.js";
import type { ManifestContent, ManifestEntry, ManifestFile } from "../../model/metadata/manifest-types.js";
import { numberProperty } from "../../model/metadata/properties.js";
import type { SnapshotId, TableMetadata } from "../../model/metadata/types.js";
import type { SpecId } from "../../model/partitioning/types.js";

/** Stands for a sequence number that the commit has yet to assign. */
export const UNASSIGNED = -1n;

/** Writes the manifests of one snapshot, and remembers them: what a commit does not use is deleted afterwards. */
export class ManifestOutput {
  readonly store: ObjectStore;
  readonly snapshotId: SnapshotId;
  /** In the names of all files of this commit. */
  readonly commitId = randomUUID();
  readonly #signal: AbortSignal | undefined;
  readonly #written: string[] = [];
  /** Every put that was begun. */
  readonly #puts: Promise<unknown>[] = [];
  #count = 0;
  #lists = 0;

  constructor(store: ObjectStore, snapshotId: SnapshotId, signal?: AbortSignal) {
    this.store = store;
    this.snapshotId = snapshotId;
    this.#signal = signal;
  }

  /**
   * Writes entries of one spec as one manifest or, above the target size, several. They are in the store once
   * `flush` resolves, so that a commit waits for all of its files at once.
   *
   * @param put hands each entry to the writer in the status that it shall have.
   */
  write<T>(
    metadata: TableMetadata,
    content: ManifestContent,
    specId: SpecId,
    entries: Iterable<T>,
    put: (writer: ManifestWriter, entry: T) => void,
  ): ManifestFile[] {
    const target = numberProperty(metadata, "commit.manifest.target-size-bytes");
    const spec = specOf(specsById(metadata), specId, metadata.location);
    const manifests: ManifestFile[] = [];
    let writer: ManifestWriter | undefined;
    for (const entry of entries) {
      writer ??= this.#open(metadata, content, spec);
      put(writer, entry);
      if (writer.length >= target) {
        manifests.push(this.#close(metadata, writer));
        writer = undefined;
      }
    }
    if (writer !== undefined) manifests.push(this.#close(metadata, writer));
    return manifests;
  }

  #open(metadata: TableMetadata, content: ManifestContent, spec: ResolvedSpec): ManifestWriter {
    const { formatVersion } = metadata;
    const schema = currentSchema(metadata);
    return new ManifestWriter({ formatVersion, content, spec, schema, snapshotId: this.snapshotId });
  }

  #close(metadata: TableMetadata, writer: ManifestWriter): ManifestFile {
    const { bytes, manifest } = writer.finish();
    const location = metadataFileLocation(metadata, `${this.commitId}-m${this.#count++}.avro`);
    this.#written.push(location);
    this.follow(this.store.put(location, bytes, undefined, this.#signal));
    return {
      ...manifest,
      manifestPath: location,
      manifestLength: BigInt(bytes.length),
      sequenceNumber: UNASSIGNED,
      minSequenceNumber: manifest.minSequenceNumber ?? UNASSIGNED,
    };
  }

  /** Takes a put that was begun among those that `flush` waits for. */
  follow(put: Promise<unknown>): void {
    put.catch(() => {}); // `flush` reports it; until then it must not count as unhandled
    this.#puts.push(put);
  }

  /**
   * Resolves when all that was written so far is in the store. All has ended when it rejects, too: whoever cleans up then
   * finds all that was written.
   */
  async flush(): Promise<void> {
    for (const end of await Promise.allSettled(this.#puts)) if (end.status === "rejected") throw end.reason;
  }

  /** The location of the next attempt's manifest list. */
  nextList(metadata: TableMetadata): string {
    this.#lists += 1;
    const location = metadataFileLocation(
      metadata,
      `snap-${this.snapshotId}-${this.#lists}-${this.commitId}.avro`,
    );
    this.#written.push(location);
    return location;
  }

  /** Reads a manifest, also one of this snapshot that has no sequence number yet. */
  async read(manifest: ManifestFile, specs: SpecsById): Promise<readonly ManifestEntry[]> {
    await this.flush();
    return readManifest(this.store, manifest, specs);
  }

  /** Deletes what was written and is not kept: what lost attempts and merges left over. */
  async deleteExcept(kept: ReadonlySet<string>): Promise<void> {
    // Where one write failed, others may still be under way: what they leave is to go as well.
    await Promise.allSettled(this.#puts);
    const orphans = this.#written.filter((location) => !kept.has(location));
    if (orphans.length > 0) await this.store.delete(orphans);
    this.#written.length = 0;
  }
}
