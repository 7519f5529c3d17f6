import { afterEach, describe, expect, test } from "vitest";
import type { ConflictError } from "../../../lib/lakehouse/catalog/model/conflicts.js";
import type { Content } from "../../../lib/lakehouse/catalog/model/content.js";
import type { Operation } from "../../../lib/lakehouse/catalog/model/operations.js";
import type { Backend } from "../../../lib/lakehouse/catalog/store/backend.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
import { collect, del, namespace, put, table } from "../support/contents.js";

const backends: Backend[] = [];
afterEach(async () => {
  for (const backend of backends.splice(0)) await backend.close();
});

/** main with tables a, b, c and namespace n, and the branch etl at the same commit. */
async function fork() {
  const backend = new SqliteBackend(":memory:");
  backends.push(backend);
  const store = new VersionStore(backend, { author: "ada" });
  await store.ensureBranch("main");
  const start = [...["a", "b", "c"].map((id) => put([id], table(id))), put(["n"], namespace("n"))];
  const base = await store.commit("main", start, { message: "start" });
  await store.createReference("BRANCH", "etl", base.hash);
  const commit = (branch: string, ...operations: Operation[]) =>
    store.commit(branch, operations, { message: `change ${branch}` });
  const source = async (name = "etl") => ({ name, commit: (await store.resolve(name)).commit });
  const contents = async (branch = "main") => {
    const entries = await collect(store.entries((await store.resolve(branch)).commit));
    return Object.fromEntries(entries.map(({ key, content }) => [key.join("."), content])) as Record<
      string,
      Content
    >;
  };
  return { store, base, commit, source, contents };
}

const failure = async (promise: Promise<unknown>): Promise<ConflictError> =>
  promise.then(
    () => expect.unreachable("it succeeded"),
    (error) => error,
  );
const types = (error: ConflictError) => error.conflicts.map(({ type, key }) => [type, key?.join(".")]);

