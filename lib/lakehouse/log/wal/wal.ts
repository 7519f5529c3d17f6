import { randomBytes } from "node:crypto";
import { closed } from "../../errors.js";
import { readHeader } from "../records/header.js";
import type { Disk, DiskFile } from "./disk.js";
import { encodeFileHeader, encodeGroup, FILE_HEADER_BYTES, type WalEntry } from "./layout.js";
import { fileName, replay } from "./replay.js";

const FILE_BYTES = 64 * 1024 * 1024;
/** Of batches in one flush: what more is waiting goes with the next. */
const GROUP_BYTES = 16 * 1024 * 1024;
/**
 * As many flushes are under way at most: who appends while one runs need not wait for its end to begin. A disk does
 * several in little more time than one, and what waits longer is flushed in fewer and larger groups.
 */
const MOST_FLUSHES = 3;

interface Waiting {
  readonly entry: WalEntry;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export interface WalOptions {
  /** Called when a flush has failed: all entries whose `append` has not resolved are refused. */
  readonly onRefused: (error: unknown) => void;
  /** A file ends when it is as large. */
  readonly fileBytes?: number | undefined;
}

/** A group on its way to the disk. */
interface Flush {
  readonly group: readonly Waiting[];
  readonly file: WalFile;
  /** Where it ends in its file. */
  readonly end: number;
  readonly written: Promise<void>;
  outcome?: "done" | { readonly error: unknown };
}

interface WalFile {
  readonly name: string;
  /** Up to which offset each partition has to be in the object store before the file can go. */
  readonly needed: Map<string, bigint>;
}

/**
 * The write-ahead log of one process: what is appended is on this machine's disk when `append` resolves. All that waits
 * goes with the next flush (group commit), and a few are under way at once: each to its own place in the file, and done
 * when all before it are, so that what is acknowledged has no hole. Files go when all of their records are in the object
 * store.
 *
 * After a failure all that waits is refused, and the next append begins a new file, which says how much of the one
 * before counts: so a disk that was full for a while costs nothing but what was refused.
 */
export class Wal {
  readonly #disk: Disk;
  readonly #fileBytes: number;
  /** The oldest first. */
  readonly #files: WalFile[] = [];
  readonly #stored = new Map<string, bigint>();
  /** `end`: where the next group goes. */
  #current:
    | { readonly handle: DiskFile; readonly file: WalFile; readonly salt: number; end: number }
    | undefined;
  #nextNumber = 0;
  /** How much counts of the last file: all that is on the disk, without a hole. */
  #previousEnd = 0;
  #waiting: Waiting[] = [];
  /** The oldest first. */
  #flushes: Flush[] = [];
  /** Ends when nothing waits, and nothing is under way. */
  #running: Promise<void> | undefined;
  #wake = () => {};
  /** Files are removed one after the other, the oldest first: a gap between them would be damage. */
  #removing: Promise<void> = Promise.resolve();
  /** A file that could not be begun. */
  #leftover: string | undefined;
  #isClosed = false;

  readonly #onRefused: (error: unknown) => void;

  private constructor(disk: Disk, { onRefused, fileBytes = FILE_BYTES }: WalOptions) {
    this.#disk = disk;
    this.#onRefused = onRefused;
    this.#fileBytes = fileBytes;
  }

  /**
   * Opens the log in a folder.
   *
   * @returns also what it holds: the caller appends it to the partitions again, and never to the log.
   * @throws LakehouseError CORRUPT_WAL, STORAGE_FAILED
   */
  static async open(
    disk: Disk,
    options: WalOptions,
  ): Promise<{ readonly wal: Wal; readonly entries: readonly WalEntry[] }> {
    const { files, empty } = await replay(disk);
    if (empty !== undefined) await disk.remove(empty);
    const wal = new Wal(disk, options);
    for (const { name, entries } of files) {
      const file: WalFile = { name, needed: new Map() };
      for (const entry of entries) need(file, entry);
      wal.#files.push(file);
    }
    const last = files.at(-1);
    wal.#nextNumber = last === undefined ? 0 : last.number + 1;
    wal.#previousEnd = last?.end ?? 0;
    return { wal, entries: files.flatMap(({ entries }) => entries) };
  }

