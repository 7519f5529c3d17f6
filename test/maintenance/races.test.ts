import { describe, expect, test } from "vitest";
import { writeDataFiles } from "../../lib/lakehouse/iceberg/files/data/writer.js";
import {
  asc,
  bucket,
  eq,
  type FormatVersion,
  gt,
  int,
  lt,
  rowsToBatches,
  type Table,
  UpdatePartitionSpec,
  UpdateSchema,
  upgradeFormatVersion,
} from "../../lib/lakehouse/iceberg/index.js";
import { compact } from "../../lib/lakehouse/maintenance/compaction/compact.js";
import type { CompactOptions } from "../../lib/lakehouse/maintenance/index.js";
import { create, line, lineage, lines, raced, rows } from "../query/support/rows.js";

/** Small files with deletes of every kind that the format version has. */
async function worn(version: FormatVersion, partitioned: boolean): Promise<Table> {
  let table = await create(version, { partitioned });
  for (let i = 0; i < 6; i++)
    table = await table.append([...lines(i * 10, i * 10 + 10, i % 2 ? "ATL" : "JFK")]);
  if (version === 1) return table;
  table = await table.deleteRows(eq("id", 3));
  table = await table.deleteRows(eq("id", 4));
  const key = { id: 15n, city: "ATL" };
  table = await table.rowDelta({ on: ["id", "city"], deletes: [key], rows: [line(15, "ATL", 99)] });
  return table.updateRows(gt("id", 55), { n: -1n });
}

const STRATEGIES: readonly CompactOptions[] = [
  { rewriteAll: true },
  { strategy: "sort", by: ["id"] },
  { strategy: "sort", by: [{ ...asc("id"), direction: "desc" }, "city"] },
  { strategy: "z-order", by: ["id", "city", "n"] },
];

describe.each([1, 2, 3] as const)("a compaction of format version %i", (version) => {
  test.each([true, false])("leaves the rows and their ids (partitioned: %s)", async (partitioned) => {
    for (const options of STRATEGIES) {
      const before = await worn(version, partitioned);
      const expected = await rows(before);
      const ids = version === 3 ? await lineage(before) : [];
      const report = await compact(before, options);
      const after = await before.refresh();
      expect(await rows(after)).toEqual(expected);
      expect(version === 3 ? await lineage(after) : []).toEqual(ids);
      expect(after.currentSnapshot?.summary).toMatchObject({
        operation: "replace",
        "total-data-files": partitioned ? "2" : "1",
        "total-delete-files": "0",
      });
      expect(report).toMatchObject({ filesAfter: partitioned ? 2 : 1, conflicts: 0 });
      // The snapshot that it began on reads as before, and so does what was between.
      expect(await rows(before)).toEqual(expected);
      // And what is as it should be stays.
      expect(await compact(after, {})).toMatchObject({ groups: 0, snapshotIds: [] });
    }
  });
});

type Other = (table: Table) => Promise<unknown>;

/** What others do while a compaction writes. */
const OTHERS: Readonly<Record<string, Other>> = {
  append: (table) => table.append(lines(100, 110)),
  "deletion by copy-on-write": (table) => table.deleteRows(lt("id", 7), { mode: "copy-on-write" }),
  "deletion by merge-on-read": (table) => table.deleteRows(lt("id", 7), { mode: "merge-on-read" }),
  "deletion by key": (table) =>
    table.rowDelta({ on: ["id", "city"], deletes: [{ id: 21n, city: "JFK" }], rows: [line(21, "JFK", 77)] }),
  update: (table) => table.updateRows(eq("city", "ATL"), { n: 5n }),
  upsert: (table) => table.upsert([line(1, "JFK", 11), line(200)], { on: ["id"] }),
  "replaced partition": (table) => table.overwritePartitions(lines(300, 305, "ATL")),
  truncation: (table) => table.truncate(),
  "joining of position deletes": (table) => table.rewritePositionDeletes(),
  "rewriting of manifests": (table) => table.rewriteManifests(),
  compaction: (table) => compact(table, { rewriteAll: true }),
  "new column": (table) => table.update([new UpdateSchema().addColumn("extra", int().optional())]),
  "renamed column": (table) => table.update([new UpdateSchema().renameColumn("n", "m")]),
  "another partitioning": (table) => table.update([new UpdatePartitionSpec().addField(bucket("id", 2))]),
  "another partitioning with rows and deletes": async (table) => {
    const other = await table.update([new UpdatePartitionSpec().addField(bucket("id", 2, "by_id"))]);
    await other.rowDelta({ on: ["id", "city"], deletes: [{ id: 21n, city: "JFK" }], rows: [line(400)] });
  },
  "roll-back": (table) => table.rollback(table.currentSnapshot?.parentSnapshotId ?? 0n),
  "appends and expiry of all that went before": async (table) => {
    let now = table;
    for (let i = 0; i < 3; i++) now = await now.append([line(500 + i)]);
    await now.expireSnapshots({ retainLast: 1, olderThan: new Date(Date.now() + 1000) });
  },
  "deletion and expiry of all that went before": async (table) => {
    const now = await table.deleteRows(lt("id", 7), { mode: "merge-on-read" });
    await now.expireSnapshots({ retainLast: 1, olderThan: new Date(Date.now() + 1000) });
  },
};

