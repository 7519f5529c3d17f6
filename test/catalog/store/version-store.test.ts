import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BEGINNING } from "../../../lib/lakehouse/catalog/model/hash.js";
import type { Backend } from "../../../lib/lakehouse/catalog/store/backend.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { collect, del, namespace, put, table, withOverrides } from "../support/contents.js";
import { backends, failure, head, open, types } from "../support/version-stores.js";

describe("commits", () => {
  test("record who, when, why and what, and chain from the beginning", async () => {
    const store = await open(() => 1_000);
    const first = await store.commit("main", [put(["a"], table("1"))], {
      message: "one",
      properties: { run: "7" },
    });
    const second = await store.commit("main", [put(["b"], table("2")), del(["a"])], {
      message: "two",
      author: "bob",
    });
    expect(first).toMatchObject({
      parents: [BEGINNING],
      depth: 1,
      authors: ["ada"],
      commitTime: 1_000,
      properties: { run: "7" },
    });
    expect(second).toMatchObject({ parents: [first.hash], depth: 2, authors: ["bob"], committer: "ada" });
    expect(second.operations).toEqual([
      { type: "DELETE", key: ["a"] },
      { type: "PUT", key: ["b"], content: table("2") },
    ]);
    expect(await collect(store.entries(second))).toEqual([{ key: ["b"], content: table("2") }]);
    expect(await store.content(first, ["a"])).toEqual(table("1"));
  });

  test("refuse what is not as expected, in the words of Nessie, all keys at once", async () => {
    const store = await open();
    const operations = ["a", "b", "c", "d"].map((key) => put([key], table(key)));
    await store.commit("main", [...operations, put(["n"], namespace("n"))], { message: "start" });
    const error = await failure(
      store.commit(
        "main",
        [
          put(["a"], table("a", 1), null),
          put(["x"], table("x", 1), table("x")),
          put(["b"], table("b", 2), table("b", 1)),
          put(["c"], table("other", 1), table("other")),
          put(["n"], table("n", 1), table("n")),
          { type: "UNCHANGED", key: ["d"], expected: table("d", 9) },
          put(["fine"], table("fine"), null),
        ],
        { message: "no" },
      ),
    );
    expect(error.code).toBe("COMMIT_CONFLICT");
    expect(types(error)).toEqual([
      ["KEY_EXISTS", "a"],
      ["KEY_DOES_NOT_EXIST", "x"],
      ["VALUE_DIFFERS", "b"],
      ["CONTENT_ID_DIFFERS", "c"],
      ["PAYLOAD_DIFFERS", "n"],
      ["VALUE_DIFFERS", "d"],
    ]);
    expect(await store.content(await head(store), ["fine"])).toBeUndefined();
  });

  test("with an expected hash take each key as it was there, and let other keys move", async () => {
    const store = await open();
    const read = await store.commit("main", [put(["a"], table("a")), put(["b"], table("b"))], {
      message: "start",
    });
    await store.commit("main", [put(["b"], table("b", 1))], { message: "other" });
    const options = { message: "mine", expectedHash: read.hash };
    await store.commit("main", [put(["a"], table("a", 1))], options);
    const error = await failure(store.commit("main", [put(["b"], table("b", 2))], options));
    expect(types(error)).toEqual([["VALUE_DIFFERS", "b"]]);
    const stale = await failure(
      store.commit("main", [put(["c"], table("c")), { type: "UNCHANGED", key: ["a"] }], options),
    );
    expect(types(stale)).toEqual([["VALUE_DIFFERS", "a"]]);
  });

  test("keep namespaces in order", async () => {
    const store = await open();
    const absent = await failure(store.commit("main", [put(["n", "t"], table("t"))], { message: "x" }));
    expect(types(absent)).toEqual([["NAMESPACE_ABSENT", "n"]]);
    await store.commit("main", [put(["n"], namespace("n")), put(["n", "t"], table("t"))], {
      message: "both at once",
    });
    const full = await failure(store.commit("main", [del(["n"])], { message: "x" }));
    expect(types(full)).toEqual([["NAMESPACE_NOT_EMPTY", "n"]]);
    const inTable = await failure(store.commit("main", [put(["n", "t", "u"], table("u"))], { message: "x" }));
    expect(types(inTable)).toEqual([["NOT_A_NAMESPACE", "n.t"]]);
    await store.commit("main", [del(["n"]), del(["n", "t"])], { message: "both gone" });
    expect(await collect(store.entries(await head(store)))).toEqual([]);
  });

  test("of a writer with a fast clock hide nothing that came after, nor themselves from who asks for now", async () => {
    const noon = Date.UTC(2026, 0, 1, 12);
    let now = noon;
    const store = await open(() => now);
    const commit = async (minute: number) => {
      now = noon + minute * 60_000;
      return (await store.commit("main", [put(["a"], table("a", minute))], { message: "m" })).hash;
    };
    const at = async (minute: number) => (await store.resolve(`main*${noon + minute * 60_000}`)).commit.hash;
    const hashes = [await commit(1), await commit(62), await commit(3), await commit(4)];
    now = noon + 6 * 60_000;
    for (const [minute, index] of [
      [1, 0],
      [2, 0],
      [3, 2],
      [4, 3],
      [6, 3],
    ] as const)
      expect(await at(minute)).toBe(hashes[index]);
    const fast = await commit(70);
    now = noon + 7 * 60_000;
    expect(await at(7)).toBe(fast);
    expect(await at(5)).toBe(hashes[3]);
  });

  test("are found by time as a walk back over them finds them, whatever the clocks did", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(50), { minLength: 1, maxLength: 40 }),
        fc.nat(60),
        async (times, time) => {
          let now = 0;
          const backend = new SqliteBackend(":memory:");
          const store = new VersionStore(backend, { now: () => now });
          await store.ensureBranch("main");
          const hashes = [];
          for (const [n, each] of times.entries()) {
            now = each;
            hashes.push((await store.commit("main", [put(["a"], table("a", n))], { message: "m" })).hash);
          }
          now = 1_000_000;
          const found = (await store.resolve(`main*${time}`)).commit.hash;
          expect(found).toBe(hashes[times.findLastIndex((each) => each <= time)] ?? BEGINNING);
          const since = await store.log(await head(store), { since: new Date(time) });
          expect(since.items.map(({ hash }) => hash)).toEqual(
            hashes.filter((_, n) => (times[n] as number) >= time).reverse(),
          );
          await backend.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("a token on several branches answers for the commit of each", async () => {
    const store = await open();
    const start = await store.commit("main", [put(["n"], namespace("n"))], { message: "start" });
    await store.createReference("BRANCH", "dev", start.hash);
    const once = (branch: string) =>
      store.commit(branch, [put([branch], table(branch))], { message: branch, token: "t" });
    const first = new Map<string, string>();
    for (const branch of ["main", "dev"]) first.set(branch, (await once(branch)).hash);
    for (const branch of ["dev", "main", "main", "dev"])
      expect((await once(branch)).hash).toBe(first.get(branch));
    // Set back, a branch has it no more; where it comes forward again, it has.
    await store.assignReference("main", start.hash);
    const again = (await store.commit("main", [put(["b"], table("b"))], { message: "b", token: "t" })).hash;
    expect(again).not.toBe(first.get("main"));
    await store.assignReference("main", first.get("main") as string);
    expect((await once("main")).hash).toBe(first.get("main"));
  });

  test("a token that is in the log answers for a commit that conflicts with itself", async () => {
    const store = await open();
    const operations = [put(["a"], table("a"), null)];
    const first = await store.commit("main", operations, { message: "one", token: "t-1" });
    await store.commit("main", [put(["b"], table("b"))], { message: "between" });
    expect((await store.commit("main", operations, { message: "one", token: "t-1" })).hash).toBe(first.hash);
    await expect(store.commit("main", operations, { message: "one", token: "t-2" })).rejects.toThrow(
      "exists already",
    );
  });
});

describe("many writers", () => {
  test("on one branch lose nothing, in one process and over several openers of one file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "version-store-"));
    try {
      const stores = Array.from({ length: 4 }, () => {
        const backend = new SqliteBackend(join(directory, "catalog.db"));
        backends.push(backend);
        return new VersionStore(backend);
      });
      await stores[0]?.ensureBranch("main");
      await Promise.all(
        stores.flatMap((store, s) =>
          Array.from({ length: 25 }, (_, n) =>
            store.commit("main", [put([`t${s}-${n}`], table(`${s}-${n}`), null)], { message: "add" }),
          ),
        ),
      );
      const reader = stores[3] as VersionStore;
      expect(await collect(reader.entries(await head(reader)))).toHaveLength(100);
      expect((await head(reader)).depth).toBe(100);
      expect(await collect(reader.reflog("main"))).toHaveLength(101);
    } finally {
      for (const backend of backends.splice(0)) await backend.close();
      await rm(directory, { recursive: true, force: true });
    }
  });

  test("in one process share moves, and one who is refused stands alone", async () => {
    const inner = new SqliteBackend(":memory:");
    backends.push(inner);
    let moves = 0;
    let fault: "none" | "lost" | "unheard" = "none";
    const moveRef: Backend["moveRef"] = async (...args) => {
      moves += 1;
      const kind = fault;
      fault = "none";
      // Another process commits first, or ours gets through and the answer does not.
      if (kind === "lost")
        await new VersionStore(inner).commit("main", [put([`o${moves}`], table("o"))], { message: "other" });
      const moved = await inner.moveRef(...args);
      if (kind === "unheard") throw new LakehouseError("STORAGE_FAILED", "x", "timeout");
      return moved;
    };
    const store = new VersionStore(withOverrides(inner, { moveRef }));
    await store.ensureBranch("main");
    await store.commit("main", [put(["taken"], table("taken"))], { message: "start" });
    for (const kind of ["none", "lost", "unheard"] as const) {
      const before = (await head(store)).depth;
      moves = 0;
      fault = kind;
      const results = await Promise.allSettled(
        Array.from({ length: 30 }, (_, n) => {
          const key = n === 7 ? "taken" : `${kind}${n}`;
          return store.commit("main", [put([key], table(key), null)], { message: `${kind} ${n}` });
        }),
      );
      expect(results.flatMap(({ status }, n) => (status === "rejected" ? [n] : []))).toEqual([7]);
      expect(moves).toBeLessThan(6);
      const now = await head(store);
      expect(now.depth).toBe(before + 29 + (kind === "lost" ? 1 : 0));
      expect((await store.log(now, { message: `${kind} `, limit: 100 })).items).toHaveLength(29);
      const hashes = results.flatMap((result) => (result.status === "fulfilled" ? result.value.hash : []));
      const logged = (await collect(store.reflog("main"))).map(({ to }) => to);
      expect(hashes.every((hash) => logged.includes(hash))).toBe(true);
    }
  });

  test("a move that got through while its answer was lost is found, and applied once", async () => {
    const inner = new SqliteBackend(":memory:");
    backends.push(inner);
    let n = 0;
    let mode: "fine" | "applied, then error" | "applied, then false" | "error" = "fine";
    const moveRef: Backend["moveRef"] = async (...args) => {
      const lost = mode;
      mode = "fine";
      if (lost === "error") throw new LakehouseError("STORAGE_FAILED", "x", "gone");
      const moved = await inner.moveRef(...args);
      if (lost === "fine") return moved;
      // Somebody else commits before we look.
      await new VersionStore(inner).commit("main", [put([`other${++n}`], table("other"))], {
        message: "other",
      });
      if (lost === "applied, then false") return false;
      throw new LakehouseError("STORAGE_FAILED", "x", "timeout");
    };
    const flaky = withOverrides(inner, { moveRef });
    const store = new VersionStore(flaky);
    await store.ensureBranch("main");
    for (const fault of ["applied, then error", "applied, then false"] as const) {
      mode = fault;
      const commit = await store.commit("main", [put([`t${n}`], table(`t${n}`), null)], { message: fault });
      expect(commit.message).toBe(fault);
      const log = await store.log(await head(store), { message: fault });
      expect(log.items).toHaveLength(1);
    }
    mode = "error";
    await expect(store.commit("main", [put(["t9"], table("t9"))], { message: "never" })).rejects.toThrow(
      "gone",
    );
    expect(await store.content(await head(store), ["t9"])).toBeUndefined();
  });
});
