import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Text that is held in memory before it goes to a file, in characters. */
const MEMORY = 4 * 2 ** 20;

/**
 * Holds text back until all of it is there: what comes out is whole, or nothing. Beyond a few megabytes it waits in a
 * temporary file, which has no name any more by the time it is written, so that it never outlives the process.
 */
export class Spool {
  #held: string[] = [];
  #size = 0;
  #file: FileHandle | undefined;

  async write(text: string): Promise<void> {
    this.#held.push(text);
    this.#size += text.length;
    if (this.#size >= MEMORY) await this.#spill();
  }

  async #spill(): Promise<void> {
    this.#file ??= await openNameless();
    await this.#file.appendFile(this.#held.join(""));
    this.#held = [];
    this.#size = 0;
  }

  /** Hands everything on. */
  async emit(to: Writable): Promise<void> {
    const file = this.#file;
    const rest = this.#held;
    async function* all(): AsyncGenerator<string | Buffer> {
      if (file) yield* file.createReadStream({ start: 0, autoClose: false, highWaterMark: 2 ** 18 });
      yield* rest;
    }
    await pipeline(all, to, { end: false });
    await this.close();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    this.#held = [];
  }
}

async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "slh-"));
  try {
    return await open(join(folder, "rows"), "wx+");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
