import { describe, expect, test } from "vitest";
import { encodeKey } from "../../../lib/lakehouse/catalog/model/content.js";
import { BEGINNING } from "../../../lib/lakehouse/catalog/model/hash.js";
import type { Commit } from "../../../lib/lakehouse/catalog/store/commits.js";
import type { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
import { collect, del, namespace, put, table } from "../support/contents.js";
import { failure, head, open } from "../support/version-stores.js";

describe("references", () => {
  test("are created anywhere, assigned and deleted with the hash expected of them", async () => {
    const store = await open();
    const one = await store.commit("main", [put(["a"], table("a"))], { message: "one" });
    const two = await store.commit("main", [put(["a"], table("a", 1))], { message: "two" });
    await store.createReference("BRANCH", "etl/daily", one.hash);
    await store.createReference("TAG", "v1.0", two.hash);
    expect(await store.references()).toEqual([
      { type: "BRANCH", name: "etl/daily", hash: one.hash },
      { type: "BRANCH", name: "main", hash: two.hash },
      { type: "TAG", name: "v1.0", hash: two.hash },
    ]);
    await expect(store.createReference("TAG", "main", one.hash)).rejects.toMatchObject({
      code: "REF_EXISTS",
    });
    const error = await failure(store.assignReference("etl/daily", two.hash, { expectedHash: two.hash }));
    expect(error).toMatchObject({ code: "REF_CONFLICT", conflicts: [{ type: "UNEXPECTED_HASH" }] });
    await store.assignReference("etl/daily", two.hash, { expectedHash: one.hash });
    await expect(store.commit("v1.0", [del(["a"])], { message: "x" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(store.deleteReference("v1.0", { expectedHash: one.hash })).rejects.toMatchObject({
      code: "REF_CONFLICT",
    });
    await store.deleteReference("v1.0");
    await expect(store.reference("v1.0")).rejects.toMatchObject({ code: "NO_SUCH_REF" });
    await expect(store.reference("etl/dialy")).rejects.toThrow("Did you mean etl/daily?");
  });

  test("keep a log of their moves that outlives them and brings them back", async () => {
    const store = await open();
    const one = await store.commit("main", [put(["a"], table("a"))], { message: "one" });
    await store.createReference("BRANCH", "etl", one.hash, { author: "eve", message: "try" });
    const two = await store.commit("etl", [put(["a"], table("a", 1))], { message: "two" });
    await store.deleteReference("etl");
    const moves = await collect(store.reflog("etl"));
    expect(moves.map(({ operation, from, to }) => [operation, from, to])).toEqual([
      ["DELETE", two.hash, undefined],
      ["COMMIT", one.hash, two.hash],
      ["CREATE", undefined, one.hash],
    ]);
    expect(moves[2]).toMatchObject({ author: "eve", message: "try", sequence: 1 });
    await store.createReference("BRANCH", "etl", moves[0]?.from as string);
    expect((await head(store, "etl")).hash).toBe(two.hash);
    expect((await collect(store.reflog("etl")))[0]).toMatchObject({ operation: "CREATE", sequence: 4 });
  });

  test.each(["", "1a", "a..b", "a/", "a.", "HEAD", "detached", "abcdef12", "a b", "ä", "-"])(
    "cannot be named %j",
    async (name) => {
      const store = await open();
      await expect(store.createReference("BRANCH", name, BEGINNING)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    },
  );
});

describe("reference expressions", () => {
  test("name any commit as Nessie writes it", async () => {
    let now = Date.parse("2026-01-01T00:00:00Z");
    const store = await open(() => now);
    const commits: Commit[] = [];
    for (let n = 0; n < 40; n++) {
      now += 1_000;
      commits.push(await store.commit("main", [put(["t"], table("t", n))], { message: `${n}` }));
    }
    await store.createReference("BRANCH", "etl", commits[20]?.hash as string);
    const side = await store.commit("etl", [put(["u"], table("u"))], { message: "side" });
    const merged = await store.merge("main", { commit: side, name: "etl" });
    const at = async (expression: string) => (await store.resolve(expression)).commit.hash;
    const hash = (n: number) => commits[n]?.hash as string;
    expect(await at("main")).toBe(merged.after);
    for (const n of [1, 2, 7, 16, 17, 39, 40]) expect(await at(`main~${n}`)).toBe(hash(40 - n));
    expect(await at("main~41")).toBe(BEGINNING);
    expect(await at("main^1")).toBe(hash(39));
    expect(await at("main^2")).toBe(side.hash);
    expect(await at("main^2~1")).toBe(hash(20));
    expect(await at("main~3~2^1")).toBe(hash(34));
    expect(await at(`main@${hash(5)}`)).toBe(hash(5));
    expect(await at(`main@${hash(5).slice(0, 12)}`)).toBe(hash(5));
    expect(await at(`main@${side.hash}`)).toBe(side.hash);
    expect(await at(`@${hash(9)}`)).toBe(hash(9));
    expect(await at(`@${hash(9).toUpperCase()}~4`)).toBe(hash(5));
    expect(await at(`main@${BEGINNING}`)).toBe(BEGINNING);
    for (const n of [0, 1, 13, 31, 38]) {
      const time = commits[n]?.commitTime as number;
      expect(await at(`main*${time}`)).toBe(hash(n));
      expect(await at(`main*${new Date(time + 999).toISOString()}`)).toBe(hash(n));
    }
    expect(await at("main*2025-12-31T23:59:59Z")).toBe(BEGINNING);
    expect((await store.resolve("main")).isHead).toBe(true);
    expect((await store.resolve("main~1")).isHead).toBe(false);
  });

  test("are found by a part of the hash on every branch, and after a deletion by the reflog", async () => {
    const store = await open();
    await store.commit("main", [put(["t"], table("t"))], { message: "one" });
    await store.createReference("BRANCH", "etl", (await store.reference("main")).hash);
    const { hash } = await store.commit("etl", [put(["u"], table("u"))], { message: "two" });
    const found = async () => (await store.resolve(`@${hash.slice(0, 12)}`)).commit.hash;
    expect(await found()).toBe(hash);
    await store.deleteReference("etl");
    expect(await found()).toBe(hash);
    expect((await failure(store.resolve(`main@${hash.slice(0, 12)}`))).code).toBe("NO_SUCH_REF");
  });

  test("that name nothing say why", async () => {
    const store = await open();
    const one = await store.commit("main", [put(["t"], table("t"))], { message: "one" });
    await store.createReference("BRANCH", "etl", BEGINNING);
    const code = async (expression: string) => (await failure(store.resolve(expression))).code;
    expect(await code("nope")).toBe("NO_SUCH_REF");
    expect(await code("main~2")).toBe("NO_SUCH_REF");
    // What could be a hash names no branch: what is missing is the sign before it.
    for (const bare of ["12345678", "deadbeef"]) {
      expect(await failure(store.resolve(bare))).toMatchObject({ remedy: `For a commit write @${bare}.` });
    }
    expect(await code("main^2")).toBe("NO_SUCH_REF");
    expect(await code(`etl@${one.hash}`)).toBe("NO_SUCH_REF");
    expect(await code(`@${"0".repeat(64)}`)).toBe("NO_SUCH_REF");
    expect(await code("@00000000")).toBe("NO_SUCH_REF");
    expect(await code(`@${one.tree}`)).toBe("NO_SUCH_REF");
    for (const text of [
      "",
      "@",
      "main~",
      "main~x",
      "main~2026-01-01T00:00:00Z",
      "main@xyz",
      "main@1234",
      "a..b",
    ]) {
      expect(await code(text), text).toBe("INVALID_ARGUMENT");
    }
  });
});

describe("the log", () => {
  test("filters by author, message, time, key and object, and pages", async () => {
    let now = 0;
    const store = await open(() => now);
    await store.commit("main", [put(["n"], namespace("n"))], { message: "Make n", author: "ada" });
    for (let n = 1; n <= 9; n++) {
      now = n * 1_000;
      const key = n % 3 === 0 ? ["n", "t"] : ["u"];
      const options = {
        message: `Change ${n}`,
        author: n % 2 ? "bob" : "ada",
        properties: { day: `${n % 2}` },
      };
      await store.commit("main", [put(key, table(key[0] as string, n))], options);
    }
    const main = await head(store);
    const found = async (options: Parameters<VersionStore["log"]>[1]) =>
      (await store.log(main, options)).items.map(({ message }) => Number(message.split(" ")[1]) || 0);
    expect(await found({})).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(await found({ author: "bob" })).toEqual([9, 7, 5, 3, 1]);
    expect(await found({ message: "make" })).toEqual([0]);
    expect(await found({ since: new Date(4_000), until: new Date(6_000) })).toEqual([6, 5, 4]);
    expect(await found({ key: ["n"] })).toEqual([9, 6, 3, 0]);
    expect(await found({ key: ["n", "t"] })).toEqual([9, 6, 3]);
    expect(await found({ contentId: "u" })).toEqual([8, 7, 5, 4, 2, 1]);
    expect(await found({ properties: { day: "0" }, author: "ada" })).toEqual([8, 6, 4, 2]);
    expect(await found({ stopAt: (await store.resolve("main~2")).commit.hash })).toEqual([9, 8, 7]);
    const first = await store.log(main, { limit: 4 });
    const second = await store.log(main, { limit: 4, pageToken: first.nextPageToken as string });
    const third = await store.log(main, { limit: 4, pageToken: second.nextPageToken as string });
    expect([first, second, third].map(({ items }) => items.length)).toEqual([4, 4, 2]);
    expect(third.nextPageToken).toBeUndefined();
  });
});

test("keys with odd characters keep their order and their bounds", async () => {
  const store = await open();
  const keys = [["a"], ["a", "b"], ["a", "b c"], ["a", "é"], ["a.b"], ["a.b", "c"], ["ab"], ["a b"]];
  const operations = keys.map((key) =>
    put(key, key.length === 1 ? namespace(encodeKey(key)) : table(key.join())),
  );
  await store.commit("main", operations, { message: "odd" });
  const inside = await collect(store.entries(await head(store), ["a"]));
  expect(inside.map(({ key }) => key)).toEqual([
    ["a", "b"],
    ["a", "b c"],
    ["a", "é"],
  ]);
  for (const key of [
    [],
    [""],
    ["a", ""],
    ["a\u0000"],
    ["\n"],
    Array.from({ length: 21 }, () => "x"),
    ["x".repeat(501)],
  ]) {
    await expect(store.commit("main", [put(key, table("x"))], { message: "x" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  }
});
