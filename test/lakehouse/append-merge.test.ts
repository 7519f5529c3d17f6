import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  ConflictError,
  defineSchema,
  eq,
  int,
  type Lakehouse,
  openLakehouse,
  UpdateSchema,
} from "../../lib/lakehouse/index.js";
import { runs } from "../support/runs.js";

const schema = defineSchema({ k: int(), n: int() });
type Row = { k: number; n: number };
const NAME = "s.t";

let root: string;
let lake: Lakehouse;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "append-merge-"));
  lake = await openLakehouse({ root, profile: "embedded", catalog: `sqlite:${join(root, "catalog.db")}` });
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

const tableOn = (branch: string, name = NAME) => lake.on(branch).table<Row>(name);
const numbers = async (branch: string, name = NAME): Promise<number[]> => {
  const result = await lake.on(branch).sql(`select n from ${name} order by n`);
  return (await result.rows()).map(({ n }) => Number(n));
};
const append = async (branch: string, ...values: number[]) =>
  (await tableOn(branch)).append(values.map((n) => ({ k: n % 3, n })));

async function begin(formatVersion: 1 | 2 | 3 = 2, ...values: number[]): Promise<void> {
  const table = await lake.createTable<Row>(NAME, { schema, formatVersion });
  if (values.length > 0) await table.append(values.map((n) => ({ k: n % 3, n })));
}

