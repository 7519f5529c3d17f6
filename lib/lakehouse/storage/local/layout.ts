import { createHash } from "node:crypto";
import { type BigIntStats, linkSync, lstatSync, mkdirSync, rmSync, unlinkSync } from "node:fs";
import path from "node:path";
import { isMissing, systemCode } from "../failure.js";
import { MARKER_NAME, OBJECT_NAME } from "../uri.js";

/** A file that holds an object, or whatever else has its name. */
export interface Place {
  readonly file: string;
  readonly stats: BigIntStats;
}

/**
 * Where on the disk an object lies. Its file has the key for its path: so any program that reads files finds it. A disk
 * holds less than S3 does, and there, and only there, the file is another one:
 *
 * - `a`, where `a/b` is an object as well: `a` is a directory, and the object is `.slh-object` in it.
 * - `a/`, with which some file system layers mark a directory: `.slh-marker` in it.
 *
 * An object moves from the first to the second place when another one is put below it, and stays there. A name cannot be
 * a file and a directory at a time, so an object is never in both. While it moves, it can also be found aside, in the
 * store's own directory: so a reader always finds it, and what a killed process began, the next one ends.
 */
export class Layout {
  readonly #root: string;
  readonly #aside: string;

  /** @param own the store's own directory. */
  constructor(root: string, own: string) {
    this.#root = root;
    this.#aside = path.join(own, "aside");
  }

  /** The file of a key, as far as the key alone tells. */
  target(key: string): string {
    return key.endsWith("/") ? path.join(this.#root, key, MARKER_NAME) : path.join(this.#root, key);
  }

  /** What is under a target's name now: its file, or something that is none (a link); undefined where there is nothing. */
  find(target: string): Place | undefined {
    return this.#findInPlace(target) ?? this.#findAside(target) ?? this.#findInPlace(target);
  }

  #findInPlace(target: string): Place | undefined {
    const found = look(target);
    return found?.stats.isDirectory() ? look(path.join(target, OBJECT_NAME)) : found;
  }

  /** Most stores have no folder of what is aside: then there is no name to be hashed. It comes before its files, and stays. */
  #findAside(target: string): Place | undefined {
    return look(this.#aside) && look(this.#asideOf(target));
  }

  /**
   * Makes directories of the objects that are in the way of `target`, which move into them. Under the store's lock.
   *
   * @returns the directories in which names were made.
   */
  makeWay(target: string): string[] {
    for (let at = path.dirname(target); at !== this.#root && at !== path.dirname(at); at = path.dirname(at)) {
      if (!look(at)?.stats.isFile()) continue;
      const aside = this.#asideOf(at);
      mkdirSync(this.#aside, { recursive: true });
      rmSync(aside, { force: true }); // of an older object: the one in its place is the newer
      linkSync(at, aside);
      unlinkSync(at);
      this.endMove(at);
      return [path.dirname(at), at];
    }
    return [];
  }

  /** True where a move to the second place was begun and not ended. */
  isMoving(target: string): boolean {
    return this.#findAside(target) !== undefined;
  }

  /** Ends such a move. Under the store's lock. */
  endMove(target: string): void {
    const aside = this.#findAside(target)?.file;
    if (aside === undefined) return;
    if (!look(target)?.stats.isFile()) {
      try {
        mkdirSync(target, { recursive: true });
      } catch (error) {
        // An object was put under the name while it was free: who put it will see what is aside, and settle it.
        if (systemCode(error) === "EEXIST" || systemCode(error) === "ENOTDIR") return;
        throw error;
      }
      try {
        linkSync(aside, path.join(target, OBJECT_NAME));
      } catch (error) {
        if (systemCode(error) !== "EEXIST") throw error; // it was linked, and then the process was killed
      }
    }
    rmSync(aside, { force: true });
  }

  #asideOf(target: string): string {
    const key = path.relative(this.#root, target);
    return path.join(this.#aside, createHash("sha256").update(key).digest("hex"));
  }
}

function look(file: string): Place | undefined {
  try {
    const stats = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    return stats && { file, stats };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
