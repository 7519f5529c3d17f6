import { describe, expect, test } from "vitest";
import { bucket, identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import {
  defineSchema,
  int,
  list,
  long,
  string,
  struct,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { replaceTable } from "../../../lib/lakehouse/iceberg/table/evolution/replace.js";
import {
  updatePartitionStatistics,
  updateProperties,
  updateStatistics,
} from "../../../lib/lakehouse/iceberg/table/evolution/settings.js";
import { UpdateSchema } from "../../../lib/lakehouse/iceberg/table/evolution/update-schema.js";
import { createTable, scratch } from "../support/tables.js";

const before = defineSchema({ id: long(), city: string(), old: int().optional() });

describe("a table that is replaced", () => {
  test("has the new schema and rows, and its history", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: before, partitionSpec: [identity("city")] });
      const full = await table.append([{ id: 1n, city: "ATL", old: 1 }]);
      const schema = defineSchema({ tags: list(string()), city: string(), id: long() });
      const init = { schema, partitionSpec: [bucket("id", 4), identity("city")], properties: { a: "b" } };
      const after = await full.replace(init, [{ tags: ["x"], city: "ORD", id: 2n }]);
      expect(after.metadata.tableUuid).toBe(table.metadata.tableUuid);
      expect(after.schema.fields.map(({ id, name }) => [id, name])).toEqual([
        [4, "tags"],
        [2, "city"],
        [1, "id"],
      ]);
      expect(after.spec.fields.map(({ fieldId, name }) => [fieldId, name])).toEqual([
        [1001, "id_bucket"],
        [1000, "city"],
      ]);
      expect(after.properties.a).toBe("b");
      expect(after.currentSnapshot).toMatchObject({
        parentSnapshotId: undefined,
        summary: { operation: "append", "total-records": "1" },
      });
      expect((await after.scan().planAll()).tasks.map((task) => task.dataFile.recordCount)).toEqual([1n]);
      const old = after.scan({ snapshotId: full.currentSnapshot?.snapshotId });
      expect(old.schema.fields.map(({ name }) => name)).toEqual(["id", "city", "old"]);
      expect((await old.planAll()).tasks).toHaveLength(1);
      const back = await after.setBranch(full.currentSnapshot?.snapshotId ?? 0n);
      expect((await back.scan().planAll()).tasks).toHaveLength(1);
    }));

  test("without rows is empty; nested columns of the same name keep their ids", () =>
    scratch(async (directory) => {
      const schema = defineSchema({ at: struct({ lat: long(), lon: long() }) });
      const { table } = await createTable(directory, { schema });
      const full = await table.append([{ at: { lat: 1n, lon: 2n } }]);
      const next = defineSchema({ at: struct({ lon: long(), name: string() }) });
      const after = await full.update([replaceTable({ schema: next })]);
      expect(after.currentSnapshot).toBeUndefined();
      expect((await after.scan().planAll()).tasks).toEqual([]);
      expect(after.schema.fields[0]).toMatchObject({
        id: 1,
        type: {
          fields: [
            { id: 3, name: "lon" },
            { id: 4, name: "name" },
          ],
        },
      });
    }));

  test("and evolved by another meanwhile is a conflict: the files have ids that are taken", () =>
    scratch(async (directory) => {
      const { table, committer } = await createTable(directory, { schema: before });
      const full = await table.append([{ id: 1n, city: "ATL" }]);
      committer.beforeSwap = async () => {
        committer.beforeSwap = undefined;
        await full.update([new UpdateSchema().addColumn("theirs", string().optional())]);
      };
      const schema = defineSchema({ id: long(), ours: string() });
      await expect(full.replace({ schema }, [{ id: 2n, ours: "x" }])).rejects.toMatchObject({
        code: "COMMIT_CONFLICT",
      });
      const now = await full.refresh();
      expect(now.schema.fields.map(({ name }) => name)).toEqual(["id", "city", "old", "theirs"]);
      expect(now.currentSnapshot?.snapshotId).toBe(full.currentSnapshot?.snapshotId);
    }));
});

test("metadata files that the log forgot are deleted, where the table's properties ask for it", () =>
  scratch(async (directory) => {
    const { table, store } = await createTable(directory, {
      schema: before,
      properties: { "write.metadata.previous-versions-max": "2" },
    });
    const files = async (): Promise<string[]> => {
      const names: string[] = [];
      for await (const { uri } of store.list(`${table.location}/metadata/`)) {
        if (uri.endsWith(".metadata.json")) names.push(uri);
      }
      return names.sort();
    };
    let now = table;
    for (let i = 0; i < 4; i++) now = await now.update([updateProperties({ set: { i: String(i) } })]);
    expect(await files()).toHaveLength(5);
    const set = { "write.metadata.delete-after-commit.enabled": "true" };
    now = await now.update([updateProperties({ set })]);
    for (let i = 0; i < 3; i++) now = await now.append([{ id: 1n, city: "ATL" }]);
    const expected = [...now.metadata.metadataLog.map((entry) => entry.metadataFile), now.metadataLocation];
    expect(expected).toHaveLength(3);
    // Those that were forgotten before the property was set are not the commit's.
    expect((await files()).slice(-3)).toEqual(expected.sort());
    expect(await files()).toHaveLength(3 + 2);
    expect((await now.refresh()).metadata.snapshots).toHaveLength(3);
  }));

test("statistics of a snapshot are recorded, and removed", () =>
  scratch(async (directory) => {
    const { table } = await createTable(directory, { schema: before });
    const full = await table.append([{ id: 1n, city: "ATL" }]);
    const snapshotId = full.currentSnapshot?.snapshotId ?? 0n;
    const statistics = {
      snapshotId,
      statisticsPath: `${table.location}/metadata/s.puffin`,
      fileSizeInBytes: 10n,
      fileFooterSizeInBytes: 5n,
      blobMetadata: [],
    };
    const known = await full.update([updateStatistics({ set: [statistics] })]);
    expect((await known.refresh()).metadata.statistics).toEqual([statistics]);
    const gone = await known.update([updateStatistics({ remove: [snapshotId] })]);
    expect(gone.metadata.statistics).toEqual([]);
  }));

test("statistics by partition of a snapshot are recorded, and removed", () =>
  scratch(async (directory) => {
    const { table } = await createTable(directory, { schema: before });
    const full = await table.append([{ id: 1n, city: "ATL" }]);
    const snapshotId = full.currentSnapshot?.snapshotId ?? 0n;
    const statistics = {
      snapshotId,
      statisticsPath: `${table.location}/metadata/partitions.parquet`,
      fileSizeInBytes: 10n,
    };
    const known = await full.update([updatePartitionStatistics({ set: [statistics] })]);
    expect((await known.refresh()).metadata.partitionStatistics).toEqual([statistics]);
    const gone = await known.update([updatePartitionStatistics({ remove: [snapshotId] })]);
    expect(gone.metadata.partitionStatistics).toEqual([]);
  }));
