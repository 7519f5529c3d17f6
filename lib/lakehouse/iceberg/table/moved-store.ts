import path from "node:path";
import type { Body, ByteRange, ObjectInfo, ObjectStore, PutCondition } from "../../storage/index.js";
import { canonicalFileUri, canonicalS3Uri, fileUri } from "../../storage/index.js";

/**
 * A store in which a table lies elsewhere than its metadata says. Locations below the recorded table location are found
 * below the folder given, relative ones below the current directory; all others stay as they are. Only bytes are fetched from
 * elsewhere: what refers to a file by its location, as position deletes do, goes on to match.
 */
export class MovedStore implements ObjectStore {
  readonly root: string;
  readonly #store: ObjectStore;
  readonly #recorded: string;
  readonly #folder: string;

  /**
   * @param recorded the table location that the metadata holds.
   * @param folder where the table is.
   */
  constructor(store: ObjectStore, recorded: string, folder: string) {
    this.root = store.root;
    this.#store = store;
    this.#recorded = `${plain(recorded).replace(/\/+$/, "")}/`;
    this.#folder = folder.replace(/\/+$/, "");
  }

  /** Where an object is, by the location that the metadata gives. */
  locate(uri: string): string {
    const location = plain(uri);
    if (location.startsWith(this.#recorded)) {
      return `${this.#folder}/${location.slice(this.#recorded.length).replace(/^\/+/, "")}`;
    }
    return /^[a-z][a-z0-9+.-]*:\//i.test(uri) ? uri : fileUri(path.resolve(location));
  }

  read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    return this.#store.read(this.locate(uri), range);
  }

  stream(uri: string, range?: ByteRange): AsyncIterable<Uint8Array> {
    return this.#store.stream(this.locate(uri), range);
  }

  put(uri: string, body: Body, condition?: PutCondition): Promise<ObjectInfo> {
    return this.#store.put(this.locate(uri), body, condition);
  }

  head(uri: string): Promise<ObjectInfo | undefined> {
    return this.#store.head(this.locate(uri));
  }

  list(prefix: string): AsyncIterable<ObjectInfo> {
    return this.#store.list(this.locate(prefix));
  }

  delete(uris: readonly string[]): Promise<void> {
    return this.#store.delete(uris.map((uri) => this.locate(uri)));
  }

  localPath(uri: string): string | undefined {
    return this.#store.localPath(this.locate(uri));
  }
}

/** One spelling of the many that a location has: Hadoop's names for S3, its forms of file URIs, and `./`. */
function plain(uri: string): string {
  const location = canonicalS3Uri(canonicalFileUri(uri)).replace(/^file:(\/\/)?(?=\/)/, "");
  return /^[a-z][a-z0-9+.-]*:\//i.test(location) || location.startsWith("/")
    ? location
    : path.posix.normalize(location.replace(/^file:/, ""));
}
