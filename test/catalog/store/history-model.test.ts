import fc from "fast-check";
import { expect, test } from "vitest";
import type { Content } from "../../../lib/lakehouse/catalog/model/content.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { isAncestor, mergeBase } from "../../../lib/lakehouse/catalog/store/commits.js";
import { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
import { runs } from "../../support/runs.js";
import { collect, del, put, table } from "../support/contents.js";

/** The naive model: a commit is its parents and all of its entries. */
interface ModelCommit {
  readonly id: number;
  readonly parents: readonly ModelCommit[];
  readonly entries: ReadonlyMap<string, string>;
}

const branches = ["main", "a", "b"];
const key = fc.integer({ min: 0, max: 40 }).map((n) => `t${n}`);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      branch: fc.constantFrom(...branches),
      edits: fc.uniqueArray(fc.tuple(key, fc.option(fc.nat(), { nil: undefined })), {
        minLength: 1,
        maxLength: 5,
        selector: ([k]) => k,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("merge" as const),
      branch: fc.constantFrom(...branches),
      from: fc.constantFrom(...branches),
      behavior: fc.constantFrom("NORMAL" as const, "FORCE" as const, "DROP" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("assign" as const),
      branch: fc.constantFrom("a", "b"),
      from: fc.constantFrom(...branches),
    }),
  },
);

function ancestors(commit: ModelCommit): Set<ModelCommit> {
  const found = new Set<ModelCommit>([commit]);
  for (const one of found) for (const parent of one.parents) found.add(parent);
  return found;
}

/** Common ancestors that are no other common ancestor's ancestor. */
function nearest(left: ModelCommit, right: ModelCommit): ModelCommit[] {
  const common = [...ancestors(left)].filter((commit) => ancestors(right).has(commit));
  return common.filter((commit) => !common.some((other) => other !== commit && ancestors(other).has(commit)));
}

test("random histories of commits, merges and assignments agree with a naive model", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const backend = new SqliteBackend(":memory:");
      const store = new VersionStore(backend);
      await store.ensureBranch("main");
      const root: ModelCommit = { id: 0, parents: [], entries: new Map() };
      const heads = new Map(branches.map((name) => [name, root]));
      const hashes = new Map([[root, (await store.reference("main")).hash]]);
      for (const name of ["a", "b"]) await store.createReference("BRANCH", name, hashes.get(root) as string);
      let id = 0;
      // Each state is its own object, so that nothing is ever a fast-forward of one key but by plain equality.
      const value = (state: string): Content => table(state);

      for (const one of steps) {
        const head = heads.get(one.branch) as ModelCommit;
        if (one.do === "commit") {
          const entries = new Map(head.entries);
          const edits = one.edits.filter(([k, v]) => v !== undefined || entries.has(k));
          if (edits.length === 0) continue;
          const operations = edits.map(([k, v]) => {
            if (v === undefined) {
              entries.delete(k);
              return del([k]);
            }
            const state = `${++id}`;
            entries.set(k, state);
            return put([k], value(state));
          });
          const commit = await store.commit(one.branch, operations, { message: "m" });
          const model = { id: ++id, parents: [head], entries };
          heads.set(one.branch, model);
          hashes.set(model, commit.hash);
        } else if (one.do === "assign") {
          const target = heads.get(one.from) as ModelCommit;
          await store.assignReference(one.branch, hashes.get(target) as string);
          heads.set(one.branch, target);
        } else {
          const source = heads.get(one.from) as ModelCommit;
          const commit = await store.commitAt(hashes.get(source) as string);
          const base = await mergeBase(
            store.context.objects,
            await store.commitAt(hashes.get(head) as string),
            commit,
          );
          const candidates = nearest(head, source);
          expect(candidates.map((candidate) => hashes.get(candidate))).toContain(base.hash);
          const from = candidates.find((candidate) => hashes.get(candidate) === base.hash) as ModelCommit;
          const entries = new Map(head.entries);
          let conflicts = 0;
          for (const k of new Set([...from.entries.keys(), ...source.entries.keys()])) {
            const [was, theirs, ours] = [from.entries.get(k), source.entries.get(k), head.entries.get(k)];
            if (was === theirs || theirs === ours || one.behavior === "DROP") continue;
            if (ours !== was && one.behavior === "NORMAL") conflicts += 1;
            else if (theirs === undefined) entries.delete(k);
            else entries.set(k, theirs);
          }
          const options = { defaultBehavior: one.behavior };
          const dry = await store.merge(one.branch, { name: one.from, commit }, { ...options, dryRun: true });
          const found = dry.keys.filter(({ conflict }) => conflict !== undefined).length;
          // A state that one side passed through is a fast-forward for us and a conflict for the model.
          expect(found).toBeLessThanOrEqual(conflicts);
          if (conflicts > 0) continue;
          const merged = await store.merge(one.branch, { name: one.from, commit }, options);
          const same =
            entries.size === head.entries.size && [...entries].every(([k, v]) => head.entries.get(k) === v);
          expect(merged.applied).toBe(!same);
          if (same) continue;
          const model = { id: ++id, parents: [head, source], entries };
          heads.set(one.branch, model);
          hashes.set(model, merged.after);
        }
      }

      for (const name of branches) {
        const model = heads.get(name) as ModelCommit;
        const { commit } = await store.resolve(name);
        expect(commit.hash).toBe(hashes.get(model));
        const entries = await collect(store.entries(commit));
        expect(entries.map(({ key: k, content }) => [k.join("."), content.id]).sort()).toEqual(
          [...model.entries].sort(),
        );
        for (const [other, hash] of hashes) {
          const known = await store.commitAt(hash);
          expect(await isAncestor(store.context.objects, known, commit)).toBe(ancestors(model).has(other));
          if (sameEntries(other.entries, model.entries)) expect(known.tree).toBe(commit.tree);
        }
      }
      await backend.close();
    }),
    { numRuns: runs(60) },
  );
});

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([k, v]) => b.get(k) === v);
}
