import { open } from "node:fs/promises";

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
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
