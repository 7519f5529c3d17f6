import type { Clock } from "../../../lib/lakehouse/log/partition/clock.js";
import type { Disk, DiskFile } from "../../../lib/lakehouse/log/wal/disk.js";
import type {
  ByteRange,
  ObjectInfo,
  ObjectStore,
  PutCondition,
} from "../../../lib/lakehouse/storage/index.js";
import { objectNotFound, preconditionFailed, storageFailed } from "../../../lib/lakehouse/storage/index.js";

/** Numbers that follow from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Pending {
  readonly due: number;
  readonly run: () => void;
}

interface SimulatedFile {
  durable: Buffer;
  unsynced: { readonly bytes: Buffer; readonly position: number }[];
}

/**
 * A machine, a disk, an object store and a clock in which everything happens in an order that a seed decides, and any
 * request may fail: before it did anything, or after. Nothing happens but by `step`.
 */
export class World {
  readonly random: () => number;
  /** How likely a request fails. */
  failing = 0;
  now = 1_000;
  readonly objects = new Map<string, Buffer>();
  /** When each object was put: the store's own clock, and its tag. */
  readonly #puts = new Map<string, { readonly at: number; readonly number: number }>();
  #count = 0;
  readonly files = new Map<string, SimulatedFile>();
  #pending: Pending[] = [];
  #life = 0;

  constructor(seed: number) {
    this.random = random(seed);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  /** Lets one thing happen that is due, or time pass until one is; false where nothing is left to happen. */
  async step(): Promise<boolean> {
    await settled();
    if (this.#pending.length === 0) return false;
    const due = this.#pending.filter((one) => one.due <= this.now);
    if (due.length === 0) {
      this.now = Math.min(...this.#pending.map((one) => one.due));
      return true;
    }
    const chosen = due[this.below(due.length)] as Pending;
    this.#pending.splice(this.#pending.indexOf(chosen), 1);
    chosen.run();
    await settled();
    return true;
  }

  /** The process dies: what it waits for never comes; requests on their way arrive or do not; writes are torn. */
  crash(): void {
    this.#life++;
    const pending = this.#pending;
    this.#pending = [];
    for (const { run } of pending) if (this.chance(0.5)) run();
    for (const file of this.files.values()) {
      for (const { bytes, position } of file.unsynced) {
        const kept = bytes.subarray(0, this.below(bytes.length + 1));
        // Pages reach the disk in any order: a later write may be there, and an earlier one not.
        if (this.chance(0.6)) write(file, this.chance(0.5) ? bytes : kept, position);
      }
      file.unsynced = [];
    }
  }

  readonly clock: Clock = {
    now: () => this.now,
    after: (ms, work) => {
      const life = this.#life;
      const timer: Pending = { due: this.now + ms, run: () => life === this.#life && work() };
      this.#pending.push(timer);
      return () => {
        this.#pending = this.#pending.filter((one) => one !== timer);
      };
    },
    hold: () => () => undefined,
  };

  /** A request: it takes some time, does its work, and its answer may be lost with the process or by a failure. */
  request<T>(what: string, work: () => T): Promise<T> {
    const life = this.#life;
    return new Promise((resolve, reject) => {
      const run = () => {
        const fails = this.chance(this.failing);
        if (fails && this.chance(0.5)) return answer(() => reject(failure(what)));
        try {
          const result = work();
          answer(() => (fails ? reject(failure(what)) : resolve(result)));
        } catch (error) {
          answer(() => reject(error));
        }
      };
      const answer = (give: () => void) => {
        if (life === this.#life) give();
      };
      this.#pending.push({ due: this.now + this.below(20), run });
    });
  }

  readonly store: ObjectStore = {
    root: "s3://simulated/lake",
    read: (uri: string, range?: ByteRange) =>
      this.request(`read ${uri}`, () => {
        const object = this.objects.get(uri);
        if (object === undefined) throw objectNotFound(uri, "There is no object.");
        return range === undefined ? object : object.subarray(range.start, range.end);
      }),
    put: (uri: string, body, condition?: PutCondition) =>
      this.request(`put ${uri}`, () => {
        const there = this.objects.get(uri);
        if (condition !== undefined && "ifAbsent" in condition && there !== undefined)
          throw preconditionFailed(uri, "It is there.");
        if (condition !== undefined && "ifEtag" in condition && this.#info(uri)?.etag !== condition.ifEtag)
          throw preconditionFailed(uri, "It has changed.");
        this.objects.set(uri, Buffer.from(body as Uint8Array));
        this.#puts.set(uri, { at: this.now, number: this.#count++ });
        return this.#info(uri) as ObjectInfo;
      }),
    head: (uri: string) => this.request(`head ${uri}`, () => this.#info(uri)),
    delete: (uris: readonly string[]) =>
      this.request("delete", () => {
        for (const uri of uris) this.objects.delete(uri);
      }),
    list: (prefix: string) => this.#list(prefix),
    stream: () => {
      throw new Error("not used by the log");
    },
    localPath: () => undefined,
  };

  /** In any order, and without the newest now and then. */
  async *#list(prefix: string): AsyncIterable<ObjectInfo> {
    const uris = [...this.objects.keys()].filter((uri) => uri.startsWith(prefix));
    for (const uri of uris.sort(() => this.random() - 0.5)) yield this.#info(uri) as ObjectInfo;
  }

  #info(uri: string): ObjectInfo | undefined {
    const object = this.objects.get(uri);
    if (object === undefined) return undefined;
    const { at, number } = this.#puts.get(uri) ?? { at: 0, number: -1 };
    return { uri, size: object.length, etag: String(number), lastModified: new Date(at) };
  }

  readonly disk: Disk = {
    place: "simulated",
    list: () => this.request("list", () => [...this.files.keys()]),
    read: (name) => this.request(`read ${name}`, () => content(this.#file(name))),
    remove: (name) => this.request(`remove ${name}`, () => void this.files.delete(name)),
    create: (name) =>
      this.request(`create ${name}`, () => {
        if (this.files.has(name)) throw failure(`create ${name}: there is one`);
        const file: SimulatedFile = { durable: Buffer.alloc(0), unsynced: [] };
        this.files.set(name, file);
        return this.#handle(name, file);
      }),
  };

  #file(name: string): SimulatedFile {
    const file = this.files.get(name);
    if (file === undefined) throw failure(`${name} is not there`);
    return file;
  }

  #handle(name: string, file: SimulatedFile): DiskFile {
    return {
      write: (chunks, position) =>
        this.request(
          `write ${name}`,
          () => void file.unsynced.push({ bytes: Buffer.concat(chunks), position }),
        ),
      sync: () =>
        this.request(`sync ${name}`, () => {
          for (const { bytes, position } of file.unsynced) write(file, bytes, position);
          file.unsynced = [];
        }),
      close: () => this.request(`close ${name}`, () => undefined),
    };
  }
}

function write(file: SimulatedFile, bytes: Buffer, position: number): void {
  const grown = Buffer.alloc(Math.max(file.durable.length, position + bytes.length));
  grown.set(file.durable);
  grown.set(bytes, position);
  file.durable = grown;
}

/** What a process sees: all that was written, on the disk or not. */
function content(file: SimulatedFile): Buffer {
  const seen: SimulatedFile = { durable: file.durable, unsynced: [] };
  for (const { bytes, position } of file.unsynced) write(seen, bytes, position);
  return seen.durable;
}

function failure(what: string) {
  return storageFailed(what, `Simulated: ${what} failed.`);
}

/** Until all that follows without waiting has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
