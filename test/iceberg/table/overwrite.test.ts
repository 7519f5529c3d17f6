import { describe, expect, test } from "vitest";
import { eq } from "../../../lib/lakehouse/iceberg/model/expressions/builders.js";
import { day, identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import { UpdatePartitionSpec } from "../../../lib/lakehouse/iceberg/table/evolution/update-partition-spec.js";
import { orphans, records, row, SCHEMA, theSecond } from "../support/commits.js";
import { createTable, scratch } from "../support/tables.js";

describe("overwrite", () => {
  test("of a day replaces its files and no others, and says so in the summary", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, { schema: SCHEMA, partitionSpec: [day("at")] });
      const before = await created.table.append([row(1, "ATL"), row(2, "ATL"), row(2, "ORD"), row(3, "ATL")]);
      const after = await before.overwrite([row(2, "JFK")], { where: theSecond });
      expect(after.currentSnapshot?.summary).toMatchObject({
        operation: "overwrite",
        "added-data-files": "1",
        "deleted-data-files": "1",
        "added-records": "1",
        "deleted-records": "2",
        "total-records": "3",
        "total-data-files": "3",
        "changed-partition-count": "1",
      });
      const kept = (await before.inspect.files()).filter((file) => file.partition.at_day !== "2001-01-02");
      const files = (await after.inspect.files()).map((file) => file.filePath);
      expect(files).toEqual(expect.arrayContaining(kept.map((file) => file.filePath)));
      expect(await records(before)).toBe(4n);
      expect(await orphans(after)).toEqual([]);
    }));

  test("with no engine refuses files that match in part, and leaves the table as it was", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, { schema: SCHEMA });
      const before = await created.table.append([row(1, "ATL"), row(2, "ATL")]);
      await expect(before.overwrite([row(2, "JFK")], { where: theSecond })).rejects.toMatchObject({
        code: "UNSUPPORTED_FEATURE",
      });
      expect((await before.refresh()).currentSnapshot?.snapshotId).toBe(before.currentSnapshot?.snapshotId);
      expect(await orphans(before)).toEqual([]);
    }));

  test("rows that another commit put into the day meanwhile are a conflict, unless the isolation is snapshot", () =>
    scratch(async (directory) => {
      const { table, committer } = await createTable(directory, {
        schema: SCHEMA,
        partitionSpec: [day("at")],
      });
      const before = await table.append([row(2, "ATL")]);
      const meanwhile = (rows: readonly Record<string, unknown>[]): void => {
        committer.beforeSwap = async () => {
          committer.beforeSwap = undefined;
          await before.append(rows);
        };
      };
      meanwhile([row(2, "ORD")]);
      await expect(before.overwrite([row(2, "JFK")], { where: theSecond })).rejects.toMatchObject({
        code: "COMMIT_CONFLICT",
      });
      expect(await records(await before.refresh())).toBe(2n);

      meanwhile([row(3, "ORD")]);
      const other = await before.overwrite([row(2, "JFK")], { where: theSecond });
      expect(await records(other)).toBe(2n);

      meanwhile([row(2, "SEA")]);
      const tolerant = await other.overwrite([row(2, "LAX")], { where: theSecond, isolation: "snapshot" });
      expect(await records(tolerant)).toBe(3n);
      expect(await orphans(tolerant)).toEqual([]);
    }));

  test("a file that another commit removed meanwhile is a conflict", () =>
    scratch(async (directory) => {
      const { table, committer } = await createTable(directory, {
        schema: SCHEMA,
        partitionSpec: [day("at")],
      });
      const before = await table.append([row(2, "ATL")]);
      committer.beforeSwap = async () => {
        committer.beforeSwap = undefined;
        await before.truncate();
      };
      await expect(
        before.overwrite([row(2, "JFK")], { where: theSecond, isolation: "snapshot" }),
      ).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
    }));

  test("of partitions replaces those that the new rows are in", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA, partitionSpec: [identity("origin")] });
      const before = await table.append([row(1, "ATL"), row(1, "ORD"), row(1, "JFK")]);
      const after = await before.overwritePartitions([row(9, "ATL"), row(9, "ORD"), row(9, "ORD")]);
      expect(
        (await after.inspect.partitions()).map((p) => [p.partition.origin, p.recordCount]).sort(),
      ).toEqual([
        ["ATL", 1n],
        ["JFK", 1n],
        ["ORD", 2n],
      ]);
      expect(after.currentSnapshot?.summary).toMatchObject({
        "replace-partitions": "true",
        "deleted-data-files": "2",
      });
    }));

  test.each([1, 2, 3] as const)("takes files out of manifests that it merges, in v%i", (formatVersion) =>
    scratch(async (directory) => {
      const partitionSpec = [identity("origin")];
      const { table } = await createTable(directory, { schema: SCHEMA, partitionSpec, formatVersion });
      const old = await (await table.append([row(1, "ATL"), row(1, "ORD")])).append([row(1, "JFK")]);
      const evolved = await old.update([new UpdatePartitionSpec().addField(day("at"))]);
      const after = await (await evolved.append([row(2, "JFK")])).deleteRows(eq("origin", "ATL"));
      expect(await records(after)).toBe(3n);
    }),
  );

  test("of partitions replaces rows that older partitionings have of them, or says that it cannot", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA, partitionSpec: [identity("origin")] });
      const one = await table.append([row(1, "ATL"), row(2, "ATL"), row(1, "ORD")]);
      const evolved = await one.update([new UpdatePartitionSpec().addField(day("at"))]);
      // Of the file of ATL one row is of the day, another is not.
      await expect(evolved.overwritePartitions([row(2, "ATL")])).rejects.toMatchObject({
        code: "UNSUPPORTED_FEATURE",
        message: expect.stringContaining("partitioned in another way"),
      });
      expect(await records(await evolved.refresh())).toBe(3n);
      const replaced = await evolved.overwritePartitions([row(1, "ORD"), row(3, "ATL"), row(2, "JFK")]);
      expect(await records(replaced)).toBe(5n);
      const single = await replaced.update([
        new UpdatePartitionSpec().removeField("origin").removeField("at_day"),
      ]);
      expect(await records(await single.overwritePartitions([row(9, "ATL")]))).toBe(1n);
    }));

  test("deleting by partition drops whole files; truncate drops all", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA, partitionSpec: [identity("origin")] });
      const before = await table.append([row(1, "ATL"), row(1, "ORD")]);
      const after = await before.deleteRows(eq("origin", "ATL"));
      expect(after.currentSnapshot?.summary).toMatchObject({
        operation: "delete",
        "deleted-records": "1",
        "total-records": "1",
      });
      const empty = await after.truncate();
      expect((await empty.scan().planAll()).tasks).toEqual([]);
      expect(empty.currentSnapshot?.summary?.["total-data-files"]).toBe("0");
      expect(await records(before)).toBe(2n);
    }));
});

describe("compaction", () => {
  test("replaces files at their own age; one that is gone is a conflict", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const one = await table.append([row(1, "ATL")]);
      const two = await one.append([row(2, "ATL")]);
      const donor = await createTable(`${directory}/donor`, { schema: SCHEMA });
      const both = await donor.table.append([row(1, "ATL"), row(2, "ATL")]);
      const added = (await both.scan().planAll()).tasks.map((task) => task.dataFile);
      const removed = (await two.scan().planAll()).tasks.map((task) => task.dataFile);
      const after = await two.rewriteFiles({
        removedDataFiles: removed,
        addedDataFiles: added,
        dataSequenceNumber: 2n,
      });
      const [task] = (await after.scan().planAll()).tasks;
      expect(task?.sequenceNumber).toBe(2n);
      expect(after.currentSnapshot).toMatchObject({ sequenceNumber: 3n, summary: { operation: "replace" } });
      await expect(two.rewriteFiles({ removedDataFiles: removed, addedDataFiles: [] })).rejects.toMatchObject(
        { code: "COMMIT_CONFLICT" },
      );
    }));
});
