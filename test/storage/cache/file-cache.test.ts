import { randomBytes, randomInt } from "node:crypto";
import {
  appendFile,
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { byteCount, normalize, split, subtract } from "../../../lib/lakehouse/storage/cache/intervals.js";
import { reseal, sealOf } from "../../../lib/lakehouse/storage/cache/sealed-file.js";
import {
  type ByteRange,
  fileCacheOptionsFromEnv,
  LocalStore,
  type ObjectStore,
  openFileCache,
} from "../../../lib/lakehouse/storage/index.js";
import { canUnshare, childProgram } from "../child.js";

const MB = 1024 * 1024;

describe("intervals", () => {
  const range = fc
    .tuple(fc.nat(60), fc.nat(60))
    .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
  const ranges = fc.array(range, { maxLength: 8 });
  const members = (list: readonly ByteRange[]) => {
    const all = new Set<number>();
    for (const { start, end } of list) for (let i = start; i < end; i++) all.add(i);
    return all;
  };

  it("normalize keeps the bytes, sorted and apart", () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const normal = normalize(list);
        expect(members(normal)).toEqual(members(list));
        expect(byteCount(normal)).toBe(members(list).size);
        normal.forEach(({ start, end }, i) => {
          expect(start).toBeLessThan(end);
          if (i > 0) expect(start).toBeGreaterThan(normal[i - 1]!.end);
        });
      }),
    );
  });

  it("normalize with a gap only adds what lies between", () => {
    expect(
      normalize(
        [
          { start: 0, end: 2 },
          { start: 5, end: 6 },
          { start: 10, end: 11 },
        ],
        3,
      ),
    ).toEqual([
      { start: 0, end: 6 },
      { start: 10, end: 11 },
    ]);
  });

  it("subtract leaves what is wanted and not there", () => {
    fc.assert(
      fc.property(ranges, ranges, (wanted, have) => {
        const missing = subtract(normalize(wanted), normalize(have));
        const held = members(have);
        expect(members(missing)).toEqual(new Set([...members(wanted)].filter((i) => !held.has(i))));
        expect(normalize(missing)).toEqual(missing);
      }),
    );
  });

  it("split keeps the bytes in pieces no longer than asked", () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 1, max: 20 }), (list, most) => {
        const pieces = split(normalize(list), most);
        expect(members(pieces)).toEqual(members(list));
        for (const { start, end } of pieces) expect(end - start).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe("openFileCache", () => {
  let directory: string;
  let store: ObjectStore;
  let reads: { uri: string; start?: number; end?: number }[];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "slh-cache-"));
    reads = [];
    const local = new LocalStore(path.join(directory, "store"), { durable: false });
    // A store that is somewhere else: the same objects, no path, and a record of what was read.
    store = {
      root: local.root,
      read: (uri, range) => {
        reads.push({ uri, ...range });
        return local.read(uri, range);
      },
      stream: (uri, range) => local.stream(uri, range),
      put: (uri, body, condition) => local.put(uri, body, condition),
      head: (uri) => local.head(uri),
      list: (prefix) => local.list(prefix),
      delete: (uris) => local.delete(uris),
      localPath: () => undefined,
    };
  });
  afterEach(() => rm(directory, { recursive: true }));

  const open = (maxBytes = 100 * MB) => openFileCache({ dir: path.join(directory, "cache"), maxBytes });
  const put = async (name: string, size: number) => {
    const body = randomBytes(size);
    const uri = `${store.root}/${name}`;
    await store.put(uri, body);
    return { uri, body };
  };
  const exists = (file: string) =>
    stat(file).then(
      () => true,
      () => false,
    );

  it("gives the object itself, without a copy, where it is on this disk", async () => {
    const local = new LocalStore(path.join(directory, "store"));
    const { uri } = await put("a.parquet", 10);
    expect(await open().hold().file(local, uri, { size: 10 })).toBe(
      path.join(directory, "store", "a.parquet"),
    );
    expect(await exists(path.join(directory, "cache"))).toBe(false);
  });

  it("fetches a small object whole, once", async () => {
    const { uri, body } = await put("a.parquet", 5000);
    const cache = open();
    const hold = cache.hold();
    const file = await hold.file(store, uri, { size: 5000, ranges: [{ start: 10, end: 20 }] });
    expect(path.extname(file)).toBe(".parquet");
    expect((await readFile(file)).equals(body)).toBe(true);
    expect(await hold.file(store, uri, { size: 5000 })).toBe(file);
    expect(reads).toHaveLength(1);
    expect(cache.stats).toEqual({ bytesHeld: 5000, bytesFetched: 5000, bytesHit: 5000 });
  });

  it("fetches of a large object only what was asked for, into a file of its full length", async () => {
    const { uri, body } = await put("a.parquet", 20 * MB);
    const cache = open();
    const hold = cache.hold();
    const ranges = [
      { start: 20 * MB - 1000, end: 20 * MB },
      { start: 5 * MB, end: 6 * MB },
    ];
    const file = await hold.file(store, uri, { size: 20 * MB, ranges });
    const got = await readFile(file);
    expect(got.byteLength).toBe(20 * MB);
    for (const { start, end } of ranges) {
      expect(got.subarray(start, end).equals(body.subarray(start, end))).toBe(true);
    }
    expect(got.subarray(0, 5 * MB).every((byte) => byte === 0)).toBe(true);
    // The end comes with a few bytes more, which prove how long the object is.
    const end = 64 * 1024;
    expect(cache.stats.bytesFetched).toBe(MB + end);
    expect((await stat(file)).blocks * 512).toBeLessThan(3 * MB);

    await hold.file(store, uri, { size: 20 * MB, ranges: [{ start: 5 * MB - 100, end: 6 * MB + 100 }] });
    expect(cache.stats.bytesFetched).toBe(MB + end + 200);
    const [from, to] = [5 * MB - 100, 6 * MB + 100];
    expect((await readFile(file)).subarray(from, to).equals(body.subarray(from, to))).toBe(true);

    expect((await readFile(await hold.file(store, uri, { size: 20 * MB }))).equals(body)).toBe(true);
    expect(cache.stats).toMatchObject({ bytesFetched: 20 * MB, bytesHeld: 20 * MB });
  });

  it.each([
    ["small", 5000, [1, 4999, 5001, 400_000]],
    ["large", 12 * MB, [1, 5 * MB, 12 * MB - 1, 12 * MB + 1, 40 * MB]],
  ] as const)("a %s object is as long as it is, whatever was recorded", async (_, size, recorded) => {
    const { uri, body } = await put("a.parquet", size);
    for (const hint of recorded) {
      const cache = open();
      const ranges = [{ start: 10, end: 20 }];
      const part = await readFile(await cache.hold().file(store, uri, { size: hint, ranges }));
      expect(part.byteLength).toBe(size);
      expect(part.subarray(10, 20).equals(body.subarray(10, 20))).toBe(true);
      expect(part.subarray(-100).equals(body.subarray(-100))).toBe(true);
      const whole = await readFile(await cache.hold().file(store, uri, { size: hint }));
      expect(whole.equals(body), `recorded as ${hint}`).toBe(true);
      expect(cache.stats.bytesHeld).toBe(size);
      await cache.close();
    }
  });

  it("callers at the same time share one fetch", async () => {
    const { uri, body } = await put("a", 3 * MB);
    const cache = open();
    const files = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        cache
          .hold()
          .file(store, uri, { size: 3 * MB, ranges: [{ start: (i % 2) * MB, end: (i % 2) * MB + 2 * MB }] }),
      ),
    );
    expect(new Set(files).size).toBe(1);
    expect((await readFile(files[0]!)).equals(body)).toBe(true);
    expect(cache.stats.bytesFetched).toBe(3 * MB);
  });

  it("stays in its size: what was used longest ago goes, what is held stays", async () => {
    const cache = open(3 * MB);
    const objects = await Promise.all(["a", "b", "c", "d"].map((name) => put(name, MB)));
    const get = async (i: number) => {
      const hold = cache.hold();
      return { hold, file: await hold.file(store, objects[i]!.uri, { size: MB }) };
    };
    const a = await get(0);
    const b = await get(1);
    b.hold.release();
    const c = await get(2);
    c.hold.release();
    const d = await get(3); // b is the oldest that nobody holds
    expect(await Promise.all([a, b, c, d].map(({ file }) => exists(file)))).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect(cache.stats.bytesHeld).toBe(3 * MB);
    const again = await get(1);
    expect((await readFile(again.file)).equals(objects[1]!.body)).toBe(true);
    expect(await exists(c.file)).toBe(false);
  });

  it("an error leaves nothing behind that would be taken for the object", async () => {
    const cache = open();
    const hold = cache.hold();
    await expect(hold.file(store, `${store.root}/none`, { size: 10 })).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    await put("none", 10);
    expect((await readFile(await hold.file(store, `${store.root}/none`, { size: 10 }))).byteLength).toBe(10);
  });

  it.each([1, 12])(
    "gives an object of %d MB its own length, whatever the manifest says of it",
    async (mb) => {
      for (const off of [-MB, -1, 1, 700]) {
        const { uri, body } = await put(`a${off}`, mb * MB + 5);
        const cache = open();
        const size = body.length + off;
        const file = await cache.hold().file(store, uri, { size });
        expect((await readFile(file)).equals(body)).toBe(true);
        expect(await cache.hold().file(store, uri, { size })).toBe(file);
        expect(cache.stats.bytesHeld).toBe(body.length);
        await cache.close();
      }
    },
  );

  describe("what is on the disk is not taken for what was written", () => {
    const sizes = [5000, 10 * MB];

    it.each(sizes)(
      "a flipped bit anywhere in %d bytes is noticed, though times are set back",
      async (size) => {
        const { uri, body } = await put("a.parquet", size);
        const cache = open();
        const places = [0, 1, size - 1, size - 4, ...Array.from({ length: 20 }, () => randomInt(size))];
        for (const place of places) {
          const hold = cache.hold();
          const file = await hold.file(store, uri, { size });
          const { atime, mtime } = await stat(file);
          const bytes = await readFile(file);
          bytes[place]! ^= 1 << randomInt(8);
          await writeFile(file, bytes);
          await utimes(file, atime, mtime);
          const again = await hold.file(store, uri, { size });
          expect(again).not.toBe(file);
          expect((await readFile(again)).equals(body)).toBe(true);
          expect(cache.stats.bytesHeld).toBe(size);
          hold.release();
        }
        await cache.close();
      },
    );

    it.each(sizes)("a file of %d bytes that is gone, cut, empty or longer is fetched anew", async (size) => {
      const { uri, body } = await put("a.parquet", size);
      const cache = open();
      for (const harm of [
        (file: string) => rm(file),
        (file: string) => truncate(file, size - 1),
        (file: string) => truncate(file, size / 2),
        (file: string) => writeFile(file, ""),
        (file: string) => appendFile(file, "PAR1"),
        (file: string) => rm(path.dirname(file), { recursive: true }),
        (file: string) => rm(path.dirname(path.dirname(file)), { recursive: true }),
      ]) {
        const hold = cache.hold();
        await harm(await hold.file(store, uri, { size }));
        expect((await readFile(await hold.file(store, uri, { size }))).equals(body)).toBe(true);
        hold.release();
      }
      await cache.close();
    });

    it("bytes that decay without a trace are noticed when the file is next verified", async () => {
      const file = path.join(directory, "decayed");
      await writeFile(file, "abcdef");
      const handle = await openFile(file, "r");
      const seal = await sealOf(handle); // of the file as it is, whose bytes are not those of the piece
      await handle.close();
      const pieces = [{ start: 0, end: 6, crc: crc32("abcdeg") }];
      expect(await reseal(file, 6, pieces, seal, 60_000)).toBe(seal);
      expect(await reseal(file, 6, pieces, seal, 0)).toBeUndefined();
      expect(await reseal(file, 6, [{ start: 0, end: 6, crc: crc32("abcdef") }], seal, 0)).toBeDefined();
    });

    it("who reads a file keeps it while others get a new one", async () => {
      const { uri } = await put("a", 5000);
      const cache = open();
      const reader = cache.hold();
      const file = await reader.file(store, uri, { size: 5000 });
      await appendFile(file, "x");
      const next = cache.hold();
      await next.file(store, uri, { size: 5000 });
      expect(await exists(file)).toBe(true);
      reader.release();
      await vi.waitFor(async () => expect(await exists(file)).toBe(false));
      next.release();
    });

    it("what came damaged is fetched once more; twice is an error, and nothing stays", async () => {
      const { uri, body } = await put("a", 5000);
      const cache = open();
      let checks = 0;
      const check = (failures: number) => async () => {
        if (++checks > failures) return;
        throw new LakehouseError("CORRUPT_FILE", uri, "damaged");
      };
      await expect(cache.hold().file(store, uri, { size: 5000, check: check(100) })).rejects.toMatchObject({
        code: "CORRUPT_FILE",
      });
      expect(checks).toBe(2);
      expect(cache.stats.bytesHeld).toBe(0);
      checks = 0;
      const file = await cache.hold().file(store, uri, { size: 5000, check: check(1) });
      expect((await readFile(file)).equals(body)).toBe(true);
      expect(checks).toBe(2);
    });
  });

  it("names itself where it is what failed", async () => {
    const { uri } = await put("a", 10);
    await writeFile(path.join(directory, "file"), "");
    const dir = path.join(directory, "file", "cache");
    await expect(
      openFileCache({ dir, maxBytes: MB }).hold().file(store, uri, { size: 10 }),
    ).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      subject: dir,
      message: expect.stringContaining("the cache"),
    });
  });

  describe("owners", () => {
    const cacheDir = () => path.join(directory, "cache");
    const age = async (folder: string) => {
      const old = new Date(Date.now() - 3 * 86_400_000);
      for (const name of await readdir(folder)) await utimes(path.join(folder, name), old, old);
      await utimes(folder, old, old);
    };

    it("removes its files when closed, and those of dead processes when opened", async () => {
      const { uri } = await put("a", 10);
      const cache = open();
      await cache.hold().file(store, uri, { size: 10 });
      const [own] = await readdir(cacheDir());
      // The same realm as ours, and a process id above any that Linux gives.
      const left = path.join(cacheDir(), `${own!.split(".")[0]}.4194305.left`);
      await mkdir(left);
      await mkdir(path.join(cacheDir(), "elsewhere.1.new"));
      await mkdir(path.join(cacheDir(), "elsewhere.1.old"));
      await age(path.join(cacheDir(), "elsewhere.1.old"));
      const other = open();
      await other.hold().file(store, uri, { size: 10 });
      expect(await exists(left)).toBe(false);
      await cache.close();
      await other.close();
      expect(await readdir(cacheDir())).toEqual(["elsewhere.1.new"]);
    });

    it("one that has not read for days keeps its folder, and finds its files", async () => {
      const program = await childProgram(`
        const { openFileCache, LocalStore } = storage;
        const local = new LocalStore(args[0]);
        const store = { root: local.root, read: (u, r) => local.read(u, r), head: (u) => local.head(u), localPath: () => undefined };
        const cache = openFileCache({ dir: args[1], maxBytes: 1e9 });
        await cache.hold().file(store, store.root + "/a", { size: 10 });
        await cache.close();
      `);
      try {
        const { uri } = await put("a", 10);
        const cache = open();
        const file = await cache.hold().file(store, uri, { size: 10 });
        await age(path.dirname(file));
        await program.start(path.join(directory, "store"), cacheDir()).done;
        expect(await exists(file)).toBe(true);
        await cache.close();
      } finally {
        await program.dispose();
      }
    });

    it("one that this machine's process ids do not tell of is known by its lock, and dead without it", async () => {
      const theirs = path.join(cacheDir(), "elsewhere.1.theirs");
      await mkdir(theirs, { recursive: true });
      const lock = new Database(path.join(theirs, "owner.sqlite"));
      lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      await age(theirs);
      const { uri } = await put("a", 10);
      const first = open();
      await first.hold().file(store, uri, { size: 10 });
      expect(await exists(theirs)).toBe(true);
      lock.close();
      await age(theirs);
      const second = open();
      await second.hold().file(store, uri, { size: 10 });
      expect(await exists(theirs)).toBe(false);
      await first.close();
      await second.close();
    });
  });

  // A small file system of one's own needs Linux with user namespaces.
  it.skipIf(!canUnshare())("a full disk evicts what is idle and goes on; what is in use stays", async () => {
    const program = await childProgram(`
      import { execFileSync } from "node:child_process";
      import { readFileSync } from "node:fs";
      const [directory] = args;
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=7m", "tmpfs", directory]);
      const MB = 1024 * 1024;
      const store = {
        root: "mem://x",
        read: async (uri, range) => Buffer.alloc(2 * MB, uri.at(-1)).subarray(range?.start ?? 0, range?.end),
        head: async (uri) => ({ uri, size: 2 * MB, etag: "", lastModified: new Date(0) }),
        localPath: () => undefined,
      };
      const cache = storage.openFileCache({ dir: directory + "/cache", maxBytes: 1e12 });
      const right = [];
      for (const name of "abcdefgh") {
        const hold = cache.hold();
        const file = await hold.file(store, "mem://x/" + name, { size: 2 * MB });
        right.push(readFileSync(file).equals(Buffer.alloc(2 * MB, name)));
        hold.release();
      }
      const hold = cache.hold();
      let failure;
      const files = [];
      for (const name of "ijklm") {
        await hold.file(store, "mem://x/" + name, { size: 2 * MB }).then((file) => files.push(file), (error) => {
          failure ??= error;
        });
      }
      right.push(...files.map((file, i) => readFileSync(file).equals(Buffer.alloc(2 * MB, "ijklm"[i]))));
      hold.release();
      const after = await cache.hold().file(store, "mem://x/z", { size: 2 * MB });
      right.push(readFileSync(after).equals(Buffer.alloc(2 * MB, "z")));
      console.log(JSON.stringify({ right, held: files.length, code: failure.code, subject: failure.subject, message: failure.message }));
      await cache.close();
    `);
    try {
      const result = JSON.parse(await program.startUnshared(directory).done) as { right: boolean[] };
      expect(result).toMatchObject({ held: 3, code: "STORAGE_FAILED", subject: `${directory}/cache` });
      expect(result).toMatchObject({
        message: expect.stringMatching(/the cache, its disk is full.*Free some space/),
      });
      expect(result.right).toEqual(Array(12).fill(true));
    } finally {
      await program.dispose();
    }
  });
});

describe("fileCacheOptionsFromEnv", () => {
  it("reads a folder and a size in bytes or with a unit", () => {
    expect(fileCacheOptionsFromEnv({})).toEqual({});
    expect(fileCacheOptionsFromEnv({ SLH_CACHE_DIR: "/fast/disk", SLH_CACHE_BYTES: "1000" })).toEqual({
      dir: "/fast/disk",
      maxBytes: 1000,
    });
    for (const [text, bytes] of [
      ["500MB", 5e8],
      ["16GiB", 2 ** 34],
      ["1.5 gib", 1.5 * 2 ** 30],
      ["0", 0],
    ] as const) {
      expect(fileCacheOptionsFromEnv({ SLH_CACHE_BYTES: text })).toEqual({ maxBytes: bytes });
    }
  });

  it.each(["-1", "many", "10 bananas", "1e9"])("%s is INVALID_CONFIG", (size) => {
    expect(() => fileCacheOptionsFromEnv({ SLH_CACHE_BYTES: size })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", subject: "SLH_CACHE_BYTES" }),
    );
  });
});