  /**
   * @throws LakehouseError STORAGE_FAILED where the disk fails or is full: for the entry, and for all that was appended
   *   after it. Their offsets are given again. Only where the process ends before anything else is written may they be
   *   there when the log is opened.
   */
  append(entry: WalEntry): Promise<void> {
    if (this.#isClosed) return Promise.reject(closed("log"));
    return new Promise((done, failed) => {
      this.#waiting.push({ entry, done, failed });
      if (this.#running === undefined) this.#running = this.#run();
      else this.#wake();
    });
  }

  /** A partition is in the object store up to this offset: files that hold no more than that go. */
  async stored(partition: string, next: bigint): Promise<void> {
    this.#stored.set(partition, next);
    const removing = this.#removing.then(() => this.#removeOld());
    this.#removing = removing.catch(() => undefined);
    return removing;
  }

  /** What was appended to a partition until now is needed no more: another leads it, or will. */
  async forget(partition: string): Promise<void> {
    for (const { needed } of this.#files) needed.delete(partition);
    this.#stored.delete(partition);
    const removing = this.#removing.then(() => this.#removeOld());
    this.#removing = removing.catch(() => undefined);
    return removing;
  }

  async #removeOld(): Promise<void> {
    for (
      let file = this.#files[0];
      file !== undefined && file !== this.#current?.file;
      file = this.#files[0]
    ) {
      for (const [key, needed] of file.needed) if ((this.#stored.get(key) ?? -1n) < needed) return;
      await this.#disk.remove(file.name);
      this.#files.shift();
    }
  }

  /** Resolves when nothing waits for the disk. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Ends what runs. Where all is in the object store, no file is left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    const current = this.#current;
    this.#current = undefined;
    await current?.handle.close();
    if (this.#leftover !== undefined) await this.#disk.remove(this.#leftover);
    await this.#removing.then(() => this.#removeOld());
  }

  async #run(): Promise<void> {
    // What is appended in this turn goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0 || this.#flushes.length > 0) {
      try {
        if (this.#waiting.length > 0 && this.#flushes.length < MOST_FLUSHES) await this.#flushNext();
        else await this.#news();
        this.#acknowledge();
      } catch (error) {
        await this.#refuse(error);
      }
    }
    this.#running = undefined;
  }

  /** Sends the next group on its way. */
  async #flushNext(): Promise<void> {
    if (this.#current !== undefined && this.#current.end >= this.#fileBytes) {
      // The next file says how much of this one counts, which is known when all is there.
      if (this.#flushes.length > 0) return this.#news();
      await this.#abandon();
    }
    this.#current ??= await this.#begin();
    const current = this.#current;
    const group = this.#nextGroup();
    const chunks = encodeGroup(
      group.map(({ entry }) => entry),
      this.#previousEnd,
      current.salt,
    );
    const at = current.end;
    current.end += chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const written = current.handle.write(chunks, at).then(() => current.handle.sync());
    const flush: Flush = { group, file: current.file, end: current.end, written };
    this.#flushes.push(flush);
    written.then(
      () => {
        flush.outcome = "done";
        this.#wake();
      },
      (error: unknown) => {
        flush.outcome = { error };
        this.#wake();
      },
    );
  }

  /** Resolves when a flush is over, or more waits. */
  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Of what is on the disk, the oldest first: up to the first that is not. @throws what one of them failed of. */
  #acknowledge(): void {
    for (let [first] = this.#flushes; first?.outcome !== undefined; [first] = this.#flushes) {
      if (first.outcome !== "done") throw first.outcome.error;
      this.#flushes.shift();
      this.#previousEnd = first.end;
      for (const { entry } of first.group) need(first.file, entry);
      for (const { done } of first.group) done();
    }
  }

  async #refuse(error: unknown): Promise<void> {
    // First who was just acknowledged hears of it: what is refused begins behind that.
    await Promise.resolve();
    // In one turn: what is appended from here on stands behind what is on the disk, not behind what is refused.
    const refused = [...this.#flushes.flatMap(({ group }) => group), ...this.#waiting];
    const written = this.#flushes.map((flush) => flush.written);
    this.#flushes = [];
    this.#waiting = [];
    this.#onRefused(error);
    for (const { failed } of refused) failed(error);
    await Promise.allSettled(written);
    await this.#abandon();
  }

  #nextGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < GROUP_BYTES)) {
      bytes += (this.#waiting[count] as Waiting).entry.batch.length;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #begin() {
    if (this.#leftover !== undefined) await this.#disk.remove(this.#leftover);
    const number = this.#nextNumber;
    const salt = randomBytes(4).readUInt32BE();
    const file: WalFile = { name: fileName(number), needed: new Map() };
    this.#leftover = file.name;
    const handle = await this.#disk.create(file.name);
    try {
      await handle.write([encodeFileHeader({ number, previousEnd: this.#previousEnd, salt })], 0);
      await handle.sync();
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
    this.#leftover = undefined;
    this.#nextNumber = number + 1;
    this.#previousEnd = FILE_HEADER_BYTES;
    this.#files.push(file);
    return { handle, file, salt, end: FILE_HEADER_BYTES };
  }

  /** Goes on with a new file at the next flush. */
  async #abandon(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    await current?.handle.close().catch(() => undefined);
  }
}

/** The name under which the log is told what is stored. */
export function partitionKey(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}

function need({ needed }: WalFile, { topicId, partition, batch }: WalEntry): void {
  const { baseOffset, lastOffsetDelta } = readHeader(batch, 0, "write-ahead log");
  needed.set(partitionKey(topicId, partition), baseOffset + BigInt(lastOffsetDelta) + 1n);
}
