import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { byteCount, normalize, split, subtract } from "../../lib/lakehouse/storage/cache/intervals.js";
import {
  type ByteRange,
  LocalStore,
  type ObjectStore,
  openFileCache,
} from "../../lib/lakehouse/storage/index.js";

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
  let reads: { uri: string; start: number; end: number }[];

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "slh-cache-"));
    reads = [];
    const local = new LocalStore(path.join(directory, "store"), { durable: false });
    // A store that is somewhere else: the same objects, no path, and a record of what was read.
    store = {
      root: local.root,
      read: (uri, range) => {
        if (range !== undefined) reads.push({ uri, ...range });
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
    const { uri, body } = await put("a", 4 * MB);
    const cache = open();
    const hold = cache.hold();
    const failing: ObjectStore = {
      ...store,
      read: (of, range) =>
        (range?.start ?? 0) < MB ? Promise.reject(new Error("down")) : store.read(of, range),
    };
    await expect(hold.file(failing, uri, { size: 4 * MB })).rejects.toThrow("down");
    await expect(hold.file(store, `${store.root}/none`, { size: 10 })).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    const file = await hold.file(store, uri, { size: 4 * MB });
    expect((await readFile(file)).equals(body)).toBe(true);
    await put("none", 10);
    expect((await readFile(await hold.file(store, `${store.root}/none`, { size: 10 }))).byteLength).toBe(10);
  });

  it("removes its files when closed, and those of dead processes when opened", async () => {
    const { uri } = await put("a", 10);
    const dead = path.join(directory, "cache", "elsewhere.1.old");
    const cache = open();
    await cache.hold().file(store, uri, { size: 10 });
    const [own] = await readdir(path.join(directory, "cache"));
    // The same realm as ours, and a process id above any that Linux gives.
    const left = path.join(directory, "cache", `${own!.split(".")[0]}.4194305.left`);
    await mkdir(left);
    await mkdir(dead);
    const other = open();
    await other.hold().file(store, uri, { size: 10 });
    expect(await exists(left)).toBe(false);
    expect(await exists(dead)).toBe(true);
    await cache.close();
    await other.close();
    expect(await readdir(path.join(directory, "cache"))).toEqual(["elsewhere.1.old"]);
  });
});