describe("a merge", () => {
  test("takes what only the source changed, keeps what only the target changed, and has both as parents", async () => {
    const { store, base, commit, source, contents } = await fork();
    await commit("etl", put(["a"], table("a", 1)), put(["n", "new"], table("new")), del(["c"]));
    const tip = await commit("etl", put(["a"], table("a", 2)));
    const other = await commit("main", put(["b"], table("b", 1)));
    const merged = await store.merge("main", await source(), { message: "Release", author: "eve" });
    expect(merged).toMatchObject({ applied: true, before: other.hash, mergeBase: base.hash });
    expect(merged.keys.map(({ key, conflict }) => [key.join("."), conflict])).toEqual([
      ["a", undefined],
      ["c", undefined],
      ["n.new", undefined],
    ]);
    const head = (await store.resolve("main")).commit;
    expect(head).toMatchObject({
      hash: merged.after,
      parents: [other.hash, tip.hash],
      message: "Release",
      authors: ["eve"],
    });
    expect(head.operations).toHaveLength(3);
    expect(await contents()).toEqual({
      a: table("a", 2),
      b: table("b", 1),
      n: namespace("n"),
      "n.new": table("new"),
    });
    expect((await collect(store.reflog("main")))[0]?.operation).toBe("MERGE");
    expect((await store.log(head)).items).toHaveLength(3);
  });

  test("with nothing new changes nothing, before and after", async () => {
    const { store, commit, source } = await fork();
    expect(await store.merge("main", await source())).toMatchObject({ applied: false, keys: [] });
    await commit("etl", put(["a"], table("a", 1)));
    await store.merge("main", await source());
    expect((await store.merge("main", await source())).applied).toBe(false);
  });

  test("again and again compares with the last one", async () => {
    const { store, commit, source, contents } = await fork();
    for (let round = 1; round <= 3; round++) {
      const tip = await commit("etl", put(["a"], table("a", round)));
      await commit("main", put(["b"], table("b", round)));
      await store.merge("main", await source());
      const back = await store.merge("etl", await source("main"));
      expect(back.mergeBase).toBe(tip.hash);
    }
    expect(await contents("etl")).toEqual(await contents("main"));
  });

  test("reports every conflict in the words of Nessie, and changes nothing", async () => {
    const { store, commit, source, contents } = await fork();
    await commit(
      "etl",
      put(["a"], table("a", 1)),
      del(["b"]),
      put(["c"], table("c", 1)),
      put(["x"], table("x1")),
    );
    await commit(
      "main",
      put(["a"], table("a", 2)),
      put(["b"], table("b", 2)),
      del(["c"]),
      put(["x"], table("x2")),
    );
    const before = await contents();
    const error = await failure(store.merge("main", await source()));
    expect(error.code).toBe("COMMIT_CONFLICT");
    expect(types(error)).toEqual([
      ["VALUE_DIFFERS", "a"],
      ["VALUE_DIFFERS", "b"],
      ["KEY_DOES_NOT_EXIST", "c"],
      ["KEY_EXISTS", "x"],
    ]);
    expect(await contents()).toEqual(before);
    const dry = await store.merge("main", await source(), { dryRun: true });
    expect(dry.applied).toBe(false);
    expect(dry.keys.map(({ conflict }) => conflict?.type)).toEqual(error.conflicts.map(({ type }) => type));
  });

  test("forces and drops keys as told", async () => {
    const { store, commit, source, contents } = await fork();
    await commit("etl", put(["a"], table("a", 1)), put(["b"], table("b", 1)), put(["c"], table("c", 1)));
    await commit("main", put(["a"], table("a", 2)), put(["b"], table("b", 2)));
    const merged = await store.merge("main", await source(), {
      behaviors: [
        { key: ["a"], behavior: "FORCE" },
        { key: ["b"], behavior: "DROP" },
      ],
    });
    expect(merged.keys.map(({ behavior }) => behavior)).toEqual(["FORCE", "DROP", "NORMAL"]);
    expect(await contents()).toMatchObject({ a: table("a", 1), b: table("b", 2), c: table("c", 1) });
    await commit("etl", put(["b"], table("b", 3)));
    const all = await store.merge("main", await source(), { defaultBehavior: "DROP" });
    expect(all.applied).toBe(false);
  });

  test("takes the same change on both sides as one", async () => {
    const { store, commit, source, contents } = await fork();
    await commit("etl", put(["a"], table("a", 1)), del(["c"]), put(["m"], namespace("m-etl")));
    await commit("main", put(["a"], table("a", 1)), del(["c"]), put(["m"], namespace("m-main")));
    expect(
      (await store.merge("main", await source())).keys.every(({ conflict }) => conflict === undefined),
    ).toBe(true);
    expect((await contents()).m).toEqual(namespace("m-main"));
  });

  test("fast-forwards a table that one side took from the other's history", async () => {
    const { store, commit, source, contents } = await fork();
    const picked = await commit("etl", put(["a"], table("a", 1)));
    await store.transplant("main", [picked]);
    await commit("etl", put(["a"], table("a", 2)));
    await store.merge("main", await source());
    expect((await contents()).a).toEqual(table("a", 2));

    const second = await commit("etl", put(["b"], table("b", 1)));
    await store.transplant("main", [second]);
    await commit("main", put(["b"], table("b", 2)));
    expect((await store.merge("main", await source())).applied).toBe(false);
    expect((await contents()).b).toEqual(table("b", 2));
  });

  test("moves the branch itself where a fast-forward is allowed", async () => {
    const { store, commit, source } = await fork();
    const tip = await commit("etl", put(["a"], table("a", 1)));
    expect(await store.merge("main", await source(), { fastForward: "only" })).toMatchObject({
      applied: true,
      after: tip.hash,
    });
    await commit("main", put(["b"], table("b", 1)));
    await commit("etl", put(["a"], table("a", 2)));
    const error = await failure(store.merge("main", await source(), { fastForward: "only" }));
    expect(error.code).toBe("REF_CONFLICT");
    const merged = await store.merge("main", await source(), { fastForward: "allow" });
    expect((await store.commitAt(merged.after)).parents).toHaveLength(2);
  });

  test("follows renames, and refuses two of one table", async () => {
    const { store, commit, source, contents } = await fork();
    await commit("etl", del(["a"]), put(["a2"], table("a")));
    await commit("main", put(["b"], table("b", 1)));
    await store.merge("main", await source());
    expect(Object.keys(await contents())).toEqual(["a2", "b", "c", "n"]);

    await commit("etl", del(["c"]), put(["c2"], table("c")));
    await commit("main", del(["c"]), put(["c3"], table("c")));
    expect(types(await failure(store.merge("main", await source())))).toEqual([["KEY_CONFLICT", "c2"]]);
    await store.merge("main", await source(), { defaultBehavior: "FORCE" });
    expect(Object.keys(await contents())).toEqual(["a2", "b", "c2", "n"]);
  });

  test("keeps namespaces in order", async () => {
    const { store, commit, source } = await fork();
    await commit("etl", put(["n", "t"], table("t")));
    await commit("main", del(["n"]));
    expect(types(await failure(store.merge("main", await source())))).toEqual([["NAMESPACE_ABSENT", "n"]]);
    expect(types(await failure(store.merge("etl", await source("main"))))).toEqual([
      ["NAMESPACE_NOT_EMPTY", "n"],
    ]);
  });

  test("of histories without a common commit starts from nothing", async () => {
    const { store, commit, source, contents } = await fork();
    await store.createReference("BRANCH", "alone", (await store.resolve("main~1")).commit.hash);
    await commit("alone", put(["z"], table("z")));
    await store.merge("main", await source("alone"));
    expect(Object.keys(await contents())).toEqual(["a", "b", "c", "n", "z"]);
  });
});

