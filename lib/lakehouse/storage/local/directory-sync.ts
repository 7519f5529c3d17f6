import { type FileHandle, open } from "node:fs/promises";
import { systemCode } from "../failure.js";

/**
 * Flushes directories, so that the names in them survive a power cut. Callers that come while a flush of the
 * same directory runs share the next one: it starts after all of their names were made.
 */
export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  async run(directory: string): Promise<void> {
    const running = this.#running.get(directory);
    if (running === undefined) return this.#start(directory);
    let next = this.#next.get(directory);
    if (next === undefined) {
      next = running
        .catch(() => undefined)
        .then(() => {
          this.#next.delete(directory);
          return this.#start(directory);
        });
      this.#next.set(directory, next);
    }
    return next;
  }

  #start(directory: string): Promise<void> {
    const flush = flushDirectory(directory).finally(() => {
      if (this.#running.get(directory) === flush) this.#running.delete(directory);
    });
    this.#running.set(directory, flush);
    return flush;
  }
}

async function flushDirectory(directory: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(directory, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return; // emptied and removed meanwhile: its names are gone as well
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