describe("two branches that only appended to one table", () => {
  test.each([1, 2, 3] as const)(
    "merge by one commit with one more append, in version %s",
    async (version) => {
      await begin(version, 1, 2);
      await lake.branch("etl");
      await append("etl", 3);
      await append("etl", 4);
      await append("main", 5);
      const dry = await lake.merge("etl", { dryRun: true });
      expect(dry.keys.map(({ conflict }) => conflict)).toEqual([undefined]);
      expect(await numbers("main")).toEqual([1, 2, 5]);
      const before = await tableOn("main");
      const merged = await lake.merge("etl");
      expect(merged.applied).toBe(true);
      expect((await lake.commits({ limit: 1 }))[0]?.parents).toEqual([
        merged.before,
        await lake.on("etl").hash(),
      ]);
      expect(await numbers("main")).toEqual([1, 2, 3, 4, 5]);
      expect(await numbers("etl")).toEqual([1, 2, 3, 4]);
      const { metadata, currentSnapshot } = await tableOn("main");
      expect(currentSnapshot).toMatchObject({
        parentSnapshotId: before.metadata.currentSnapshotId,
        sequenceNumber: version === 1 ? 0n : before.metadata.lastSequenceNumber + 1n,
        summary: {
          operation: "append",
          "added-records": "2",
          "total-records": "5",
          "sololakehouse.merged-from": "etl",
          "source-snapshot-id": String((await tableOn("etl")).metadata.currentSnapshotId),
        },
      });
      expect(metadata.snapshotLog).toHaveLength(before.metadata.snapshotLog.length + 1);
      expect(metadata.metadataLog.at(-1)?.metadataFile).toBe(before.metadataLocation);
      // Again there is nothing to do, and what came since comes alone.
      expect((await lake.merge("etl")).applied).toBe(false);
      await append("etl", 6);
      await lake.merge("etl");
      await lake.merge("main", { into: "etl" });
      expect([await numbers("main"), await numbers("etl")]).toEqual([
        [1, 2, 3, 4, 5, 6],
        [1, 2, 3, 4, 5, 6],
      ]);
    },
  );

  test("merge where the table was empty when they parted", async () => {
    await begin();
    await lake.branch("etl");
    await append("etl", 1);
    await append("main", 2);
    await lake.merge("etl");
    expect(await numbers("main")).toEqual([1, 2]);
  });

  test("give each row an id that no other has", async () => {
    await begin(3, 1, 2);
    await lake.branch("etl");
    await append("etl", 3, 4);
    await append("main", 5, 6);
    await lake.merge("etl");
    const ids = await (await lake.sql(`select _row_id as id, n from ${NAME} order by 1`)).rows();
    expect(ids).toEqual([1, 2, 5, 6, 3, 4].map((n, i) => ({ id: BigInt(i), n })));
    expect((await tableOn("main")).metadata.nextRowId).toBe(6n);
  });

  test("keep the merged rows from deletes by key that the table had before", async () => {
    await begin(2, 1, 2);
    await (await tableOn("main")).rowDelta({ on: ["k"], deletes: [{ k: 1 }] });
    await lake.branch("etl");
    await append("etl", 4);
    await append("main", 7);
    await lake.merge("etl");
    expect(await numbers("main")).toEqual([2, 4, 7]);
    // A delete after the merge reaches them like all others.
    await (await tableOn("main")).rowDelta({ on: ["k"], deletes: [{ k: 1 }] });
    expect(await numbers("main")).toEqual([2]);
  });

  test("merge after old snapshots have expired on either", async () => {
    await begin(2, 1);
    await lake.branch("etl");
    for (const n of [2, 3]) await append("etl", n);
    for (const n of [4, 5]) await append("main", n);
    for (const branch of ["etl", "main"])
      await (await tableOn(branch)).expireSnapshots({ olderThan: new Date(), retainLast: 1 });
    await lake.merge("etl");
    expect(await numbers("main")).toEqual([1, 2, 3, 4, 5]);
  });

  test("have single commits transplanted, and merged later each counts once", async () => {
    await begin(2, 1);
    await lake.branch("etl");
    await append("etl", 2);
    await append("etl", 3);
    await append("main", 4);
    await lake.transplant("etl");
    expect(await numbers("main")).toEqual([1, 3, 4]);
    await lake.merge("etl");
    expect(await numbers("main")).toEqual([1, 2, 3, 4]);
  });

  test("are parted again by a revert of the merge, and the files stay for those that have them", async () => {
    await begin(2, 1);
    await lake.branch("etl");
    await append("etl", 2);
    await append("main", 3);
    await lake.merge("etl");
    await lake.revert("main");
    expect(await numbers("main")).toEqual([1, 3]);
    await append("etl", 4);
    // As with git, what was merged and undone would not come again: so this is no merge to make silently.
    await expect(lake.merge("etl")).rejects.toThrow(/what was merged before was undone/);
    expect([await numbers("main"), await numbers("etl")]).toEqual([
      [1, 3],
      [1, 2, 4],
    ]);
  });

  test.each([2, 3] as const)(
    "merge where the target was compacted meanwhile, in version %s",
    async (version) => {
      await begin(version, 1, 2, 4);
      await (await tableOn("main")).deleteRows(eq("n", 4), { mode: "merge-on-read" });
      await lake.branch("etl");
      await lake.branch("picked");
      await append("etl", 3);
      await append("etl", 6);
      await append("main", 5);
      // One of its commits is there already, in a file that is rewritten then.
      await lake.transplant("etl~1");
      const all = { rewriteAll: true, minInputFiles: 1 };
      expect((await lake.maintenance.compact(NAME, all)).filesAfter).toBe(1);
      await (await tableOn("main")).rewriteManifests();
      await lake.merge("etl");
      expect(await numbers("main")).toEqual([1, 2, 3, 5, 6]);
      expect((await lake.merge("etl")).applied).toBe(false);
      // What the source rewrote may hold its own rows and others.
      await append("picked", 7);
      await lake.on("picked").maintenance.compact(NAME, all);
      await expect(lake.merge("picked")).rejects.toThrow(/the source did more than append.*"replace"/);
    },
  );

  test("leave no file behind that garbage collection would take, and it takes none of theirs", async () => {
    await begin(2, 1);
    await lake.branch("etl");
    await append("etl", 2);
    await append("main", 3);
    await lake.merge("etl");
    await lake.deleteRef("etl");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await lake.gc({ gracePeriodMs: 0 });
    expect(await numbers("main")).toEqual([1, 2, 3]);
    expect((await lake.gc({ gracePeriodMs: 0, dryRun: true })).files).toEqual([]);
  });

  test("merge while another process commits to the target", async () => {
    await begin(2, 1);
    await lake.branch("etl");
    await append("etl", 2);
    const other = await openLakehouse({ root, profile: "embedded", catalog: lake.profile.catalog });
    try {
      const busy = (async () => {
        for (const n of [10, 11, 12, 13, 14]) await (await other.table<Row>(NAME)).append([{ k: 0, n }]);
      })();
      await append("main", 3);
      await lake.merge("etl");
      await busy;
      expect(await numbers("main")).toEqual([1, 2, 3, 10, 11, 12, 13, 14]);
    } finally {
      await other.close();
    }
  });
});

