import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileUri, LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { needs } from "../../support/needs.js";
import { canUnshare, childProgram } from "../child.js";
import { bytes, text, uris } from "../support/bodies.js";

describe("LocalStore on the disk", () => {
  let outside: string;
  let directory: string;
  let store: LocalStore;

  beforeEach(async () => {
    outside = await mkdtemp(path.join(os.tmpdir(), "slh-disk-"));
    directory = path.join(outside, "root");
    store = new LocalStore(directory);
  });
  afterEach(() => rm(outside, { recursive: true }));

  test("takes as its root a path or any form of an absolute file URI, and makes no folder of another", () => {
    for (const form of [directory, fileUri(directory), `file:${directory}`, `file://localhost${directory}`]) {
      expect(new LocalStore(form).root).toBe(fileUri(directory));
    }
    for (const form of ["file:", "file:lake", "file://", "file://host/lake"]) {
      expect(() => new LocalStore(form)).toThrow(
        expect.objectContaining({ code: "INVALID_URI", subject: form }),
      );
    }
  });

  test("makes its directory only when it is written to", async () => {
    expect(await uris(store, store.root)).toEqual([]);
    expect(await store.head(`${store.root}/a`)).toBeUndefined();
    await store.delete([`${store.root}/a`]);
    await expect(store.read(`${store.root}/a`)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
    expect(await readdir(outside)).toEqual([]);
    await store.put(`${store.root}/deep/er/a`, bytes("a"));
    expect((await readdir(directory)).sort()).toEqual([".slh", "deep"]);
  });

  test("takes a path or a file URI for its root, character for character", async () => {
    const odd = path.join(outside, "a b%20#?ü");
    for (const given of [odd, `${odd}/`, fileUri(odd), `file:${odd}`, `file://localhost${odd}`]) {
      expect(new LocalStore(given).root).toBe(`file://${odd}`);
    }
    const uri = await new LocalStore(odd).put(`${fileUri(odd)}/x`, bytes("x"));
    expect(await readFile(path.join(odd, "x"), "utf8")).toBe("x");
    expect(uri.uri).toBe(`file://${odd}/x`);
    // An encoded URI is another place, not another spelling.
    expect(() => new LocalStore(odd).localPath(`${pathToFileURL(odd).href}/x`)).toThrow(/not below the root/);
    expect(() => new LocalStore("/")).toThrow(expect.objectContaining({ code: "INVALID_URI" }));
  });

  test("accepts what Hadoop and Java write for file:///", async () => {
    await store.put(`${store.root}/a`, bytes("a"));
    const below = store.root.slice("file://".length);
    for (const uri of [`file:${below}/a`, `file://localhost${below}/a`]) {
      expect(text(await store.read(uri))).toBe("a");
      expect((await store.head(uri))?.uri).toBe(`${store.root}/a`);
    }
    expect(await uris(store, `file:${below}/`)).toEqual([`${store.root}/a`]);
  });

  test("keys with an empty segment, and the store's own directory, are INVALID_URI", async () => {
    for (const key of ["a//b", "/a", "a//", ".slh/tmp/x", "a/.slh/b", "a/.slh-object", "a/.slh-marker"]) {
      await expect(store.put(`${store.root}/${key}`, bytes("x"))).rejects.toMatchObject({
        code: "INVALID_URI",
      });
    }
    const long = `${store.root}/${"x".repeat(300)}`;
    await expect(store.put(long, bytes("x"))).rejects.toMatchObject({ code: "INVALID_URI" });
  });

  describe("symbolic links", () => {
    beforeEach(async () => {
      await mkdir(path.join(outside, "secret"));
      await writeFile(path.join(outside, "secret", "file"), "secret");
      await store.put(`${store.root}/real/file`, bytes("real"));
      await symlink(path.join(outside, "secret"), path.join(directory, "out"));
      await symlink(path.join(outside, "secret", "file"), path.join(directory, "out-file"));
      await symlink(path.join(directory, "real"), path.join(directory, "in"));
    });

    test.each(["out/file", "in/file"])("%s: none on the way is followed", async (key) => {
      const uri = `${store.root}/${key}`;
      const refused = { code: "INVALID_URI", subject: uri };
      await expect(store.read(uri)).rejects.toMatchObject(refused);
      await expect(store.head(uri)).rejects.toMatchObject(refused);
      await expect(store.put(uri, bytes("x"))).rejects.toMatchObject(refused);
      const folder = `${path.dirname(uri)}/new`;
      await expect(store.ensureFolder(folder)).rejects.toMatchObject({ ...refused, subject: folder });
      await expect(store.put(`${store.root}/out/new/deep`, bytes("x"))).rejects.toMatchObject({
        code: "INVALID_URI",
      });
      await expect(store.put(uri, bytes("x"), { ifAbsent: true })).rejects.toMatchObject(refused);
      await expect(store.put(uri, bytes("x"), { ifEtag: "any" })).rejects.toMatchObject(refused);
      await expect(store.delete([uri])).rejects.toMatchObject(refused);
      await expect(uris(store, `${path.dirname(uri)}/`)).rejects.toMatchObject({ code: "INVALID_URI" });
      expect(await readdir(path.join(outside, "secret"))).toEqual(["file"]);
      expect(await readFile(path.join(outside, "secret", "file"), "utf8")).toBe("secret");
    });

    test("one at the end is no object, and a put takes its place", async () => {
      const uri = `${store.root}/out-file`;
      expect(await store.head(uri)).toBeUndefined();
      await expect(store.read(uri)).rejects.toMatchObject({ code: "INVALID_URI" });
      await store.delete([uri]);
      expect(await uris(store, store.root)).toEqual([`${store.root}/real/file`]);
      await store.put(uri, bytes("mine"));
      expect(text(await store.read(uri))).toBe("mine");
      expect(await readFile(path.join(outside, "secret", "file"), "utf8")).toBe("secret");
    });

    test("the way to the root may have some", async () => {
      await symlink(outside, path.join(outside, "link"));
      const linked = new LocalStore(path.join(outside, "link", "root"));
      expect(text(await linked.read(`${linked.root}/real/file`))).toBe("real");
      await linked.put(`${linked.root}/new/file`, bytes("new"));
      expect(text(await store.read(`${store.root}/new/file`))).toBe("new");
    });
  });

  describe("directories", () => {
    test("are made for engines that write past the store, and are no objects", async () => {
      const uri = `${store.root}/a/b`;
      await store.ensureFolder(uri);
      await store.ensureFolder(uri);
      await writeFile(path.join(store.localPath(uri), "c"), "c");
      expect(await uris(store, store.root)).toEqual([`${uri}/c`]);
      await expect(store.ensureFolder(`${uri}/c/d`)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    });

    test("go when their last object is deleted, and come again", async () => {
      const [a, b] = [`${store.root}/x/y/a`, `${store.root}/x/b`];
      await store.put(a, bytes("a"));
      await store.put(b, bytes("b"));
      await store.delete([a]);
      expect(await readdir(path.join(directory, "x"))).toEqual(["b"]);
      await store.delete([b]);
      expect(await readdir(directory)).toEqual([".slh"]);
      await store.put(`${store.root}/x`, bytes("now an object"));
      expect(text(await store.read(`${store.root}/x`))).toBe("now an object");
    });

    test("puts and deletes in one place at the same time do not trip over them", async () => {
      await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          for (let round = 0; round < 20; round++) {
            await store.put(`${store.root}/p/q/r/${i}`, bytes("x"), { ifAbsent: true });
            await store.delete([`${store.root}/p/q/r/${i}`]);
          }
        }),
      );
      expect(await uris(store, store.root)).toEqual([]);
    });

    test("an empty one gives way to an object", async () => {
      await mkdir(path.join(directory, "empty"), { recursive: true });
      await store.put(`${store.root}/empty`, bytes("x"), { ifAbsent: true });
      expect(text(await store.read(`${store.root}/empty`))).toBe("x");
    });
  });

  describe("keys that continue below others", () => {
    test("lie where they always did, but for an object whose name is a directory's", async () => {
      await store.put(`${store.root}/t/a`, bytes("first"));
      const before = await store.head(`${store.root}/t/a`);
      expect(store.localPath(`${store.root}/t/a`)).toBe(path.join(directory, "t", "a"));
      await store.put(`${store.root}/t/a/b`, bytes("below"));
      expect(await readFile(path.join(directory, "t", "a", "b"), "utf8")).toBe("below");
      // The same object as before: who has read it may still replace it.
      expect(await store.head(`${store.root}/t/a`)).toEqual(before);
      const local = store.localPath(`${store.root}/t/a`);
      expect(await readFile(local, "utf8")).toBe("first");
      await store.put(`${store.root}/t/a`, bytes("second"), { ifEtag: before!.etag });
      expect(text(await store.read(`${store.root}/t/a`))).toBe("second");
      await store.delete([`${store.root}/t/a/b`]);
      expect(await uris(store, store.root)).toEqual([`${store.root}/t/a`]);
      await store.delete([`${store.root}/t/a`]);
      expect(await readdir(directory)).toEqual([".slh"]);
    });

    test("a lake of plain files opens as it is, and takes an object at a directory's name", async () => {
      await mkdir(path.join(directory, "t", "data"), { recursive: true });
      await writeFile(path.join(directory, "t", "data", "x"), "plain");
      expect(await store.head(`${store.root}/t/data`)).toBeUndefined();
      await store.put(`${store.root}/t/data`, bytes("object"), { ifAbsent: true });
      await expect(store.put(`${store.root}/t/data`, bytes("x"), { ifAbsent: true })).rejects.toMatchObject({
        code: "PRECONDITION_FAILED",
      });
      expect(await uris(store, store.root)).toEqual([`${store.root}/t/data`, `${store.root}/t/data/x`]);
      expect(await readFile(path.join(directory, "t", "data", "x"), "utf8")).toBe("plain");
    });

    test("a move that a killed process began is ended by the next", async () => {
      const uri = `${store.root}/a`;
      for (const deeds of [1, 2, 3, 4]) {
        await store.put(uri, bytes(`v${deeds}`));
        const plain = path.join(directory, "a");
        const aside = path.join(directory, ".slh", "aside", createHash("sha256").update("a").digest("hex"));
        await mkdir(path.dirname(aside), { recursive: true });
        await link(plain, aside);
        if (deeds > 1) await rm(plain);
        if (deeds > 2) await mkdir(plain);
        if (deeds > 3) await link(aside, path.join(plain, ".slh-object"));
        const again = new LocalStore(directory);
        expect(text(await again.read(uri))).toBe(`v${deeds}`);
        expect((await again.head(uri))?.size).toBe(2);
        await expect(again.put(uri, bytes("x"), { ifAbsent: true })).rejects.toMatchObject({
          code: "PRECONDITION_FAILED",
        });
        await again.put(`${uri}/b`, bytes("below"));
        expect(text(await again.read(uri))).toBe(`v${deeds}`);
        await again.put(uri, bytes("new"));
        expect(text(await again.read(uri))).toBe("new");
        expect(await uris(again, again.root)).toEqual([uri, `${uri}/b`]);
        await again.delete([uri, `${uri}/b`]);
        expect(await again.head(uri)).toBeUndefined();
        expect(await readdir(path.dirname(aside))).toEqual([]);
      }
    });

    test("an object is never missing while it moves, nor put twice", async () => {
      const quick = new LocalStore(directory, { durable: false });
      for (let round = 0; round < 60; round++) {
        const uri = `${quick.root}/r${round}`;
        await quick.put(uri, bytes("there"));
        const outcomes = await Promise.all([
          quick.put(`${uri}/b`, bytes("b")),
          quick.read(uri),
          quick.head(uri).then((info) => expect(info).toBeDefined()),
          quick.put(uri, bytes("x"), { ifAbsent: true }).catch((error: { code: string }) => error.code),
          quick.put(`${uri}/c/d`, bytes("d")),
          quick.read(uri),
        ]);
        expect(outcomes[3]).toBe("PRECONDITION_FAILED");
        expect(text(await quick.read(uri))).toBe("there");
        expect(await uris(quick, `${uri}`)).toEqual([uri, `${uri}/b`, `${uri}/c/d`]);
        await quick.delete([uri, `${uri}/b`, `${uri}/c/d`]);
      }
    });
  });

  test("says that an object was cut while it was read, and gives no bytes of it", async () => {
    const uri = `${store.root}/a`;
    await store.put(uri, new Uint8Array(1_000_000));
    const stream = store.stream(uri)[Symbol.asyncIterator]();
    await stream.next();
    await truncate(path.join(directory, "a"), 300_000);
    await expect(stream.next()).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  });

  describe("etags", () => {
    test("differ even when size, inode and the kernel's time are the same", async () => {
      // Deleting frees the inode, and the next file often gets it: thousands of puts within the kernel's tick.
      const quick = new LocalStore(directory, { durable: false });
      const etags = new Set<string>();
      for (let i = 0; i < 300; i++) {
        etags.add((await quick.put(`${store.root}/a`, bytes("same"))).etag);
        if (i % 3 === 0) await quick.delete([`${store.root}/a`]);
      }
      expect(etags.size).toBe(300);
    });

    test("rest on a time of our own, since the kernel's stands still for some milliseconds", async () => {
      const quick = new LocalStore(directory, { durable: false });
      const keys = Array.from({ length: 200 }, (_, i) => String(i));
      await Promise.all(keys.map((key) => quick.put(`${store.root}/${key}`, bytes("same"))));
      const times = new Set(keys.map((key) => statSync(path.join(directory, key), { bigint: true }).mtimeNs));
      expect(times.size).toBe(200);
    });

    test("move on although the object before has a time in the future", async () => {
      const uri = `${store.root}/a`;
      await store.put(uri, bytes("1"));
      const future = new Date(Date.now() + 3_600_000);
      await utimes(path.join(directory, "a"), future, future);
      const before = await store.head(uri);
      const after = await store.put(uri, bytes("2"), { ifEtag: before?.etag ?? "" });
      expect(after.etag).not.toBe(before?.etag);
      expect(after.lastModified.getTime()).toBeGreaterThanOrEqual(future.getTime());
      expect((await store.head(uri))?.etag).toBe(after.etag);
    });
  });

  test("removes temporary files that nobody has touched for a day, whoever made them", async () => {
    const tmp = path.join(directory, ".slh", "tmp");
    await mkdir(tmp, { recursive: true });
    await writeFile(path.join(tmp, "other-host.1.old"), "old");
    await writeFile(path.join(tmp, "other-host.1.new"), "new");
    const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000);
    await utimes(path.join(tmp, "other-host.1.old"), twoDaysAgo, twoDaysAgo);
    await store.put(`${store.root}/a`, bytes("a"));
    expect(await readdir(tmp)).toEqual(["other-host.1.new"]);
  });

  // A small file system of one's own needs Linux with user namespaces.
  const needsUnshare = needs(canUnshare(), "Linux with user namespaces (unshare)");
  test("on a full disk a put is STORAGE_FAILED, and nothing of it stays", needsUnshare, async () => {
    const program = await childProgram(`
      import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
      import { readdirSync } from "node:fs";
      const [directory] = args;
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", directory]);
      const store = new storage.LocalStore(directory);
      await store.put(store.root + "/small", new TextEncoder().encode("old"));
      const large = async function* () { for (let i = 0; i < 8; i++) yield new Uint8Array(1_000_000); };
      const failures = [];
      for (const body of [new Uint8Array(8_000_000), large()]) {
        await store.put(store.root + "/small", body).catch((e) => failures.push(e.code + " " + e.message));
      }
      const listed = [];
      for await (const { uri } of store.list(store.root)) listed.push(uri.slice(store.root.length));
      await store.put(store.root + "/after", new Uint8Array(1_000_000));
      console.log(JSON.stringify({
        failures,
        listed,
        content: new TextDecoder().decode(await store.read(store.root + "/small")),
        temporary: readdirSync(directory + "/.slh/tmp"),
      }));
    `);
    try {
      await mkdir(directory);
      const output = await program.startUnshared(directory).done;
      const result = JSON.parse(output) as { failures: string[] };
      expect(result).toMatchObject({ listed: ["/small"], content: "old", temporary: [] });
      expect(result.failures).toHaveLength(2);
      for (const failure of result.failures) expect(failure).toMatch(/^STORAGE_FAILED .*the disk is full/);
    } finally {
      await program.dispose();
    }
  });
});
