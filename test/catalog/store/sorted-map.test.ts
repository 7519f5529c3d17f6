import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { Hash } from "../../../lib/lakehouse/catalog/model/hash.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { ObjectCache } from "../../../lib/lakehouse/catalog/store/object-cache.js";
import {
  cutLevel,
  diffMaps,
  EMPTY_MAP,
  editMap,
  getEntry,
  type MapNode,
  scanLeaves,
} from "../../../lib/lakehouse/catalog/store/sorted-map.js";
import { runs } from "../../support/runs.js";
import { withOverrides } from "../support/contents.js";

const backend = new SqliteBackend(":memory:");
const objects = new ObjectCache(backend, 1 << 20, [EMPTY_MAP]);
afterAll(() => backend.close());

async function apply(root: Hash, edits: ReadonlyMap<string, string | undefined>): Promise<Hash> {
  const edited = await editMap(objects, root, edits);
  await backend.put(edited.created);
  return edited.root;
}

async function entries(root: Hash, from = ""): Promise<[string, string][]> {
  const all: [string, string][] = [];
  for await (const leaf of scanLeaves(objects, root, from))
    all.push(...leaf.map(([k, v]) => [k, v] as [string, string]));
  return all;
}

const sorted = (model: ReadonlyMap<string, string>) => [...model].sort(([a], [b]) => (a < b ? -1 : 1));

// Few different keys, so that edits hit what is there; some of them end nodes of level 0 and 1.
const key = fc.oneof(
  fc.integer({ min: 0, max: 600 }).map((n) => `k${n}`),
  fc.string({ maxLength: 4 }),
);
const edit = fc.tuple(key, fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined, freq: 3 }));
const batches = fc.array(fc.array(edit, { maxLength: 80 }), { maxLength: 8 });

describe("the persistent sorted map", () => {
  test("agrees with a plain map after any edits, and its hash depends on the entries alone", async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (history) => {
        const model = new Map<string, string>();
        let root: Hash = EMPTY_MAP.hash;
        for (const batch of history) {
          for (const [k, v] of batch) {
            if (v === undefined) model.delete(k);
            else model.set(k, v);
          }
          root = await apply(root, new Map(batch));
        }
        expect(await entries(root)).toEqual(sorted(model));
        expect(await apply(EMPTY_MAP.hash, model)).toBe(root);
      }),
      { numRuns: runs(150) },
    );
  });

  test("one edit at a time in any order gives the same hash as all at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { minLength: 1, maxLength: 120 }), async (keys) => {
        let root: Hash = EMPTY_MAP.hash;
        for (const k of keys) root = await apply(root, new Map([[k, `v${k}`]]));
        expect(await apply(EMPTY_MAP.hash, new Map(keys.map((k) => [k, `v${k}`])))).toBe(root);
        for (const k of keys) root = await apply(root, new Map([[k, undefined]]));
        expect(root).toBe(EMPTY_MAP.hash);
      }),
      { numRuns: runs(40) },
    );
  });

  test("a diff is what a comparison of all entries finds", async () => {
    const model = fc.dictionary(key, fc.constantFrom("a", "b", "c"), { maxKeys: 300 });
    await fc.assert(
      fc.asyncProperty(model, fc.array(edit, { maxLength: 60 }), async (start, edits) => {
        const before = new Map<string, string>(Object.entries(start));
        const after = new Map(before);
        for (const [k, v] of edits) {
          if (v === undefined) after.delete(k);
          else after.set(k, v);
        }
        const from = await apply(EMPTY_MAP.hash, before);
        const to = await apply(from, new Map(edits));
        const found = [];
        for await (const difference of diffMaps(objects, from, to)) found.push(difference);
        const expected = [...new Set([...before.keys(), ...after.keys()])]
          .sort()
          .filter((k) => before.get(k) !== after.get(k))
          .map((k) => ({ key: k, from: before.get(k), to: after.get(k) }));
        expect(found).toEqual(expected);
      }),
      { numRuns: runs(150) },
    );
  });

  test("a diff is right where an edit joins or parts nodes", async () => {
    const keys = Array.from({ length: 1500 }, (_, n) => `k${n}`);
    const all = new Map(keys.map((k) => [k, "a"]));
    const root = await apply(EMPTY_MAP.hash, all);
    for (const k of keys.filter((candidate) => cutLevel(candidate) > 0)) {
      const without = await apply(root, new Map([[k, undefined]]));
      const removed = [];
      for await (const difference of diffMaps(objects, root, without)) removed.push(difference);
      expect(removed).toEqual([{ key: k, from: "a", to: undefined }]);
      const added = [];
      for await (const difference of diffMaps(objects, without, root)) added.push(difference);
      expect(added).toEqual([{ key: k, from: undefined, to: "a" }]);
    }
  });

  test("finds every key and nothing else, and scans from any place", async () => {
    const model = new Map(Array.from({ length: 5000 }, (_, n) => [`table-${n}`, `${n}`] as const));
    const root = await apply(EMPTY_MAP.hash, model);
    for (const n of [0, 17, 2500, 4999]) expect(await getEntry(objects, root, `table-${n}`)).toBe(`${n}`);
    for (const k of ["", "table-", "table-5000", "z"])
      expect(await getEntry(objects, root, k)).toBeUndefined();
    const from = sorted(model).findIndex(([k]) => k >= "table-42");
    expect(await entries(root, "table-42")).toEqual(sorted(model).slice(from));
    expect(await entries(root, "z")).toEqual([]);
  });

  test("an edit writes one node a level, and a diff reads only what differs", async () => {
    const model = new Map(
      Array.from({ length: 20_000 }, (_, n) => [`ns${n % 100}.table${n}`, `${n}`] as const),
    );
    const root = await apply(EMPTY_MAP.hash, model);
    const height = (await objects.get<MapNode>(root)).level + 1;
    const edited = await editMap(objects, root, new Map([["ns7.table7", "new"]]));
    expect(edited.created).toHaveLength(height);
    await backend.put(edited.created);

    const reads: Hash[] = [];
    const counting = withOverrides(backend, {
      get: (hashes) => {
        reads.push(...hashes);
        return backend.get(hashes);
      },
    });
    const found = [];
    for await (const difference of diffMaps(new ObjectCache(counting, 1 << 20), root, edited.root)) {
      found.push(difference);
    }
    expect(found).toEqual([{ key: "ns7.table7", from: "7", to: "new" }]);
    expect(reads).toHaveLength(2 * height);
  });

  test("nodes hold 32 entries in the mean", () => {
    const keys = Array.from({ length: 100_000 }, (_, n) => `flights.daily_${n}`);
    const leaves = keys.filter((k) => cutLevel(k) > 0).length;
    expect(keys.length / leaves).toBeGreaterThan(28);
    expect(keys.length / leaves).toBeLessThan(36);
  });
});
