import { realpathSync } from "node:fs";
import { mkdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { unusable } from "../errors.js";
import { systemCode } from "../failure.js";
import { DirectorySync } from "./directory-sync.js";
import { makeFolders } from "./folders.js";

/** The directories from a store's root down. */
export class Directories {
  readonly #root: string;
  readonly #durable: boolean;
  readonly #sync = new DirectorySync();
  #realRoot: string | undefined;

  constructor(root: string, durable: boolean) {
    this.#root = root;
    this.#durable = durable;
  }

  /** Waits until the names in a directory are on the disk, where the store is durable. */
  async flush(directory: string): Promise<void> {
    if (this.#durable) await this.#sync.run(directory);
  }

  /** Makes a directory and its parents; each new name is on the disk before the next is made below it. */
  async ensure(directory: string, uri: string): Promise<void> {
    try {
      this.check(directory, uri);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error; // ENOTDIR too: an object is in the way
      const parent = path.dirname(directory);
      if (directory === this.#root) {
        makeFolders(directory);
      } else {
        await this.ensure(parent, uri);
        await mkdir(directory).catch((failure: unknown) => {
          if (systemCode(failure) !== "EEXIST") throw failure;
        });
      }
      await this.flush(parent);
    }
  }

  /** Throws ENOENT where the directory does not exist, INVALID_URI where a symbolic link is on the way to it. */
  check(directory: string, uri: string): void {
    this.#realRoot ??= realpathSync.native(this.#root);
    const real = realpathSync.native(directory);
    if (real !== path.join(this.#realRoot, path.relative(this.#root, directory))) {
      throw unusable(uri, "a symbolic link is on its way, and those are not followed");
    }
  }

  /** Removes a directory and its parents as long as they are empty. */
  async removeEmpty(directory: string): Promise<void> {
    for (let at = directory; at !== this.#root; at = path.dirname(at)) {
      try {
        await rmdir(at);
      } catch {
        return; // not empty, or gone already
      }
    }
  }
}

/** Removes a directory if it is empty; false where it is not. */
export async function removedIfEmpty(directory: string): Promise<boolean> {
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    if (code === "ENOENT") return true;
    throw error;
  }
}
