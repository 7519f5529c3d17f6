import { closeSync, fsync, openSync } from "node:fs";
import { promisify } from "node:util";
import { systemCode } from "../failure.js";

const sync = promisify(fsync);

/**
 * Flushes directories, so that the names in them survive a power cut. Callers that come before a flush has begun share it,
 * and those that come while it runs share the next one: each starts after all of their names were made.
 */
export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  run(directory: string): Promise<void> {
    let next = this.#next.get(directory);
    if (next === undefined) {
      // Names that are made in the same turn of the loop come along also where none is under way.
      const before = this.#running.get(directory) ?? thisTurn();
      next = before
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

function thisTurn(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

/** Opening one and closing it wait for no disk: one way to another thread and back, not three. */
async function flushDirectory(directory: string): Promise<void> {
  let fd: number;
  try {
    fd = openSync(directory, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return; // emptied and removed meanwhile: its names are gone as well
    throw error;
  }
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}
