import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { type ChildProgram, childProgram } from "../child.js";
import { bytes, text, uris } from "../support/bodies.js";

/** What a child does, by its first argument; the second is the store's directory. */
const PROGRAM = `
const [task, directory, me] = args;
const store = new storage.LocalStore(directory, { durable: false });
const body = (text) => new TextEncoder().encode(text);
const tasks = {
  async race() {
    const won = [];
    for (let round = 0; round < 40; round++) {
      try {
        await store.put(store.root + "/race/" + round, body(me), { ifAbsent: true });
        won.push(round);
      } catch (error) {
        if (error.code !== "PRECONDITION_FAILED") throw error;
      }
    }
    console.log(JSON.stringify(won));
  },
  async count() {
    const uri = store.root + "/counter";
    for (let done = 0; done < 25; ) {
      const { etag } = await store.head(uri);
      const value = Number(new TextDecoder().decode(await store.read(uri)));
      try {
        await store.put(uri, body(String(value + 1)), { ifEtag: etag });
        done++;
      } catch (error) {
        if (error.code !== "PRECONDITION_FAILED") throw error;
      }
    }
  },
  async blind() {
    // A put without condition must not slip into someone else's check: the count would lose or repeat steps.
    for (let i = 0; i < 60; i++) await store.put(store.root + "/beside", body("b".repeat(i)));
  },
  async hang() {
    await store.put(store.root + "/object", (async function* () {
      yield new Uint8Array(1_000_000);
      console.log("half");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    })());
  },
  async hammer() {
    console.log("started");
    for (let i = 0; ; i = (i + 1) % 26) {
      const info = await store.head(store.root + "/object");
      const letter = String.fromCharCode(97 + i);
      await store.put(store.root + "/object", body(letter.repeat(50_000)), info && { ifEtag: info.etag }).catch(() => {});
    }
  },
};
await tasks[task]();
`;

describe("LocalStore between processes", () => {
  let program: ChildProgram;
  let directory: string;
  let store: LocalStore;

  beforeAll(async () => {
    program = await childProgram(PROGRAM);
  });
  afterAll(() => program.dispose());
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "slh-processes-"));
    store = new LocalStore(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const leftOver = () => readdir(path.join(directory, ".slh", "tmp"));

  test("of racing ifAbsent exactly one process wins each key", async () => {
    const children = Array.from({ length: 4 }, (_, i) => program.start("race", directory, `process ${i}`));
    const won = await Promise.all(children.map(async ({ done }) => JSON.parse(await done) as number[]));
    expect(won.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    for (const [i, rounds] of won.entries()) {
      for (const round of rounds) {
        expect(text(await store.read(`${store.root}/race/${round}`))).toBe(`process ${i}`);
      }
    }
  });

  test("a counter moved by ifEtag loses no step", async () => {
    await store.put(`${store.root}/counter`, bytes("0"));
    const children = ["count", "count", "count", "blind"].map((task) => program.start(task, directory));
    await Promise.all(children.map(({ done }) => done));
    expect(text(await store.read(`${store.root}/counter`))).toBe("75");
    expect(await leftOver()).toEqual([]);
  });

  test("a process killed in the middle of a put leaves the old object, and its temporary file goes", async () => {
    const uri = `${store.root}/object`;
    await store.put(uri, bytes("old"));
    const child = program.start("hang", directory);
    await child.printed("half");
    expect(await leftOver()).toHaveLength(1);
    child.process.kill("SIGKILL");
    await child.done.catch(() => undefined);
    expect(text(await store.read(uri))).toBe("old");
    expect(await uris(store, store.root)).toEqual([uri]);

    // The next process to write cleans up; one that runs already does not look again.
    await new LocalStore(directory).put(`${store.root}/other`, bytes("x"));
    expect(await leftOver()).toEqual([]);
  });

  test("the temporary file of a process that lives is left alone", async () => {
    const child = program.start("hang", directory);
    await child.printed("half");
    await new LocalStore(directory).put(`${store.root}/other`, bytes("x"));
    expect(await leftOver()).toHaveLength(1);
    child.process.kill("SIGKILL");
    await child.done.catch(() => undefined);
  });

  test("killed at random moments, it leaves whole objects and a lock that others get", async () => {
    const uri = `${store.root}/object`;
    for (let round = 0; round < 8; round++) {
      const child = program.start("hammer", directory);
      await child.printed("started");
      await new Promise((resolve) => setTimeout(resolve, 10 + Math.random() * 60));
      child.process.kill("SIGKILL");
      await child.done.catch(() => undefined);
      const info = await store.head(uri);
      if (info === undefined) continue;
      const got = text(await store.read(uri));
      expect(got).toHaveLength(50_000);
      expect(got).toBe(got[0]?.repeat(50_000));
      await store.put(uri, bytes(got), { ifEtag: info.etag });
    }
    expect(await store.head(uri)).toBeDefined();
  });

  test("waits while another connection holds the lock, and goes on when it is released", async () => {
    const uri = `${store.root}/object`;
    const { etag } = await store.put(uri, bytes("1"));
    await store.put(uri, bytes("1"));
    const holder = new Database(path.join(directory, ".slh", "lock.sqlite"));
    holder.exec("BEGIN IMMEDIATE");
    let over = false;
    const waiting = store.put(uri, bytes("2")).finally(() => {
      over = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(over).toBe(false);
    // A new object needs no lock.
    await store.put(`${store.root}/new`, bytes("3"), { ifAbsent: true });
    holder.close();
    await waiting;
    expect(text(await store.read(uri))).toBe("2");
    expect((await store.head(uri))?.etag).not.toBe(etag);
  });

  test("goes on when its directory was deleted and made again", async () => {
    const uri = `${store.root}/object`;
    const first = await store.put(uri, bytes("1"));
    await store.put(uri, bytes("2"), { ifEtag: first.etag });
    await rm(directory, { recursive: true });
    const again = await store.put(uri, bytes("3"), { ifAbsent: true });
    await store.put(uri, bytes("4"), { ifEtag: again.etag });
    expect(text(await store.read(uri))).toBe("4");
    await writeFile(path.join(directory, "plain"), "made by someone else");
    expect(await uris(store, store.root)).toEqual([uri, `${store.root}/plain`]);
  });
});
