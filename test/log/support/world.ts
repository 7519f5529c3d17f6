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
  readonly machine: Machine;
  readonly due: number;
  readonly run: () => void;
}

interface SimulatedFile {
  durable: Buffer;
  unsynced: { readonly bytes: Buffer; readonly position: number }[];
}

/**
 * Machines, their disks, an object store and a clock in which everything happens in an order that a seed decides, and any
 * request may fail: before it did anything, or after; a put or a delete may do it later still. Nothing happens but by `step`.
 */
export class World {
  readonly random: () => number;
  /** How likely a request fails. */
  failing = 0;
  now = 1_000;
  readonly objects = new Map<string, Buffer>();
  /** The one that most tests have. */
  readonly machine: Machine;
  /** Where what was sent is, and goes on whatever becomes of who sent it. */
  readonly network: Machine;
  /** Puts and deletes that were answered by a failure, and did their work afterwards. */
  late = 0;
  /** When each object was put: the store's own clock, and its tag. */
  readonly #puts = new Map<string, { readonly at: number; readonly number: number }>();
  #count = 0;
  #pending: Pending[] = [];

  constructor(seed: number) {
    this.random = random(seed);
    this.machine = new Machine(this);
    this.network = new Machine(this);
  }

  get store(): ObjectStore {
    return this.machine.store;
  }

  get clock(): Clock {
    return this.machine.clock;
  }

  get disk(): Disk {
    return this.machine.disk;
  }

  get files(): Map<string, SimulatedFile> {
    return this.machine.files;
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
    const awake = this.#pending.filter(({ machine }) => !machine.isPaused);
    if (awake.length === 0) return false;
    const due = awake.filter((one) => one.due <= this.now);
    if (due.length === 0) {
      this.now = Math.min(...awake.map((one) => one.due));
      return true;
    }
    const chosen = due[this.below(due.length)] as Pending;
    this.#pending.splice(this.#pending.indexOf(chosen), 1);
    chosen.run();
    await settled();
    return true;
  }

  add(pending: Pending): void {
    this.#pending.push(pending);
  }

  remove(pending: Pending): void {
    this.#pending = this.#pending.filter((one) => one !== pending);
  }

  /** What a machine waits for, which it does no longer. */
  take(machine: Machine): Pending[] {
    const taken = this.#pending.filter((one) => one.machine === machine);
    this.#pending = this.#pending.filter((one) => one.machine !== machine);
    return taken;
  }

  /** The process dies: what it waits for never comes; requests on their way arrive or do not; writes are torn. */
  crash(): void {
    this.machine.crash();
  }

  put(uri: string, body: Uint8Array, condition: PutCondition | undefined): ObjectInfo {
    const there = this.info(uri);
    if (condition !== undefined && "ifAbsent" in condition && there !== undefined)
      throw preconditionFailed(uri, "It is there.");
    if (condition !== undefined && "ifEtag" in condition && there?.etag !== condition.ifEtag)
      throw preconditionFailed(uri, "It has changed.");
    this.objects.set(uri, Buffer.from(body));
    this.#puts.set(uri, { at: this.now, number: this.#count++ });
    return this.info(uri) as ObjectInfo;
  }

  info(uri: string): ObjectInfo | undefined {
    const object = this.objects.get(uri);
    if (object === undefined) return undefined;
    const { at, number } = this.#puts.get(uri) ?? { at: 0, number: -1 };
    return { uri, size: object.length, etag: String(number), lastModified: new Date(at) };
  }
}

/** A machine with its process and its disk. */
export class Machine {
  readonly #world: World;
  readonly files = new Map<string, SimulatedFile>();
  /** Nothing happens to it, and what it has sent is on its way for as long. */
  isPaused = false;
  #life = 0;

  constructor(world: World) {
    this.#world = world;
  }

  crash(): void {
    this.#life++;
    const world = this.#world;
    for (const { run } of world.take(this)) if (world.chance(0.5)) run();
    for (const file of this.files.values()) {
      for (const { bytes, position } of file.unsynced) {
        const kept = bytes.subarray(0, world.below(bytes.length + 1));
        // Pages reach the disk in any order: a later write may be there, and an earlier one not.
        if (world.chance(0.6)) write(file, world.chance(0.5) ? bytes : kept, position);
      }
      file.unsynced = [];
    }
  }

  readonly clock: Clock = {
    now: () => this.#world.now,
    after: (ms, work) => {
      const life = this.#life;
      const run = () => life === this.#life && work();
      const timer: Pending = { machine: this, due: this.#world.now + ms, run };
      this.#world.add(timer);
      return () => this.#world.remove(timer);
    },
    hold: () => () => undefined,
  };

  /**
   * A request: it takes some time, does its work, and its answer may be lost with the process or by a failure.
   *
   * @param mayBeLate it may do its work after it has failed.
   */
  request<T>(what: string, work: () => T, mayBeLate = false): Promise<T> {
    const world = this.#world;
    const life = this.#life;
    return new Promise((resolve, reject) => {
      const run = () => {
        const fails = world.chance(world.failing);
        if (fails && world.chance(0.5)) {
          if (mayBeLate && world.chance(0.5)) this.#later(work);
          return answer(() => reject(failure(what)));
        }
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
      world.add({ machine: this, due: world.now + world.below(20), run });
    });
  }

  readonly store: ObjectStore = {
    root: "s3://simulated/lake",
    read: (uri: string, range?: ByteRange) =>
      this.request(`read ${uri}`, () => {
        const object = this.#world.objects.get(uri);
        if (object === undefined) throw objectNotFound(uri, "There is no object.");
        return range === undefined ? object : object.subarray(range.start, range.end);
      }),
    put: async (uri: string, body, condition?: PutCondition) => {
      const whole = body instanceof Uint8Array ? body : await collect(body);
      return this.request(`put ${uri}`, () => this.#world.put(uri, whole, condition), true);
    },
    head: (uri: string) => this.request(`head ${uri}`, () => this.#world.info(uri)),
    delete: (uris: readonly string[]) =>
      this.request(
        "delete",
        () => {
          for (const uri of uris) this.#world.objects.delete(uri);
        },
        true,
      ),
    list: (prefix: string) => this.#list(prefix),
    stream: () => {
      throw new Error("not used by the log");
    },
    localPath: () => undefined,
  };

  /** Nobody hears of its outcome. */
  #later(work: () => unknown): void {
    const world = this.#world;
    const run = () => {
      try {
        work();
        world.late++;
      } catch (error) {
        if (!preconditionFailed.is(error)) throw error;
      }
    };
    world.add({
      machine: world.network,
      due: world.now + world.below(world.chance(0.5) ? 100 : 10_000),
      run,
    });
  }

  /** In any order. */
  async *#list(prefix: string): AsyncIterable<ObjectInfo> {
    const uris = [...this.#world.objects.keys()].filter((uri) => uri.startsWith(prefix));
    for (const uri of uris.sort(() => this.#world.random() - 0.5)) yield this.#world.info(uri) as ObjectInfo;
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

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
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
