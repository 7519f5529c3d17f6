import { randomInt } from "node:crypto";
import {
  appendFile,
  open as openFile,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { reseal, sealOf } from "../../../lib/lakehouse/storage/cache/sealed-file.js";
import { LocalStore, openFileCache } from "../../../lib/lakehouse/storage/index.js";
import { canUnshare, childProgram } from "../child.js";
import {
  directory,
  eachWithRemoteStore,
  exists,
  MB,
  open,
  put,
  reads,
  store,
} from "../support/remote-store.js";

describe("openFileCache", () => {
  eachWithRemoteStore();

  test("gives the object itself, without a copy, where it is on this disk", async () => {
    const local = new LocalStore(path.join(directory, "store"));
    const { uri } = await put("a.parquet", 10);
    expect(await open().hold().file(local, uri, { size: 10 })).toBe(
      path.join(directory, "store", "a.parquet"),
    );
    expect(await exists(path.join(directory, "cache"))).toBe(false);
  });

  test("fetches a small object whole, once", async () => {
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

  test("fetches of a large object only what was asked for, into a file of its full length", async () => {
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

  test.each([
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

  test("callers at the same time share one fetch", async () => {
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

  test("stays in its size: what was used longest ago goes, what is held stays", async () => {
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

  test("an error leaves nothing behind that would be taken for the object", async () => {
    const cache = open();
    const hold = cache.hold();
    await expect(hold.file(store, `${store.root}/none`, { size: 10 })).rejects.toMatchObject({
      code: "OBJECT_NOT_FOUND",
    });
    await put("none", 10);
    expect((await readFile(await hold.file(store, `${store.root}/none`, { size: 10 }))).byteLength).toBe(10);
  });

  test.each([1, 12])(
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

    test.each(sizes)(
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

    test.each(sizes)(
      "a file of %d bytes that is gone, cut, empty or longer is fetched anew",
      async (size) => {
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
      },
    );

    test("bytes that decay without a trace are noticed when the file is next verified", async () => {
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

    test("who reads a file keeps it while others get a new one", async () => {
      const { uri } = await put("a", 5000);
      const cache = open();
      const reader = cache.hold();
      const file = await reader.file(store, uri, { size: 5000 });
      await appendFile(file, "x");
      const next = cache.hold();
      await next.file(store, uri, { size: 5000 });
      expect(await exists(file)).toBe(true);
      reader.release();
      await expect.poll(() => exists(file)).toBe(false);
      next.release();
    });

    test("what came damaged is fetched once more; twice is an error, and nothing stays", async () => {
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

  test("names itself where it is what failed", async () => {
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

  // A small file system of one's own needs Linux with user namespaces.
  test.skipIf(!canUnshare())(
    "a full disk evicts what is idle and goes on; what is in use stays",
    async () => {
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
    },
  );
});