describe("a transplant", () => {
  test("applies the commits given, one by one, with their authors, or none of them", async () => {
    const { store, commit, contents } = await fork();
    const one = await store.commit("etl", [put(["a"], table("a", 1))], { message: "one", author: "bob" });
    const two = await commit("etl", put(["b"], table("b", 1)));
    const three = await commit("etl", put(["a"], table("a", 2)), put(["c"], table("c", 1)));
    const picked = await store.transplant("main", [one, three]);
    expect(await contents()).toMatchObject({ a: table("a", 2), b: table("b"), c: table("c", 1) });
    const log = (await store.log(await store.commitAt(picked.after))).items;
    expect(log.map(({ message, authors, committer }) => [message, authors, committer])).toEqual([
      ["change etl", ["ada"], "ada"],
      ["one", ["bob"], "ada"],
      ["start", ["ada"], "ada"],
    ]);
    await commit("main", put(["b"], table("b", 9)));
    const before = await contents();
    const four = await commit("etl", put(["d"], table("d")));
    const error = await failure(store.transplant("main", [four, two]));
    expect(types(error)).toEqual([["VALUE_DIFFERS", "b"]]);
    expect(await contents()).toEqual(before);
  });

  test("of what the target has already does nothing", async () => {
    const { store, commit } = await fork();
    const one = await commit("etl", put(["a"], table("a", 1)));
    await store.transplant("main", [one]);
    expect((await store.transplant("main", [one])).applied).toBe(false);
    await expect(store.transplant("main", [])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("a revert", () => {
  test("undoes commits and leaves what came after to other keys", async () => {
    const { store, commit, contents } = await fork();
    const bad = await commit("main", put(["a"], table("a", 1)), del(["b"]), put(["x"], table("x")));
    await commit("main", put(["c"], table("c", 1)));
    const undone = await store.revert("main", [bad]);
    expect(await contents()).toEqual({ a: table("a"), b: table("b"), c: table("c", 1), n: namespace("n") });
    expect((await store.commitAt(undone.after)).message).toContain(bad.hash);
    await commit("main", put(["c"], table("c", 2)));
    const later = (await store.resolve("main~2")).commit;
    expect(later.operations[0]?.key).toEqual(["c"]);
    expect(types(await failure(store.revert("main", [later])))).toEqual([["VALUE_DIFFERS", "c"]]);
  });

  test("of a merge undoes what it brought to the first parent", async () => {
    const { store, commit, source, contents } = await fork();
    await commit("etl", put(["a"], table("a", 1)));
    await commit("main", put(["b"], table("b", 1)));
    const before = await contents();
    const merged = await store.merge("main", await source());
    await store.revert("main", [await store.commitAt(merged.after)]);
    expect(await contents()).toEqual(before);
  });
});
