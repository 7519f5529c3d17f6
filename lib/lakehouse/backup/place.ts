import { createHash, randomBytes } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { invalidArgument, type LakehouseError } from "../errors.js";
import { checkObject, checkText } from "../options.js";
import { type ObjectStore, objectNotFound, openStore, type StoreOptions } from "../storage/index.js";
import { backupBusy, backupCorrupt, noSuchBackup } from "./errors.js";
import type { BackupIndex, BackupSummary, ObjectRef } from "./model.js";

/** What a backup asks of the place where it is kept: any object store, or a file that is written and read as one. */
export interface BackupStore
  extends Pick<ObjectStore, "root" | "read" | "stream" | "put" | "list" | "delete"> {
  /** True where only one process has it, which makes one backup and deletes none. */
  readonly isPrivate?: boolean | undefined;
}

/** Larger objects are streamed. */
export const IN_MEMORY_BYTES = 8 * 1024 ** 2;

/** Of another format, this version says so and reads nothing. */
const FORMAT = 1;

/**
 * Where backups are kept: `objects/<2 hex>/<sha256>`, each once however many backups have it, and `backups/<id>.json`
 * for each backup. Whatever is read is held against its name or checksum.
 */
export class BackupPlace {
  readonly #store: BackupStore;

  constructor(store: BackupStore) {
    this.#store = store;
  }

  /** Whether several processes may be at work on it. */
  get isShared(): boolean {
    return this.#store.isPrivate !== true;
  }

  get root(): string {
    return this.#store.root;
  }

  uriOf({ sha256 }: Pick<ObjectRef, "sha256">): string {
    return `${this.root}/objects/${sha256.slice(0, 2)}/${sha256}`;
  }

