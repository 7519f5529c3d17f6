import { mkdir, readdir, utimes } from "node:fs/promises";
import path from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { childProgram } from "../child.js";
import { directory, eachWithRemoteStore, exists, open, put, store } from "../support/remote-store.js";

describe("owners of a file cache", () => {
  eachWithRemoteStore();

  const cacheDir = () => path.join(directory, "cache");
  const age = async (folder: string) => {
    const old = new Date(Date.now() - 3 * 86_400_000);
    for (const name of await readdir(folder)) await utimes(path.join(folder, name), old, old);
    await utimes(folder, old, old);
  };

  test("removes its files when closed, and those of dead processes when opened", async () => {
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

  test("one that has not read for days keeps its folder, and finds its files", async () => {
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

  test("one that this machine's process ids do not tell of is known by its lock, and dead without it", async () => {
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
