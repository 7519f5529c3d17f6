import { constants } from "node:fs";
import { chmod, copyFile, mkdir, open, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { PositionBitmap } from "../../iceberg/index.js";
import { keyOf } from "../../keys.js";
import { readSummary, withFlagColumn } from "../../parquet/index.js";
import { fileUri, openAnywhere } from "../../storage/index.js";

/** A larger file takes longer to copy than a query that reads a part of it should wait. */
const MAX_FILE_BYTES = 256 * 2 ** 20;
/** What all copies may take on the disk. */
const MAX_BYTES = 2 * 2 ** 30;

/** A copy that is there until it is released. */
export interface MaskedFile {
  readonly path: string;
  release(): void;
}

interface Copy {
  readonly path: Promise<string>;
  readonly bytes: number;
  users: number;
}

/**
 * Copies of Parquet files with one more column, the last, which tells for each row whether it is deleted. DuckDB filters
 * by such a column while it reads; joined with a list of deleted positions, the same read takes three times as long.
 * Copies are shared by all relations that read the same file with the same deletes, and kept until others need their place.
 */
export class MaskedFiles {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** By file and deletes, the latest used last. */
  readonly #copies = new Map<string, Copy>();
  #bytes = 0;
  #count = 0;

  /** @param folder for the copies, made when needed; it is the caller's to remove. */
  constructor(folder: string, maxBytes = MAX_BYTES) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /**
   * The copy of a file, or `undefined` when there is no room for it.
   *
   * @param deletes names the file's deletes for good.
   * @param positions reads them; called when there is no copy yet.
   */
  async hold(
    file: string,
    deletes: string,
    positions: () => Promise<PositionBitmap>,
  ): Promise<MaskedFile | undefined> {
    const { size } = await stat(file);
    const key = keyOf([file, deletes]);
    const copy = this.#copies.get(key) ?? this.#add(key, file, size, positions);
    if (copy === undefined) return undefined;
    copy.users++;
    this.#copies.delete(key);
    this.#copies.set(key, copy);
    const release = () => {
      copy.users--;
    };
    try {
      return { path: await copy.path, release };
    } catch (error) {
      release();
      if (this.#copies.get(key) === copy) this.#remove(key, copy);
      if (isDiskFull(error)) return undefined;
      throw error;
    }
  }

  #add(key: string, file: string, size: number, positions: () => Promise<PositionBitmap>): Copy | undefined {
    if (size > MAX_FILE_BYTES) return undefined;
    for (const [oldest, copy] of this.#copies) {
      if (this.#bytes + size <= this.#maxBytes) break;
      if (copy.users === 0) this.#remove(oldest, copy);
    }
    if (this.#bytes + size > this.#maxBytes) return undefined;
    const target = path.join(this.#folder, `${++this.#count}.parquet`);
    const made = { path: this.#make(file, size, target, positions), bytes: size, users: 0 };
    this.#copies.set(key, made);
    this.#bytes += size;
    return made;
  }

  #remove(key: string, copy: Copy): void {
    this.#copies.delete(key);
    this.#bytes -= copy.bytes;
    copy.path.then((target) => rm(target, { force: true })).catch(() => undefined);
  }

  async #make(
    file: string,
    size: number,
    target: string,
    positions: () => Promise<PositionBitmap>,
  ): Promise<string> {
    await mkdir(this.#folder, { recursive: true });
    const [footer, deleted] = await Promise.all([
      readSummary(openAnywhere(), fileUri(file), size),
      positions(),
      copyFile(file, target, constants.COPYFILE_FICLONE),
    ]);
    await chmod(target, 0o600); // a copy has the modes of its original, which may forbid to write
    const start = size - 8 - footer.metadata.length;
    const bits = deleted.toBits(Number(footer.rowCount));
    const names = footer.schema.children.map(({ name }) => name.toLowerCase());
    let name = "deleted";
    while (names.includes(name)) name += "_";
    await replaceEnd(target, start, withFlagColumn(footer, name, bits, start, file));
    return target;
  }
}

/** Puts `end` in the place of all that a file has from byte `start` on. */
export async function replaceEnd(file: string, start: number, end: Uint8Array): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.truncate(start);
    // A disk that fills up takes a part of a write, and says so only by its length.
    for (let at = 0; at < end.length; ) {
      at += (await handle.write(end, at, end.length - at, start + at)).bytesWritten;
    }
  } finally {
    await handle.close();
  }
}

function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT";
}
