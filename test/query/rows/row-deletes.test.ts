import { describe, expect, test } from "vitest";
import { eq, isIn, lt, type Table, updateProperties } from "../../../lib/lakehouse/iceberg/index.js";
import { catalog } from "../support/lake.js";
import { counters, create, deleteFiles, ids, line, lines, raced, rows } from "../support/rows.js";

describe("merge-on-read deletes", () => {
  test("in v3 add one deletion vector a file, which takes over the one before", async () => {
    const before = await (await (await create(3)).append(lines(0, 10))).append(lines(10, 20));
    const once = await before.deleteRows(isIn("id", [1, 2, 11]));
    expect(await ids(once)).toEqual([0, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(counters(once.currentSnapshot)).toEqual({
      operation: "delete",
      "added-dvs": "2",
      "added-delete-files": "2",
      "added-position-deletes": "3",
    });
    const twice = await once.deleteRows(eq("id", 3));
    expect(await ids(twice)).not.toContain(3);
    expect(counters(twice.currentSnapshot)).toEqual({
      operation: "delete",
      "added-dvs": "1",
      "removed-dvs": "1",
      "added-delete-files": "1",
      "removed-delete-files": "1",
      "added-position-deletes": "3",
      "removed-position-deletes": "2",
    });
    expect((await deleteFiles(twice)).map((file) => file.recordCount).sort()).toEqual([1n, 3n]);
    expect(await ids(before)).toHaveLength(20);
  });

  test("in v2 add one position delete file a data file, joined with the one before", async () => {
    const table = await create(2, { partitioned: true });
    const before = await table.append([...lines(0, 5, "ATL"), ...lines(5, 10, "ORD")]);
    const once = await before.deleteRows(isIn("id", [1, 6]));
    expect(counters(once.currentSnapshot)).toEqual({
      operation: "delete",
      "added-position-delete-files": "2",
      "added-delete-files": "2",
      "added-position-deletes": "2",
    });
    const twice = await once.deleteRows(eq("id", 2));
    expect(await ids(twice)).toEqual([0, 3, 4, 5, 7, 8, 9]);
    expect(counters(twice.currentSnapshot)).toMatchObject({
      "added-position-delete-files": "1",
      "removed-position-delete-files": "1",
      "added-position-deletes": "2",
    });
    expect(await deleteFiles(twice)).toHaveLength(2);
  });

  test("in v2 by partition add one file for all data files of a partition", async () => {
    const table = await create(2);
    const { metadata } = await table.append(lines(0, 5));
    expect(metadata.snapshots).toHaveLength(1);
    const updated = await catalog.loadTable(table.name);
    await updated.committer.commit({
      requirements: [],
      updates: [{ action: "set-properties", updates: { "write.delete.granularity": "partition" } }],
    });
    const before = await (await table.refresh()).append(lines(5, 10));
    const after = await before.deleteRows(isIn("id", [1, 6]));
    expect(counters(after.currentSnapshot)).toMatchObject({ "added-position-delete-files": "1" });
    expect(await ids(after)).toEqual([0, 2, 3, 4, 5, 7, 8, 9]);
    const again = await after.deleteRows(isIn("id", [2, 7]));
    expect(await ids(again)).toEqual([0, 3, 4, 5, 8, 9]);
  });

  test.each([
    [2, "removed-position-delete-files"],
    [3, "removed-dvs"],
  ] as const)("drop a file whose rows all go, with its deletes, in v%i", async (formatVersion, removed) => {
    const before = await (await (await create(formatVersion)).append(lines(0, 3))).append(lines(3, 6));
    const some = await before.deleteRows(isIn("id", [0, 4]));
    const after = await some.deleteRows(lt("id", 3));
    expect(counters(after.currentSnapshot)).toMatchObject({
      operation: "delete",
      "deleted-data-files": "1",
      [removed]: "1",
      "removed-position-deletes": "1",
    });
    expect(after.currentSnapshot?.summary).toMatchObject({
      "total-delete-files": "1",
      "total-position-deletes": "1",
    });
    expect(await ids(after)).toEqual([3, 5]);
    const rewritten = await after.deleteRows(eq("id", 5), { mode: "copy-on-write" });
    expect(rewritten.currentSnapshot?.summary).toMatchObject({
      "total-delete-files": "0",
      "total-position-deletes": "0",
    });
    expect(await ids(rewritten)).toEqual([3]);
  });

  test("keep a position delete file that is about a file that stays, too", async () => {
    const created = await create(2);
    const table = await created.update([
      updateProperties({ set: { "write.delete.granularity": "partition" } }),
    ]);
    const before = await (await table.append(lines(0, 3))).append(lines(3, 6));
    const some = await before.deleteRows(isIn("id", [0, 4]));
    const after = await some.deleteRows(lt("id", 3));
    expect(after.currentSnapshot?.summary).toMatchObject({ "total-delete-files": "1" });
    expect(await ids(after)).toEqual([3, 5]);
  });

  test("of nothing make no snapshot, and write no file, in either mode", async () => {
    for (const mode of ["copy-on-write", "merge-on-read"] as const) {
      const before = await (await create(3, { mode })).append([line(1), line(3)]);
      const after = await before.deleteRows(eq("id", 2));
      expect(after.currentSnapshot?.snapshotId).toBe(before.currentSnapshot?.snapshotId);
    }
  });

  test("are refused in v1", async () => {
    const before = await (await create(1)).append(lines(0, 3));
    await expect(before.deleteRows(eq("id", 1))).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
    expect(await ids(await before.deleteRows(eq("id", 1), { mode: "copy-on-write" }))).toEqual([0, 2]);
  });
});

describe("what others do meanwhile", () => {
  const conflict = { code: "COMMIT_CONFLICT" };

  test("two vectors for one file are a conflict in v3; position deletes of other rows are none in v2", async () => {
    const v3 = await (await create(3)).append(lines(0, 10));
    await expect(raced(v3, (t) => t.deleteRows(eq("id", 1))).deleteRows(eq("id", 2))).rejects.toMatchObject(
      conflict,
    );
    const v2 = await (await create(2)).append(lines(0, 10));
    const both = await raced(v2, (t) => t.deleteRows(eq("id", 1))).deleteRows(eq("id", 2));
    expect(await ids(both)).toEqual([0, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("a file that was rewritten is a conflict for who deletes from it", async () => {
    for (const version of [2, 3] as const) {
      const table = await (await create(version)).append(lines(0, 10));
      const rewrite = (t: Table) => t.deleteRows(eq("id", 1), { mode: "copy-on-write" });
      await expect(raced(table, rewrite).deleteRows(eq("id", 2))).rejects.toMatchObject(conflict);
      expect(await ids(await table.refresh())).not.toContain(1);
    }
  });

  test("new rows that the filter covers are a conflict, unless the isolation is snapshot", async () => {
    const append = (t: Table) => t.append([line(5, "JFK")]);
    const table = await (await create(3)).append(lines(0, 10));
    await expect(raced(table, append).deleteRows(eq("id", 5))).rejects.toMatchObject(conflict);
    const now = await table.refresh();
    const after = await raced(now, append).deleteRows(eq("id", 5), { isolation: "snapshot" });
    expect((await rows(after)).filter(({ id }) => id === 5n)).toEqual([{ id: 5n, city: "JFK", n: 5n }]);
    const beyond = await raced(after, (t) => t.append([line(500)])).deleteRows(eq("id", 6));
    expect(await ids(beyond)).not.toContain(6);
  });

  test("an update does not bring a row back that was deleted", async () => {
    for (const mode of ["copy-on-write", "merge-on-read"] as const) {
      const table = await (await create(2, { mode })).append(lines(0, 10));
      const remove = (t: Table) => t.deleteRows(eq("id", 2), { mode: "merge-on-read" });
      await expect(
        raced(table, remove).updateRows(eq("id", 2), { n: 0n }, { isolation: "snapshot" }),
      ).rejects.toMatchObject(conflict);
    }
  });
});