  /** The sizes of all objects that are there, by their names. */
  async objects(): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for await (const { uri, size } of this.#store.list(`${this.root}/objects/`)) {
      sizes.set(uri.slice(uri.lastIndexOf("/") + 1), size);
    }
    return sizes;
  }

  /** @param body has this checksum, or fails. */
  async put(object: ObjectRef, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    await this.#store.put(this.uriOf(object), body);
  }

  /**
   * @param holds what the object is to the lakehouse, for the error.
   * @throws LakehouseError BACKUP_CORRUPT
   */
  async read(object: ObjectRef, holds: string): Promise<Uint8Array> {
    const bytes = await this.#found(object, holds, () => this.#store.read(this.uriOf(object)));
    if (bytes.length !== object.size || sha256(bytes) !== object.sha256)
      throw this.#corrupt(object, holds, this.#damage(object, bytes.length));
    return bytes;
  }

  /** The same in pieces, of which the last is given out only when the whole is right. */
  async *stream(object: ObjectRef, holds: string): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash("sha256");
    let length = 0;
    let held: Uint8Array | undefined;
    const pieces = this.#store.stream(this.uriOf(object))[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await this.#found(object, holds, () => pieces.next());
      if (done) break;
      if (held !== undefined) yield held;
      hash.update(value);
      length += value.length;
      held = value;
    }
    if (length !== object.size || hash.digest("hex") !== object.sha256)
      throw this.#corrupt(object, holds, this.#damage(object, length));
    if (held !== undefined) yield held;
  }

  /** Of all backups that are there, newest first. */
  async summaries(): Promise<BackupSummary[]> {
    const summaries: BackupSummary[] = [];
    for (const id of await this.#ids()) summaries.push(await this.#summary(id));
    return summaries;
  }

  /**
   * One backup: by its id, or the newest that was made until a time; the newest of all where neither is given. Others may
   * be damaged.
   *
   * @throws LakehouseError NO_SUCH_BACKUP; BACKUP_CORRUPT
   */
  async find(asOf?: string): Promise<BackupSummary> {
    if (asOf !== undefined) checkText("find", "asOf", asOf);
    const ids = await this.#ids();
    if (asOf !== undefined && ids.includes(asOf)) return this.#summary(asOf);
    const until = asOf === undefined ? Number.POSITIVE_INFINITY : Date.parse(asOf);
    for (const id of Number.isNaN(until) ? [] : ids) {
      const summary = await this.#summary(id);
      if (Date.parse(summary.createdAt) <= until) return summary;
    }
    throw noSuchBackup(
      this.root,
      ids.length === 0
        ? `There is no backup at ${this.root}.`
        : `There is no backup ${asOf} at ${this.root}, and none that was made until then.`,
      ids.length === 0
        ? "Look whether this is the place; a backup that was not finished is none."
        : `Those that are there: ${ids.join(", ")}.`,
    );
  }

  /** Newest first. */
  async #ids(): Promise<string[]> {
    const ids: string[] = [];
    for await (const { uri } of this.#store.list(`${this.root}/backups/`)) {
      const [, id] = /\/([^/]+)\.json$/.exec(uri) ?? [];
      if (id !== undefined) ids.push(id);
    }
    return ids.sort().reverse();
  }

  /** @throws LakehouseError BACKUP_CORRUPT */
  async index({ id, index }: BackupSummary): Promise<BackupIndex> {
    const bytes = await this.read(index, `the index of backup ${id}`);
    return JSON.parse(gunzipSync(bytes).toString("utf8")) as BackupIndex;
  }

  /** Makes what is there a backup. */
  async finish(made: Omit<BackupSummary, "id" | "index">, index: BackupIndex): Promise<BackupSummary> {
    const bytes = gzipSync(JSON.stringify(index));
    const object = { sha256: sha256(bytes), size: bytes.length };
    await this.put(object, bytes);
    const id = `${made.createdAt.replaceAll(/[-:.]/g, "")}-${randomBytes(3).toString("hex")}`;
    const backup: BackupSummary = { id, ...made, index: object };
    const text = JSON.stringify({ format: FORMAT, sha256: checksumOf(backup), backup }, null, 2);
    await this.#store.put(this.#uriOfBackup(id), Buffer.from(text), { ifAbsent: true });
    return backup;
  }

  /**
   * Does work of a kind while none of the other kind is done here: a backup counts on objects that are there, of which a
   * prune cannot know. Each leaves its mark first and then looks for the other's: of two at once, one at the least sees
   * the other, and gives way.
   *
   * @throws LakehouseError BACKUP_BUSY
   */
  async alone<T>(kind: "backup" | "prune", work: () => Promise<T>): Promise<T> {
    const mark = `${this.root}/running/${kind}-${randomBytes(6).toString("hex")}`;
    await this.#store.put(mark, Buffer.from(new Date().toISOString()));
    try {
      for await (const { uri, lastModified } of this.#store.list(`${this.root}/running/`)) {
        const isOther = kind === "prune" ? uri !== mark : uri.startsWith(`${this.root}/running/prune-`);
        if (isOther) throw busy(uri, lastModified);
      }
      return await work();
    } finally {
      // What was done stays done, and what failed failed: a mark that stays is told of by who it keeps out.
      await this.#store.delete([mark]).catch(() => undefined);
    }
  }

  #uriOfBackup(id: string): string {
    return `${this.root}/backups/${id}.json`;
  }

  async remove(backups: readonly BackupSummary[]): Promise<void> {
    await this.#store.delete(backups.map(({ id }) => this.#uriOfBackup(id)));
  }

  async removeObjects(names: readonly string[]): Promise<void> {
    await this.#store.delete(names.map((sha256) => this.uriOf({ sha256 })));
  }

  async #summary(id: string): Promise<BackupSummary> {
    const uri = this.#uriOfBackup(id);
    const text = Buffer.from(await this.#store.read(uri)).toString("utf8");
    let stored: { readonly format?: unknown; readonly sha256?: unknown; readonly backup?: BackupSummary };
    try {
      stored = JSON.parse(text);
    } catch (cause) {
      throw corruptSummary(uri, "is no JSON", cause);
    }
    const { format, sha256, backup } = stored ?? {};
    if (format !== FORMAT)
      throw corruptSummary(uri, `has format ${String(format)}, and this version reads ${FORMAT}`);
    if (backup === undefined || checksumOf(backup) !== sha256)
      throw corruptSummary(uri, "has another checksum than it says");
    return backup;
  }

  async #found<T>(object: ObjectRef, holds: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!objectNotFound.is(error)) throw error;
      throw this.#corrupt(object, holds, "is missing", error);
    }
  }

  #damage({ size }: ObjectRef, length: number): string {
    return length === size
      ? "does not hold the bytes that its name says"
      : `is ${length} bytes long instead of ${size}`;
  }

  #corrupt(object: ObjectRef, holds: string, how: string, cause?: unknown): LakehouseError {
    const uri = this.uriOf(object);
    return backupCorrupt(
      uri,
      `${uri}, which holds ${holds}, ${how}.`,
      "Restore another backup. Where the lakehouse is still there, delete this object and back up again: it is copied anew.",
      cause,
    );
  }
}

/** @throws LakehouseError INVALID_URI; INVALID_ARGUMENT for what is no place. */
export function openPlace(location: string | BackupStore, storage?: StoreOptions): BackupPlace {
  if (location === "" || (typeof location !== "string" && typeof location?.put !== "function"))
    throw invalidArgument(
      "backup",
      "Where the backups are is not said.",
      "Give a path, a file:// or s3:// URI, or a store.",
    );
  if (storage !== undefined) checkObject("backup", "storage", storage);
  return new BackupPlace(typeof location === "string" ? openStore(location, storage) : location);
}

function busy(mark: string, since: Date): LakehouseError {
  return backupBusy(
    mark,
    `Another process is at work on these backups since ${since.toISOString()}: ${mark}.`,
    "Wait until it is done. If it was killed, delete that file.",
  );
}

function corruptSummary(uri: string, how: string, cause?: unknown): LakehouseError {
  return backupCorrupt(
    uri,
    `The backup ${uri} ${how}.`,
    "Move this file elsewhere, and restore another backup.",
    cause,
  );
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function checksumOf(backup: BackupSummary): string {
  return sha256(Buffer.from(JSON.stringify(backup)));
}
