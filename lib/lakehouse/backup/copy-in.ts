import { createHash } from "node:crypto";
import { corruptFile } from "../errors.js";
import { type ObjectStore, objectNotFound } from "../storage/index.js";
import type { WantedFile } from "./gather.js";
import type { BackedUpFile, ObjectRef } from "./model.js";
import { type BackupPlace, IN_MEMORY_BYTES, sha256 } from "./place.js";

/** What files are copied of. */
export type FilesToCopy = Pick<ObjectStore, "root" | "head" | "read" | "stream">;

/** Copies files into a backup, each content once. */
export class CopyingIn {
  readonly #store: FilesToCopy;
  readonly #place: BackupPlace;
  /** By location: of earlier backups, and of this one. */
  readonly #known: Map<string, BackedUpFile>;
  /** Sizes by name, of all that the place has. */
  readonly #there: Map<string, number>;
  #files = 0;
  #bytes = 0;

  constructor(
    store: FilesToCopy,
    place: BackupPlace,
    known: readonly BackedUpFile[],
    there: Map<string, number>,
  ) {
    this.#store = store;
    this.#place = place;
    this.#known = new Map(known.map((file) => [file.location, file]));
    this.#there = there;
  }

  /** The root of the files. */
  get root(): string {
    return this.#store.root;
  }

  get copied(): { readonly files: number; readonly bytes: number } {
    return { files: this.#files, bytes: this.#bytes };
  }

  /** @throws LakehouseError OBJECT_NOT_FOUND; CORRUPT_FILE for a file that changes while it is copied. */
  async copy({ location, kind }: Pick<WantedFile, "location" | "kind">): Promise<BackedUpFile> {
    const info = await this.#store.head(location);
    if (info === undefined) throw objectNotFound(location, `There is no object ${location}.`);
    const { size, etag } = info;
    const known = this.#known.get(location);
    if (known?.etag === etag && known.size === size && this.#has(known)) return { ...known, kind };
    const object = size > IN_MEMORY_BYTES ? await this.#copyLarge(location) : await this.#copySmall(location);
    const file = { location, kind, etag, ...object };
    this.#known.set(location, file);
    return file;
  }

  /** One that was cut short after it was written is written anew. */
  #has({ sha256, size }: ObjectRef): boolean {
    return this.#there.get(sha256) === size;
  }

  async #copySmall(location: string): Promise<ObjectRef> {
    const bytes = await this.#store.read(location);
    const object = { sha256: sha256(bytes), size: bytes.length };
    if (!this.#has(object)) await this.#put(object, bytes);
    return object;
  }

  /** Reads it twice: its name is its checksum, and is needed to begin. */
  async #copyLarge(location: string): Promise<ObjectRef> {
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of this.#store.stream(location)) {
      hash.update(chunk);
      size += chunk.length;
    }
    const object = { sha256: hash.digest("hex"), size };
    if (!this.#has(object))
      await this.#put(object, unchanged(this.#store.stream(location), object, location));
    return object;
  }

  async #put(object: ObjectRef, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    await this.#place.put(object, body);
    this.#there.set(object.sha256, object.size);
    this.#files += 1;
    this.#bytes += object.size;
  }
}

async function* unchanged(
  chunks: AsyncIterable<Uint8Array>,
  { sha256 }: ObjectRef,
  location: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest("hex") === sha256) return;
  throw corruptFile(
    location,
    `${location} changed while it was copied, which no file of a table does.`,
    "Find out what writes to it, and back up again.",
  );
}
