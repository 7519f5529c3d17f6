import { unsupported } from "../errors.js";
import type { FormerFiles } from "../iceberg/index.js";
import { type ByteRange, type ObjectInfo, objectNotFound, spelledUri } from "../storage/index.js";
import type { BackedUpFile } from "./model.js";
import type { BackupPlace } from "./place.js";

/** Where a file goes that had a location. */
export type Move = (location: string) => string;

/**
 * Moves what lies below one folder to the same path below another; what lies elsewhere (files that a table has adopted)
 * goes to a folder of its own there, so that what is restored needs nothing of the old place.
 */
export function moveBelow(from: string, to: string): Move {
  const left = plain(from);
  return (location) => {
    const uri = plain(location);
    if (uri === left) return to;
    if (uri.startsWith(`${left}/`)) return to + uri.slice(left.length);
    const path = uri.replace(/^([a-z][a-z0-9+.-]*):\/*/i, "$1/").split("/");
    return [to, "elsewhere", ...path.filter((part) => !/^\.{0,2}$/.test(part))].join("/");
  };
}

/** One spelling for the many that a location has. */
function plain(location: string): string {
  return spelledUri(location).replace(/\/+$/, "");
}

/** The files of a backup, read by the locations that they had, and held against their checksums. */
export class FilesOfBackup implements FormerFiles {
  readonly root: string;
  readonly #place: BackupPlace;
  readonly #files: ReadonlyMap<string, BackedUpFile>;
  readonly #move: Move;

  constructor(root: string, place: BackupPlace, files: readonly BackedUpFile[], move: Move) {
    this.root = root;
    this.#place = place;
    this.#files = new Map(files.map((file) => [plain(file.location), file]));
    this.#move = move;
  }

  locate(location: string): string {
    return this.#move(location);
  }

  /** @throws LakehouseError OBJECT_NOT_FOUND for what is in no backup; BACKUP_CORRUPT. */
  async read(location: string, range?: ByteRange): Promise<Uint8Array> {
    const bytes = await this.#place.read(this.file(location), location);
    return range === undefined ? bytes : bytes.subarray(range.start, range.end);
  }

  async *stream(location: string, range?: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
    yield await this.read(location, range);
  }

  async head(location: string): Promise<ObjectInfo | undefined> {
    const file = this.#files.get(plain(location));
    return file && infoOf(file);
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo, void, undefined> {
    for (const file of this.#files.values()) if (file.location.startsWith(prefix)) yield infoOf(file);
  }

  localPath(): undefined {
    return undefined;
  }

  put(location: string): Promise<ObjectInfo> {
    return Promise.reject(readOnly(location));
  }

  delete(): Promise<void> {
    return Promise.reject(readOnly(this.root));
  }

  /** What the backup has of a location. */
  file(location: string): BackedUpFile {
    const file = this.#files.get(plain(location));
    if (file !== undefined) return file;
    throw objectNotFound(location, `The backup has no file ${location}.`);
  }
}

function infoOf({ location, size, sha256 }: BackedUpFile): ObjectInfo {
  return { uri: location, size, etag: sha256, lastModified: new Date(0) };
}

function readOnly(location: string): Error {
  return unsupported(location, `${location} is in a backup, which is only read.`);
}
