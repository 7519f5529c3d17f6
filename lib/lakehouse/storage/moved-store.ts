import { statSync } from "node:fs";
import path from "node:path";
import type { Body, ByteRange, ListOptions, ObjectInfo, ObjectStore, PutCondition } from "./store.js";
import { canonicalFileUri, canonicalS3Uri, fileUri, pathOfFile } from "./uri.js";

/**
 * A store whose objects lie elsewhere than their recorded locations say, because a lake or a table was moved or copied.
 *
 * Nobody above this store learns of it: all that is read, written, compared and listed is a recorded location, and only
 * here, where bytes are fetched, does it become the present one. That is what keeps rows right. A position delete names
 * its data file by location, a deletion vector too, and so do conflict checks, duplicates and garbage collection: all
 * of them go on to compare the texts that were written before the move with those written after it. New files are
 * recorded below the old root as well, so a lake that is moved again, or back, has still one root to resolve.
 *
 * Nothing below the recorded root is ever looked for there: the original of a copy is neither read nor written. Present
 * locations, which is what users know, are understood too; `head`, `list` and `put` answer with recorded ones.
 */
export class MovedStore implements ObjectStore {
  /** The recorded root. */
  readonly root: string;
  /** Where the objects are now, without a trailing slash. */
  readonly present: string;
  readonly #store: ObjectStore;
  readonly #recorded: string;

  /**
   * @param store what reaches the present place.
   * @param recorded the root that locations were recorded below.
   * @param present where that root lies now.
   */
  constructor(store: ObjectStore, recorded: string, present: string) {
    this.#store = store;
    this.#recorded = plain(recorded).replace(/\/+$/, "");
    this.present = present.replace(/\/+$/, "");
    this.root = recorded.replace(/\/+$/, "");
  }

  /** Where an object is, by its recorded location; what lies elsewhere keeps its place. */
  locate(uri: string): string {
    const location = plain(uri);
    if (location === this.#recorded) return this.present;
    if (location.startsWith(`${this.#recorded}/`)) {
      return `${this.present}/${location.slice(this.#recorded.length).replace(/^\/+/, "")}`;
    }
    return isAbsolute(uri) ? uri : fileUri(path.resolve(location));
  }

  /** The location under which an object at this place is recorded. */
  record(uri: string): string {
    const location = canonicalS3Uri(canonicalFileUri(uri));
    if (location === this.present) return this.root;
    return location.startsWith(`${this.present}/`)
      ? `${this.root}${location.slice(this.present.length)}`
      : uri;
  }

  read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    return this.#store.read(this.locate(uri), range);
  }

  stream(uri: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    return this.#store.stream(this.locate(uri), range);
  }

  async put(uri: string, body: Body, ...how: [PutCondition?, AbortSignal?]): Promise<ObjectInfo> {
    return this.#recordedInfo(await this.#store.put(this.locate(uri), body, ...how));
  }

  async head(uri: string): Promise<ObjectInfo | undefined> {
    const info = await this.#store.head(this.locate(uri));
    return info && this.#recordedInfo(info);
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo, void, undefined> {
    const at = this.locate(prefix);
    for await (const info of this.#store.list(at, options)) yield this.#recordedInfo(info);
  }

  delete(uris: readonly string[]): Promise<void> {
    return this.#store.delete(uris.map((uri) => this.locate(uri)));
  }

  localPath(uri: string): string | undefined {
    return this.#store.localPath(this.locate(uri));
  }

  async ensureFolder(uri: string): Promise<void> {
    await this.#store.ensureFolder?.(this.locate(uri));
  }

  #recordedInfo(info: ObjectInfo): ObjectInfo {
    return { ...info, uri: this.record(info.uri) };
  }
}

/**
 * The location under which a table records an object. Users give the place where they see it, in a store that was moved
 * another one than what stands in the metadata.
 */
export function recordedLocation(store: ObjectStore, uri: string): string {
  return store instanceof MovedStore ? store.record(uri) : uri;
}

/**
 * The root that was recorded for a store that lies elsewhere now, where that root does not lead to it (over a symbolic
 * link, say): whoever goes by recorded locations without this store misses its objects, or finds those of another.
 */
export function movedFrom(store: ObjectStore): string | undefined {
  if (!(store instanceof MovedStore)) return undefined;
  const [recorded, present] = [store.root, store.present].map(canonicalFileUri);
  if (!recorded?.startsWith("file://") || !present?.startsWith("file://")) return store.root;
  return isSameDirectory(pathOfFile(recorded), pathOfFile(present)) ? undefined : store.root;
}

function isSameDirectory(a: string, b: string): boolean {
  try {
    const [one, other] = [statSync(a, { bigint: true }), statSync(b, { bigint: true })];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}

/** One spelling of the many that a location has: Hadoop's names for S3, its forms of file URIs, and `./`. */
function plain(uri: string): string {
  const location = canonicalS3Uri(canonicalFileUri(uri)).replace(/^file:(\/\/)?(?=\/)/, "");
  return isAbsolute(location) || location.startsWith("/")
    ? location
    : path.posix.normalize(location.replace(/^file:/, ""));
}

function isAbsolute(uri: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\//i.test(uri);
}