test.each([
  [
    "deleted rows",
    async () => (await tableOn("main")).deleteRows(eq("n", 1)),
    /more than append.*"overwrite"|"delete"/,
  ],
  [
    "deleted rows by key",
    async () => (await tableOn("main")).rowDelta({ on: ["k"], deletes: [{ k: 1 }] }),
    /target did more than append/,
  ],
  [
    "changed the schema",
    async () => (await tableOn("main")).update([new UpdateSchema().addColumn("x", int().optional())]),
    /differ in the schema/,
  ],
  [
    "made the table anew",
    async () => {
      await lake.catalog.dropTable(NAME);
      await begin(2, 9);
    },
    /dropped and another one created/,
  ],
  [
    "went back",
    async () => {
      const table = await append("main", 8);
      await (await table.append([{ k: 1, n: 9 }])).rollback(
        table.metadata.snapshots[0]?.snapshotId as bigint,
      );
    },
    undefined,
  ],
] as readonly (readonly [string, () => Promise<unknown>, RegExp | undefined])[])(
  "a merge with a side that %s says so, and changes nothing",
  async (_, change, why) => {
    await begin(2, 1, 2);
    await append("main", 7);
    await lake.branch("etl");
    await append("etl", 3);
    await change();
    const before = await numbers("main");
    const files = (await lake.gc({ gracePeriodMs: 0, dryRun: true })).files;
    if (why !== undefined) await expect(lake.merge("etl")).rejects.toThrow(why);
    await expect(lake.merge("etl")).rejects.toMatchObject({ conflicts: [{ key: ["s", "t"] }] });
    expect(await numbers("main")).toEqual(before);
    expect((await lake.gc({ gracePeriodMs: 0, dryRun: true })).files).toEqual(files);
  },
);

// The model: what a branch's table has gone through, and its rows. A row is a number that no other has.

interface State {
  readonly rows: ReadonlySet<number>;
  /** Each thing that was done to it, and of what kind: more than that its files were rewritten, or rows appended. */
  readonly done: ReadonlyMap<number, Done>;
  /** Each time that snapshots of it were expired: no rows change, and the table is another than before. */
  readonly expired: ReadonlySet<number>;
}

type Done = "append" | "rewrite" | "more";
type Step =
  | {
      readonly type: "append" | "rewrite" | "delete" | "schema" | "expire";
      readonly on: number;
      readonly pick: number;
    }
  | { readonly type: "merge"; readonly on: number; readonly pick: number };

const BRANCHES = ["main", "a", "b"];
const someStep: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom<Step["type"]>(
    "append",
    "append",
    "append",
    "append",
    "merge",
    "merge",
    "merge",
    "rewrite",
    "rewrite",
    "expire",
    "delete",
    "schema",
  ),
  on: fc.nat(2),
  pick: fc.nat(),
});

