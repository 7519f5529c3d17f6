import fc from "fast-check";
import { expect, test } from "vitest";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { findReachable } from "../../../lib/lakehouse/catalog/store/reachability.js";
import { finishSweep, sweep } from "../../../lib/lakehouse/catalog/store/sweep.js";
import { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
import { runs } from "../../support/runs.js";
import { collect, del, namespace, put, table } from "../support/contents.js";

const names = ["main", "a", "b"];
const step = fc.record({
  do: fc.constantFrom(
    ...([
      "commit",
      "commit",
      "commit",
      "namespace",
      "delete",
      "rename",
      "branch",
      "merge",
      "merge",
      "forward",
    ] as const),
    ...(["transplant", "revert", "assign", "token", "drop", "diff"] as const),
  ),
  ref: fc.constantFrom(...names),
  other: fc.constantFrom(...names),
  key: fc.nat(70),
  state: fc.nat(3),
  behavior: fc.constantFrom("NORMAL", "NORMAL", "FORCE", "DROP"),
  sweeps: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What a history answers, and where it ends; hashes by the order in which they came. */
async function play(steps: readonly Step[], sweeps: boolean): Promise<unknown[]> {
  let now = 1_000;
  const store = new VersionStore(new SqliteBackend(":memory:"), { now: () => now++ });
  const noFiles = { delete: async () => {}, lead: async () => false };
  const collectGarbage = async () => {
    const state = await finishSweep(store.context, noFiles);
    const found = await findReachable(store.context, new Date(0));
    // Nothing is old enough: all that there is to see of the sweep is its number.
    expect(await sweep(store.context, state, found, [], noFiles)).toBe(true);
  };
  const known = new Map<string, number>();
  const short = (hash: string) => known.get(hash) ?? known.set(hash, known.size).size - 1;
  const seen: unknown[] = [];
  await store.ensureBranch("main");
  let count = 0;
  for (const { do: action, ref, other, key, state, behavior, sweeps: isSwept } of steps) {
    if (sweeps && isSwept) await collectGarbage();
    const at = async (name: string) => (await store.resolve(name)).commit;
    const act = async (): Promise<unknown> => {
      const message = `m${count++}`;
      const options = { message, defaultBehavior: behavior } as const;
      const name = [`t${key}`];
      const told = async ({
        applied,
        after,
        keys,
      }: {
        applied: boolean;
        after: string;
        keys: readonly unknown[];
      }) => [applied, short(after), keys];
      switch (action) {
        case "commit":
          return short((await store.commit(ref, [put(name, table(`t${key}`, state))], { message })).hash);
        case "namespace":
          return short(
            (
              await store.commit(
                ref,
                [
                  put([`n${key % 3}`], namespace(`n${key % 3}`)),
                  put([`n${key % 3}`, "t"], table(`n${key}`, state)),
                ],
                { message },
              )
            ).hash,
          );
        case "delete":
          return short((await store.commit(ref, [del(name)], { message })).hash);
        case "rename": {
          const content = await store.content(await at(ref), name);
          if (content === undefined) return "none";
          return short(
            (
              await store.commit(
                ref,
                [
                  { type: "DELETE", key: name, expected: content },
                  put([`t${(key + 1) % 70}`], content, null),
                ],
                { message },
              )
            ).hash,
          );
        }
        case "token": {
          const head = await at(ref);
          const made = await store.commit(ref, [put(name, table(`t${key}`, state))], {
            message,
            token: `token ${state}`,
          });
          return [short(head.hash), short(made.hash)];
        }
        case "branch":
          return short((await store.createReference("BRANCH", ref, (await at(other)).hash)).hash);
        case "drop":
          return short((await store.deleteReference(ref === "main" ? "b" : ref)).hash);
        case "assign":
          return short((await store.assignReference(ref, (await at(other)).hash)).hash);
        case "merge":
        case "forward": {
          const fastForward = action === "merge" ? "never" : "allow";
          return told(
            await store.merge(ref, { commit: await at(other), name: other }, { ...options, fastForward }),
          );
        }
        case "transplant":
          return told(await store.transplant(ref, [await at(other)], options));
        case "revert":
          return told(await store.revert(ref, [await at(other)], options));
        case "diff":
          return [
            await collect(store.diff(await at(ref), await at(other))),
            await store.contains(await at(ref), await at(other)),
          ];
      }
    };
    seen.push(
      await act().catch((error: { code?: string; conflicts?: unknown }) => {
        if (error.code === undefined) throw error;
        return [error.code, error.conflicts];
      }),
    );
  }
  for (const { name } of await store.references()) {
    const { commit } = await store.resolve(name);
    seen.push(
      name,
      await collect(store.entries(commit)),
      (await store.log(commit)).items.map(({ hash, message, operations }) => [
        short(hash),
        message,
        operations,
      ]),
    );
  }
  await store.close();
  return seen;
}

test("a history gives the same with and without sweeps in between", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 50 }), async (steps) => {
      expect(await play(steps, true)).toEqual(await play(steps, false));
    }),
    { numRuns: runs(100) },
  );
});
