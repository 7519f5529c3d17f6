import { createHash, randomUUID } from "node:crypto";
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  fsync,
  futimesSync,
  openSync,
  readlinkSync,
  type Stats,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import { lstat, mkdir, readdir, unlink } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { watched } from "../body.js";
import { systemCode } from "../failure.js";
import type { Body } from "../store.js";

/** A temporary file that nobody has touched for this long is left over, whoever owned it. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/** Bodies up to here are written by calls that do not leave the thread: 10 us each, where the way to another costs more. */
const SMALL_BYTES = 1024 * 1024;

/**
 * As many writes of large bodies, and flushes of them, are under way at most. Node has four threads for what waits for a disk, for all of the
 * process: where the disk is slow, a few large objects would hold up whoever needs one for a moment, as a log does that
 * acknowledges records.
 */
const MOST_ASIDE = 2;

/** A large body is written in pieces, so that none has a thread for long. */
const PIECE_BYTES = 4 * 1024 * 1024;

const flush = promisify(fsync);
const writeAside = promisify(write);

/** A complete temporary file, on disk, that waits to be given its name. */
export interface TempFile {
  readonly path: string;
  readonly stats: BigIntStats;
}

/**
 * Where processes on this machine can see each other's ids: the host and its process namespace (containers
 * that share a directory see other ids).
 */
function processRealm(): string {
  realm ??= findRealm();
  return realm;
}

let realm: string | undefined;

function findRealm(): string {
  let namespace = "";
  try {
    namespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: the host name has to do.
  }
  return createHash("sha256").update(`${os.hostname()} ${namespace}`).digest("hex").slice(0, 12);
}

/**
 * The directory of unfinished writes: `<realm>.<pid>.<uuid>`. It lies below the store's root, so that a finished
 * file can be linked into place, under a name that no key can have, so that it is never listed.
 */
export class Scratch {
  readonly directory: string;
  #ready: Promise<void> | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Makes the directory and, once per process, removes what dead processes left in it. */
  async prepare(): Promise<void> {
    this.#ready ??= this.#prepare();
    try {
      await this.#ready;
    } catch (error) {
      this.#ready = undefined;
      throw error;
    }
  }

  /** A fresh path in the scratch directory. */
  name(): string {
    return path.join(this.directory, `${ownerPrefix()}.${randomUUID()}`);
  }

  /** Writes a body to a fresh file, and to the disk where `durable`. On failure nothing is left. */
  async write(body: Body, durable: boolean): Promise<TempFile> {
    const file = this.name();
    const fd = await this.#create(file);
    try {
      try {
        if (!(body instanceof Uint8Array)) for await (const chunk of watched(body)) await writeAll(fd, chunk);
        else await writeAll(fd, body);
        const now = preciseNow();
        futimesSync(fd, now, now);
        const isSmall = body instanceof Uint8Array && body.byteLength <= SMALL_BYTES;
        if (durable) await (isSmall ? flush(fd) : aside(() => flush(fd)));
        return { path: file, stats: fstatSync(fd, { bigint: true }) };
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      removeNow(file);
      throw error;
    }
  }

  async #create(file: string): Promise<number> {
    await this.prepare();
    try {
      return openSync(file, "wx");
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
      this.#ready = undefined; // the store was deleted under us
      await this.prepare();
      return openSync(file, "wx");
    }
  }

  async #prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    for (const name of await readdir(this.directory)) {
      const file = path.join(this.directory, name);
      if (await isLeftOver(name, lstat(file))) await remove(file);
    }
  }
}

/** Begins the names of what belongs to this process: `<realm>.<pid>`. */
export function ownerPrefix(): string {
  return `${processRealm()}.${process.pid}`;
}

/** True for a name that begins so, whose process is dead; or that nobody has touched for a day. */
export async function isLeftOver(name: string, stats: Promise<Stats>): Promise<boolean> {
  const { mtimeMs } = await stats.catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  const [where, pid] = name.split(".");
  if (where === processRealm() && /^\d+$/.test(pid ?? "") && !isAlive(Number(pid))) return true;
  return Date.now() - mtimeMs > ABANDONED_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  const small = bytes.byteLength <= SMALL_BYTES;
  for (let at = 0; at < bytes.byteLength; ) {
    const rest = bytes.byteLength - at;
    at += small
      ? writeSync(fd, bytes, at, rest)
      : (await aside(() => writeAside(fd, bytes, at, Math.min(rest, PIECE_BYTES)))).bytesWritten;
  }
}

let underWay = 0;
const waiting: (() => void)[] = [];

/** Does it when its turn comes. */
async function aside<T>(work: () => Promise<T>): Promise<T> {
  if (underWay < MOST_ASIDE) underWay++;
  else await new Promise<void>((go) => waiting.push(go));
  try {
    return await work();
  } finally {
    // Whoever waits goes on in this one's place.
    const next = waiting.shift();
    if (next === undefined) underWay--;
    else next();
  }
}

/** Removes a name of a file that has another, or is small, without leaving the thread. Failure is no matter, as below. */
export function removeNow(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // Gone already, or cleaned as left over.
  }
}

/** Removes a file if it is there. Failure is no matter: what stays is cleaned as left over. */
export async function remove(file: string): Promise<void> {
  await unlink(file).catch(() => undefined);
}

let lastStamp = 0;

/**
 * Seconds since 1970, to the microsecond, never twice the same in one process. The kernel stamps files with
 * its tick (4 ms), in which an inode can be freed and used again; a finer time keeps such files' etags apart.
 */
function preciseNow(): number {
  const now = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  lastStamp = Math.max(now, lastStamp + 1);
  return lastStamp / 1e6;
}