test("any history of branches ends with the rows that the model has, or in the conflict that it has", async () => {
  let [tables, merged, refused] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(2 as const, 3 as const),
      fc.array(someStep, { minLength: 6, maxLength: 16 }),
      async (formatVersion, steps) => {
        const number = ++tables;
        const name = `s.t${number}`;
        const branches = BRANCHES.map((branch) => `${branch}${number}`);
        await lake.createTable<Row>(name, { schema, formatVersion });
        for (const branch of branches) await lake.branch(branch);
        let next = 0;
        const states = new Map<string, State>(
          branches.map((b) => [b, { rows: new Set(), done: new Map(), expired: new Set() }]),
        );
        const at = new Map<string, State>();
        const remember = async (branch: string) =>
          at.set(await lake.on(branch).hash(), states.get(branch) as State);
        for (const branch of branches) await remember(branch);
        const did = async (branch: string, rows: Iterable<number>, kind: Done) => {
          const { done, expired } = states.get(branch) as State;
          states.set(branch, { rows: new Set(rows), done: new Map(done).set(++next, kind), expired });
          await remember(branch);
        };
        for (const { type, on, pick } of steps) {
          const branch = branches[on] as string;
          const state = states.get(branch) as State;
          const table = await tableOn(branch, name);
          if (type === "append") {
            const n = ++next;
            await table.append([{ k: n % 3, n }]);
            await did(branch, [...state.rows, n], "append");
          } else if (type === "delete") {
            const n = [...state.rows][pick % Math.max(1, state.rows.size)];
            if (n === undefined) continue;
            await table.deleteRows(eq("n", n), { mode: pick % 2 === 0 ? "merge-on-read" : "copy-on-write" });
            await did(
              branch,
              [...state.rows].filter((each) => each !== n),
              "more",
            );
          } else if (type === "schema") {
            await table.update([new UpdateSchema().addColumn(`x${++next}`, int().optional())]);
            await did(branch, state.rows, "more");
          } else if (type === "rewrite") {
            const options = { rewriteAll: true, minInputFiles: 1 };
            const { snapshotIds } = await lake.on(branch).maintenance.compact(name, options);
            if (snapshotIds.length > 0) await did(branch, state.rows, "rewrite");
          } else if (type === "expire") {
            await table.expireSnapshots({ olderThan: new Date(), retainLast: 1 });
            states.set(branch, { ...state, expired: new Set(state.expired).add(++next) });
            await remember(branch);
          } else {
            const from = branches[(on + 1 + (pick % 2)) % 3] as string;
            const source = states.get(from) as State;
            const kindsOf = (a: State, b: State) =>
              [...a.done].flatMap(([id, kind]) => (b.done.has(id) ? [] : [kind]));
            // The rows of a target whose files were rewritten are as they were.
            const isMore =
              kindsOf(source, state).some((kind) => kind !== "append") ||
              kindsOf(state, source).includes("more");
            const result = await lake.merge(from, { into: branch }).catch((error: unknown) => {
              if (error instanceof ConflictError) return undefined;
              throw error;
            });
            const dry = await lake.merge(from, { into: branch, dryRun: true });
            const base = at.get(dry.mergeBase as string) as State;
            if (result === undefined) {
              // A conflict: both did something since, and one of them more than appending.
              expect(isMore).toBe(true);
              const isAsBefore = ({ done, expired }: State) =>
                [...done.keys()].every((id) => base.done.has(id)) &&
                [...expired].every((id) => base.expired.has(id));
              expect(isAsBefore(source)).toBe(false);
              expect(isAsBefore(state)).toBe(false);
              refused += 1;
              continue;
            }
            const start = at.get(result.mergeBase as string) as State;
            const isIn = (some: State, other: State) =>
              [...some.done.keys()].every((id) => other.done.has(id));
            let { rows } = isIn(state, source) ? source : state;
            if (!isIn(state, source) && !isIn(source, state) && !isIn(source, start)) {
              if (isIn(state, start)) rows = source.rows;
              else {
                expect(isMore).toBe(false);
                rows = new Set([...state.rows, ...[...source.rows].filter((n) => !start.rows.has(n))]);
              }
            }
            states.set(branch, {
              rows: new Set(rows),
              done: new Map([...state.done, ...source.done]),
              expired: new Set([...state.expired, ...source.expired]),
            });
            await remember(branch);
            merged += 1;
          }
        }
        for (const branch of branches) {
          const expected = [...(states.get(branch) as State).rows].sort((a, b) => a - b);
          expect(await numbers(branch, name)).toEqual(expected);
          if (formatVersion === 3) {
            const sql = `select count(distinct _row_id)::int as ids from ${name}`;
            expect(await (await lake.on(branch).sql(sql)).rows()).toEqual([{ ids: expected.length }]);
          }
        }
      },
    ),
    { numRuns: runs(20) },
  );
  // Both came about.
  expect(Math.min(merged, refused)).toBeGreaterThan(0);
});
