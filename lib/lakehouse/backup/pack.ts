import { type FileHandle, open } from "node:fs/promises";
import { unsupported } from "../errors.js";
import {
  type Body,
  type ByteRange,
  fileUri,
  type ObjectInfo,
  objectNotFound,
  storageFailed,
  writeBeside,
} from "../storage/index.js";
import { backupCorrupt } from "./errors.js";
import type { BackupStore } from "./place.js";
import { BLOCK_BYTES, END_BYTES, encodeHeader, padded, readMembers, type TarMember } from "./tar.js";

/** Read at a time. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Writes one file, a plain tar, as the place of a backup. It is there, in place of what there was, when `write` is done.
 *
 * @throws LakehouseError STORAGE_FAILED, and what `write` throws.
 */
export async function packInto<T>(file: string, write: (store: BackupStore) => Promise<T>): Promise<T> {
  return writeBeside(file, async (path) => {
    const handle = await open(path, "w");
    try {
      const pack = new Pack(handle, fileUri(file), [], 0);
      const result = await write(pack);
      await pack.finish();
      return result;
    } finally {
      await handle.close();
    }
  });
}

/**
 * Reads a file that `packInto` wrote as the place of a backup.
 *
 * @throws LakehouseError OBJECT_NOT_FOUND; BACKUP_CORRUPT for what is no whole tar; and what `read` throws.
 */
export async function fromPack<T>(file: string, read: (store: BackupStore) => Promise<T>): Promise<T> {
  const uri = fileUri(file);
  const handle = await open(file, "r").catch((cause: unknown) => {
    throw objectNotFound(uri, `The file ${file} cannot be read.`, "Look whether this is its name.", cause);
  });
  try {
    const { size } = await handle.stat();
    const members = await readMembers(handle, size).catch((cause: Error) => {
      throw backupCorrupt(
        uri,
        `${file} is no whole pack: ${cause.message}.`,
        "Copy it here again, or take another one.",
        cause,
      );
    });
    return await read(new Pack(handle, uri, members, size));
  } finally {
    await handle.close();
  }
}

/** A tar as a store whose objects are its members. */
class Pack implements BackupStore {
  readonly root: string;
  readonly isPrivate = true;
  readonly #handle: FileHandle;
  readonly #members: Map<string, TarMember>;
  #end: number;
  /** Members are written one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(handle: FileHandle, root: string, members: readonly TarMember[], end: number) {
    this.#handle = handle;
    this.root = root;
    this.#members = new Map(members.map((member) => [member.name, member]));
    this.#end = end;
  }

  read(uri: string, range?: ByteRange): Promise<Uint8Array> {
    const { start, size } = this.#member(uri);
    const { start: from, end } = range ?? { start: 0, end: size };
    return this.#readAt(start + from, Math.min(end, size) - from);
  }

  async *stream(uri: string): AsyncGenerator<Uint8Array, void, undefined> {
    const { start, size } = this.#member(uri);
    for (let at = 0; at < size; at += CHUNK_BYTES)
      yield await this.#readAt(start + at, Math.min(CHUNK_BYTES, size - at));
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo, void, undefined> {
    for (const member of this.#members.values()) {
      const info = this.#infoOf(member);
      if (info.uri.startsWith(prefix)) yield info;
    }
  }

  put(uri: string, body: Body): Promise<ObjectInfo> {
    const name = this.#nameOf(uri);
    const put = this.#turn.then(() => this.#append(name, body));
    // One that failed leaves room that the next one takes.
    this.#turn = put.catch(() => undefined);
    return put;
  }

  delete(): Promise<void> {
    return Promise.reject(unsupported(this.root, "Nothing is deleted from a pack."));
  }

  /** Writes the end of a tar. */
  async finish(): Promise<void> {
    await this.#turn;
    await this.#writeAt(this.#end, Buffer.alloc(END_BYTES));
    // What a put that failed may have left behind it.
    await this.#handle.truncate(this.#end + END_BYTES);
    await this.#handle.sync();
  }

  async #append(name: string, body: Body): Promise<ObjectInfo> {
    const start = this.#end + BLOCK_BYTES;
    let size = 0;
    const chunks = body instanceof Uint8Array ? [body] : body;
    for await (const chunk of chunks) {
      await this.#writeAt(start + size, chunk);
      size += chunk.length;
    }
    // What the header says is known only now.
    await this.#writeAt(this.#end, encodeHeader(name, size));
    await this.#writeAt(start + size, Buffer.alloc(padded(size) - size));
    const member = { name, start, size };
    this.#members.set(name, member);
    this.#end = start + padded(size);
    return this.#infoOf(member);
  }

  async #writeAt(position: number, bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.#handle
        .write(bytes, written, bytes.length - written, position + written)
        .catch((cause: Error) => {
          throw storageFailed(this.root, `The pack cannot be written: ${cause.message}.`, undefined, cause);
        });
      written += bytesWritten;
    }
  }

  async #readAt(position: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.alloc(Math.max(0, length));
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  }

  #member(uri: string): TarMember {
    const member = this.#members.get(this.#nameOf(uri));
    if (member !== undefined) return member;
    throw objectNotFound(uri, `The pack has no member ${this.#nameOf(uri)}.`);
  }

  #nameOf(uri: string): string {
    return uri.slice(this.root.length + 1);
  }

  #infoOf({ name, start, size }: TarMember): ObjectInfo {
    return { uri: `${this.root}/${name}`, size, etag: String(start), lastModified: new Date(0) };
  }
}