describe.each([2, 3] as const)(
  "beside a compaction of format version %i, rows are what they are without it",
  (version) => {
    test.each(Object.keys(OTHERS))("%s", async (name) => {
      const other = OTHERS[name] as Other;
      for (const partitioned of [true, false]) {
        const alone = await worn(version, partitioned);
        await other(alone);
        const before = await worn(version, partitioned);
        const report = await compact(raced(before, other), { rewriteAll: true });
        expect(report.conflicts).toBe(0);
        const after = await before.refresh();
        expect(await rows(after)).toEqual(await rows(await alone.refresh()));
      }
    });
  },
);

test.each([2, 3] as const)(
  "rows whose deletion is rolled back meanwhile come back, format version %i",
  async (version) => {
    let table = await create(version);
    table = await table.append(lines(0, 10));
    table = await table.append(lines(10, 20));
    const kept = table.currentSnapshot?.snapshotId as bigint;
    const expected = await rows(table);
    table = await table.deleteRows(eq("id", 3));
    await compact(
      raced(table, (now) => now.rollback(kept)),
      { rewriteAll: true },
    );
    expect(await rows(await table.refresh())).toEqual(expected);
  },
);

test("files of an older partitioning come to lie in the table's own, and what deletes there does not reach them", async () => {
  for (const version of [2, 3] as const) {
    let table = await worn(version, true);
    table = await table.update([
      new UpdatePartitionSpec().removeField("city").addField(bucket("id", 4, "by_id")),
    ]);
    table = await table.append(lines(600, 640));
    // In the new partitions alone: rows of older files with the same keys stay.
    const deletes = rowsToBatches(table.schema, lines(0, 20));
    const files = await writeDataFiles(table.store, table.metadata, deletes);
    const equality = { content: "equality-deletes", equalityIds: [1] } as const;
    table = await table.commitFiles({
      operation: "delete",
      addedDeleteFiles: files.map((file) => ({ ...file, ...equality })),
    });
    const expected = await rows(table);
    const report = await compact(table, { minInputFiles: 2 });
    const after = await table.refresh();
    expect(await rows(after)).toEqual(expected);
    const { tasks } = await after.scan().planAll();
    expect(tasks.map(({ dataFile }) => dataFile.specId)).toEqual(tasks.map(() => after.spec.specId));
    expect(tasks.length).toBe(4);
    expect(report.conflicts).toBe(0);
    expect(await compact(after, { minInputFiles: 2 })).toMatchObject({ groups: 0 });
  }
});

test("rows that get their ids while a compaction writes keep them", async () => {
  for (const isUpgraded of [false, true]) {
    let before = await create(2);
    for (let i = 0; i < 6; i++) before = await before.append(lines(i * 10, i * 10 + 10));
    if (isUpgraded) before = await before.update([upgradeFormatVersion(3)]);
    let ids: string[] = [];
    const other = async (table: Table): Promise<void> => {
      const upgraded = isUpgraded ? table : await table.update([upgradeFormatVersion(3)]);
      ids = await lineage(await upgraded.append(lines(100, 110)));
    };
    await compact(raced(before, other), { rewriteAll: true });
    const after = await before.refresh();
    expect((await after.scan().planAll()).tasks.length).toBeLessThan(3);
    expect(await lineage(after)).toEqual(ids);
  }
});

test("a change that moves rows is a conflict where they get other ids meanwhile", async () => {
  const other = (table: Table) => table.append(lines(100, 110));
  for (const mode of ["copy-on-write", "merge-on-read"] as const) {
    let upgraded = await (await create(2)).append(lines(0, 10));
    upgraded = await upgraded.update([upgradeFormatVersion(3)]);
    const options = { mode, isolation: "snapshot" } as const;
    const change = raced(upgraded, other).updateRows(eq("id", 1), { n: -1n }, options);
    await expect(change).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
    const transaction = raced(await create(3), other).begin();
    await transaction.append(lines(0, 10));
    await transaction.updateRows(eq("id", 1), { n: -1n }, options);
    await expect(transaction.commit()).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
  }
});

test("two compactions at once leave the rows, once", async () => {
  for (const version of [2, 3] as const) {
    const before = await worn(version, false);
    const expected = await rows(before);
    const reports = await Promise.all([
      compact(before, { minInputFiles: 2 }),
      compact(before, { minInputFiles: 2 }),
    ]);
    const after = await before.refresh();
    expect(await rows(after)).toEqual(expected);
    expect((await after.scan().planAll()).tasks).toHaveLength(1);
    // Who comes second finds that all is done.
    expect(reports.flatMap(({ snapshotIds }) => snapshotIds)).toHaveLength(1);
  }
});

test("commits of some groups stay where another one is in the way again and again", async () => {
  let table = await create(2, { partitioned: true });
  for (let i = 0; i < 6; i++)
    table = await table.append([...lines(i * 9, i * 9 + 3, "ATL"), ...lines(i * 9 + 5, i * 9 + 8, "JFK")]);
  let commits = 0;
  const deleting = new (table.constructor as typeof Table)({
    identifier: table.identifier,
    store: table.store,
    metadata: table.metadata,
    metadataLocation: table.metadataLocation,
    engine: table.engine,
    committer: {
      load: () => table.committer.load(),
      commit: async (request) => {
        const isJfk = request.updates.some(
          (update) => update.action === "add-snapshot" && commits++ % 2 === 1,
        );
        if (isJfk) {
          const now = await table.refresh();
          const { tasks } = await now.scan({ filter: eq("city", "JFK") }).planAll();
          if (tasks.length > 1) await now.deleteRows(eq("n", 1000), { mode: "copy-on-write" });
        }
        return table.committer.commit(request);
      },
    },
  });
  const expected = await rows(table);
  await compact(deleting, { minInputFiles: 2 });
  expect(await rows(await table.refresh())).toEqual(expected);
});
