import { type BigIntStats, linkSync, lstatSync, renameSync, utimesSync } from "node:fs";
import { lstat } from "node:fs/promises";
import path from "node:path";
import { notWritten } from "../errors.js";
import { systemCode } from "../failure.js";
import type { ObjectInfo, PutCondition } from "../store.js";
import { canonicalFileUri, OBJECT_NAME } from "../uri.js";
import { type Directories, removedIfEmpty } from "./directories.js";
import { describe, etagOf } from "./info.js";
import type { Layout } from "./layout.js";
import type { StoreLock } from "./lock.js";
import { removeNow, type Scratch, type TempFile } from "./scratch.js";

/** Each try but the first means that a delete came between two system calls of ours. */
export const LINK_TRIES = 100;

/** What publishing works with: the parts of one store. */
export interface StoreParts {
  readonly directories: Directories;
  readonly scratch: Scratch;
  readonly lock: StoreLock;
  readonly layout: Layout;
}

/**
 * Gives finished temporary files the names of their objects, in one step each: link(2) for a new object, rename(2) under
 * the store's lock for a replaced one.
 */
export class Publisher {
  readonly #directories: Directories;
  readonly #scratch: Scratch;
  readonly #lock: StoreLock;
  readonly #layout: Layout;

  constructor({ directories, scratch, lock, layout }: StoreParts) {
    this.#directories = directories;
    this.#scratch = scratch;
    this.#lock = lock;
    this.#layout = layout;
  }

  /** @throws PRECONDITION_FAILED; system errors as they come */
  async publish(
    uri: string,
    temp: TempFile,
    target: string,
    condition: PutCondition | undefined,
  ): Promise<ObjectInfo> {
    let { stats } = temp;
    const ifEtag = condition !== undefined && "ifEtag" in condition ? condition.ifEtag : undefined;
    if (ifEtag !== undefined) this.#directories.check(path.dirname(target), uri);
    if (this.#layout.isMoving(target)) await this.#lock.run(() => this.#layout.endMove(target));
    let file = target;
    for (;;) {
      if (ifEtag === undefined) {
        const linked = await this.#linkNew(temp.path, target, uri);
        if (linked !== undefined) {
          file = linked;
          await this.#settleMove(uri, target, stats, condition);
          break;
        }
        if (condition !== undefined) throw notWritten(uri, "it exists already");
      }
      const replaced = await this.#lock.run(() => {
        const found = this.#layout.find(target);
        const old = found?.stats;
        if (ifEtag !== undefined && (!old?.isFile() || etagOf(old) !== ifEtag)) {
          throw notWritten(uri, "it is no longer what was read");
        }
        if (found === undefined || old === undefined) return false; // deleted since it was in our way: the name is free again
        if (old.mtimeNs >= stats.mtimeNs) {
          const later = Number(old.mtimeNs / 1000n + 2n) / 1e6; // 2 us: a double holds them to 0.25 us
          utimesSync(temp.path, later, later);
          stats = lstatSync(temp.path, { bigint: true });
        }
        file = found.file;
        renameSync(temp.path, file);
        return true;
      });
      if (replaced) break;
    }
    await this.#directories.flush(path.dirname(file));
    return describe(canonicalFileUri(uri), stats);
  }

  /** Names the file where the name is free, and returns the name; undefined where an object has it. */
  async #linkNew(temp: string, target: string, uri: string): Promise<string | undefined> {
    let file = target;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#directories.ensure(path.dirname(target), uri);
        linkSync(temp, file);
        return file;
      } catch (error) {
        const code = systemCode(error);
        if (attempt === LINK_TRIES) throw error;
        if (code === "ENOTDIR") await this.#makeWay(target);
        else if (code === "EEXIST" && file === target) {
          const there = await lstat(target).catch(() => undefined);
          if (there !== undefined && !there.isDirectory()) return undefined;
          // An empty directory is nothing; one with objects is where this one lies as well.
          if (there !== undefined && !(await removedIfEmpty(target))) file = path.join(target, OBJECT_NAME);
        } else if (code === "EEXIST") return undefined;
        // Deletes remove empty directories: one that was there a moment ago may be gone.
        else if (code === "ENOENT") file = target;
        else throw error;
      }
    }
  }

  /**
   * A name that was free may have been that of an object on its way to its other place. If so it was replaced, and where
   * that was not wanted, it comes back.
   */
  async #settleMove(
    uri: string,
    target: string,
    { ino }: BigIntStats,
    condition: PutCondition | undefined,
  ): Promise<void> {
    if (!this.#layout.isMoving(target)) return;
    await this.#lock.run(() => {
      const isMine = lstatSync(target, { bigint: true, throwIfNoEntry: false })?.ino === ino;
      if (condition !== undefined && isMine && this.#layout.isMoving(target)) {
        removeNow(target);
        this.#layout.endMove(target);
        throw notWritten(uri, "it exists already");
      }
      this.#layout.endMove(target);
    });
  }

  /** Moves objects out of the way whose keys are directories of this one's. */
  async #makeWay(target: string): Promise<void> {
    await this.#scratch.prepare();
    const changed = await this.#lock.run(() => this.#layout.makeWay(target));
    for (const directory of changed) await this.#directories.flush(directory);
  }
}
