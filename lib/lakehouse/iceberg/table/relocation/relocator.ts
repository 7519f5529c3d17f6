import { gunzipSync, gzipSync } from "node:zlib";
import { mapConcurrent, READ_CONCURRENCY } from "../../../concurrency.js";
import { type ObjectStore, objectNotFound } from "../../../storage/index.js";
import { PATH_PROPERTIES } from "../../files/metadata/metadata-file.js";
import { type Json, parseJson, stringifyJson } from "../../model/json.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { utf8Decode, utf8Encode } from "../../model/values/bytes.js";
import { fieldName, rewriteAvro } from "./avro.js";
import type { RewrittenDeletes } from "./deletes.js";
import { deleteEntries } from "./entries.js";
import { type FormerFiles, Place } from "./place.js";

interface Rewritten {
  readonly location: string;
  /** In bytes; `undefined` where the file is missing, and so is not written. */
  readonly length: number | undefined;
}

/**
 * Writes the metadata of tables and views anew for the root where they lie, file by file, and replaces nothing: what was
 * there stays as it is, until a catalog points to the new files. Files that tables share are written once.
 *
 * A file that is missing stays so: the history of a table names files of snapshots that have expired.
 */
export class Relocator {
  readonly #place: Place;
  readonly #isMetadata: (location: string) => boolean;
  /** By the location from before: manifest lists, manifests and delete files. */
  readonly #done = new Map<string, Promise<unknown>>();
  readonly #written: string[] = [];
  readonly #missing: string[] = [];

  /**
   * @param store reads by the locations from before.
   * @param target writes by those that hold now.
   * @param id of the relocation, in the names of what is written.
   * @param isMetadata whether a metadata file that another one names as earlier is written anew as well.
   */
  constructor(
    store: FormerFiles,
    target: ObjectStore,
    id: string,
    isMetadata: (location: string) => boolean,
  ) {
    this.#place = new Place(store, target, id);
    this.#isMetadata = isMetadata;
  }

  /** What was written so far, by its present location. */
  get written(): readonly string[] {
    return this.#written;
  }

  /** What was to be written anew and is not there, by the location from before. */
  get missing(): readonly string[] {
    return this.#missing;
  }

  /** True for what was recorded below the root that is left. */
  holds(location: string): boolean {
    return this.#place.holds(location);
  }

  /**
   * Writes the metadata of a table or view anew, and before it all that it leads to.
   *
   * @returns the location of the new metadata file.
   * @throws LakehouseError UNSUPPORTED_FEATURE for position deletes in ORC; CORRUPT_FILE; STORAGE_FAILED.
   */
  async metadata(location: string): Promise<string> {
    const target = this.#place.replacement(location);
    const bytes = await this.#read(location);
    if (bytes === undefined) return target;
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const root = parseJson(utf8Decode(isGzip ? gunzipSync(bytes) : bytes)) as { [key: string]: Json };
    await this.#changeMetadata(root);
    const text = utf8Encode(stringifyJson(root));
    await this.#write(target, isGzip ? gzipSync(text) : text);
    return target;
  }

  async #changeMetadata(root: { [key: string]: Json }): Promise<void> {
    const moved = (location: string) => this.#place.moved(location);
    change(root, "location", moved);
    const properties = root.properties as { [key: string]: Json } | undefined;
    for (const name of PATH_PROPERTIES) change(properties, name, moved);
    for (const statistics of [...listOf(root.statistics), ...listOf(root["partition-statistics"])]) {
      change(statistics, "statistics-path", moved);
    }
    for (const entry of listOf(root["metadata-log"])) {
      change(entry, "metadata-file", (earlier) =>
        this.#isMetadata(earlier) && this.#place.holds(earlier)
          ? this.#place.replacement(earlier)
          : moved(earlier),
      );
    }
    await mapConcurrent(listOf(root.snapshots), READ_CONCURRENCY, async (snapshot) => {
      const list = snapshot["manifest-list"];
      if (typeof list === "string") {
        snapshot["manifest-list"] = (await this.#once(list, () => this.#manifestList(list))).location;
      }
      if (Array.isArray(snapshot.manifests)) {
        snapshot.manifests = await mapConcurrent(
          snapshot.manifests as string[],
          READ_CONCURRENCY,
          async (manifest) => (await this.#manifest(manifest)).location,
        );
      }
    });
  }

  async #manifestList(uri: string): Promise<Rewritten> {
    return this.#avro(uri, async (records, schema) => {
      const path = fieldName(schema, 500, "manifest_path") ?? "";
      const length = fieldName(schema, 501, "manifest_length") ?? "";
      await mapConcurrent(records, READ_CONCURRENCY, async (record) => {
        const manifest = await this.#manifest(record[path] as string);
        record[path] = manifest.location;
        if (manifest.length !== undefined) record[length] = manifest.length;
      });
    });
  }

  #manifest(uri: string): Promise<Rewritten> {
    return this.#once(uri, () =>
      this.#avro(uri, async (records, schema) => {
        for (const entry of deleteEntries(records, schema)) {
          entry.moveReferences((location) => this.#place.moved(location));
          if (!entry.isPositionDelete) entry.move(this.#place.moved(entry.file.filePath));
          else entry.replace(await this.#positionDeletes(entry.file));
        }
      }),
    );
  }

  #positionDeletes(file: DataFile): Promise<RewrittenDeletes> {
    const { filePath } = file;
    return this.#once(filePath, async () => {
      // Delete files are Parquet, with all that writes it: most lakes have none that move.
      const { relocateDeletionVectors, relocatePositionDeletes } = await import("./deletes.js");
      try {
        const written = await (file.fileFormat === "puffin"
          ? relocateDeletionVectors(this.#place, filePath)
          : relocatePositionDeletes(this.#place, file));
        this.#written.push(written.filePath);
        return written;
      } catch (error) {
        if (!objectNotFound.is(error)) throw error;
        this.#missing.push(filePath);
        return { ...file, filePath: this.#place.replacement(filePath), isMissing: true };
      }
    });
  }

  async #avro(uri: string, rewrite: Parameters<typeof rewriteAvro>[2]): Promise<Rewritten> {
    const location = this.#place.replacement(uri);
    const bytes = await this.#read(uri);
    if (bytes === undefined) return { location, length: undefined };
    const rewritten = await rewriteAvro(bytes, uri, rewrite);
    await this.#write(location, rewritten);
    return { location, length: rewritten.length };
  }

  async #read(location: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#place.store.read(location);
    } catch (error) {
      if (!objectNotFound.is(error)) throw error;
      this.#missing.push(location);
      return undefined;
    }
  }

  async #write(location: string, bytes: Uint8Array): Promise<void> {
    await this.#place.target.put(location, bytes);
    this.#written.push(location);
  }

  #once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.#done.get(key) as Promise<T> | undefined;
    const done = known ?? work();
    if (known === undefined) this.#done.set(key, done);
    return done;
  }
}

function listOf(value: Json | undefined): { [key: string]: Json }[] {
  return Array.isArray(value) ? (value as { [key: string]: Json }[]) : [];
}

function change(
  object: { [key: string]: Json } | undefined,
  key: string,
  to: (location: string) => string,
): void {
  const value = object?.[key];
  if (object !== undefined && typeof value === "string") object[key] = to(value);
}
