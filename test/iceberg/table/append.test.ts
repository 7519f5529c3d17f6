import * as arrow from "apache-arrow";
import { describe, expect, test } from "vitest";
import { and, eq, gtEq, isNull, lt } from "../../../lib/lakehouse/iceberg/model/expressions/builders.js";
import { asc } from "../../../lib/lakehouse/iceberg/model/partitioning/sort-order.js";
import { bucket, day, identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import {
  defineSchema,
  int,
  string,
  timestamp,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { batchOf, createTable, scratch } from "../support/tables.js";

const SCHEMA = defineSchema({ at: timestamp(), delay: int().optional(), origin: string() });
const DAY_MS = 86_400_000;

/** Rows of `days` days from 2001-01-01, the origins in turn. */
function flights(days: number, perDay: number, origins: readonly string[]): Record<string, unknown>[] {
  return Array.from({ length: days * perDay }, (_, i) => ({
    at: Date.UTC(2001, 0, 1) + Math.floor(i / perDay) * DAY_MS + (i % perDay) * 1000,
    delay: i % 7 === 0 ? null : i,
    origin: origins[i % origins.length],
  }));
}

describe("append", () => {
  test("an empty table scans to nothing; an append of nothing makes no snapshot", () =>
    scratch(async (directory) => {
      const { table, committer } = await createTable(directory, { schema: SCHEMA });
      expect((await table.scan().planAll()).tasks).toEqual([]);
      expect(await table.append([])).toBe(table);
      expect(committer.commits).toBe(0);
    }));

  test.each([undefined, null, 3, { origin: "ATL" }, Promise.resolve([])])("refuses %j as data", (data) =>
    scratch(async (directory) => {
      const { table, committer } = await createTable(directory, { schema: SCHEMA });
      await expect(table.append(data as never)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("Expected rows or Arrow data, found"),
      });
      expect(committer.commits).toBe(0);
    }),
  );

  test("writes one file a partition, sorted, with metrics, and counts them as Java does", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, {
        schema: SCHEMA,
        partitionSpec: [day("at")],
        sortOrder: [asc("origin")],
      });
      const { schema } = created.table;
      const table = await created.table.append([batchOf(schema, flights(3, 10, ["ORD", "ATL"]))]);
      const files = await table.inspect.files();
      expect(files.map((file) => file.partition)).toEqual([
        { at_day: "2001-01-01" },
        { at_day: "2001-01-02" },
        { at_day: "2001-01-03" },
      ]);
      expect(files[0]?.readableMetrics.origin).toMatchObject({
        valueCount: 10n,
        nullValueCount: 0n,
        lowerBound: "ATL",
        upperBound: "ORD",
      });
      expect(files[0]?.readableMetrics.delay).toMatchObject({
        nullValueCount: 2n,
        lowerBound: 1,
        upperBound: 9,
      });
      expect(files.every((file) => file.sortOrderId === 1)).toBe(true);
      expect(table.currentSnapshot?.summary).toMatchObject({
        operation: "append",
        "added-data-files": "3",
        "added-records": "30",
        "changed-partition-count": "3",
        "total-data-files": "3",
        "total-records": "30",
        "total-delete-files": "0",
        "engine-name": "sololakehouse",
      });
    }));

  test("keeps the earlier view as it was: tables are values", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const after = await table.append([batchOf(table.schema, flights(1, 5, ["ATL"]))]);
      expect(table.currentSnapshot).toBeUndefined();
      expect((await after.scan().planAll()).tasks).toHaveLength(1);
      expect((await table.refresh()).currentSnapshot?.snapshotId).toBe(after.currentSnapshot?.snapshotId);
    }));

  test("a stale view appends on top of what others committed", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const rows = [batchOf(table.schema, flights(1, 5, ["ATL"]))];
      await table.append(rows);
      await table.append(rows);
      const after = await table.append(rows);
      expect(after.metadata.snapshots.map((snapshot) => snapshot.sequenceNumber)).toEqual([1n, 2n, 3n]);
      expect(after.currentSnapshot?.summary?.["total-records"]).toBe("15");
      const { tasks } = await after.scan().planAll();
      expect(tasks.map((task) => task.sequenceNumber).sort()).toEqual([1n, 2n, 3n]);
    }));

  test("the same token twice gives one snapshot, and leaves no second file", () =>
    scratch(async (directory) => {
      const { table, store } = await createTable(directory, { schema: SCHEMA });
      const rows = [batchOf(table.schema, flights(1, 5, ["ATL"]))];
      const first = await table.append(rows, { token: "load-1" });
      const second = await table.append(rows, { token: "load-1" });
      expect(second.metadata.snapshots).toHaveLength(1);
      expect(second.currentSnapshot?.snapshotId).toBe(first.currentSnapshot?.snapshotId);
      const data: string[] = [];
      for await (const object of store.list(`${table.location}/data/`)) data.push(object.uri);
      expect(data).toHaveLength(1);
    }));

  test("splits by several partition fields, with nulls in a partition of their own", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, {
        schema: SCHEMA,
        partitionSpec: [identity("delay"), bucket("origin", 4)],
      });
      const rows = [
        { at: 0, delay: 1, origin: "a" },
        { at: 0, delay: null, origin: "a" },
        { at: 0, delay: 1, origin: "a" },
        { at: 0, delay: null, origin: "b" },
      ];
      const table = await created.table.append([batchOf(created.table.schema, rows)]);
      const files = await table.inspect.files();
      expect(files.reduce((sum, file) => sum + file.recordCount, 0n)).toBe(4n);
      expect(new Set(files.map((file) => JSON.stringify(file.partition))).size).toBe(files.length);
      const { tasks } = await table.scan({ filter: isNull("delay") }).planAll();
      expect(tasks.every((task) => task.dataFile.partition[0] === null)).toBe(true);
      expect(tasks.reduce((sum, task) => sum + task.dataFile.recordCount, 0n)).toBe(2n);
    }));
});

describe("planning", () => {
  test("prunes manifests and files by partition, and leaves a residual only where the partition does not decide", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, { schema: SCHEMA, partitionSpec: [day("at")] });
      let { table } = created;
      for (const start of [0, 10, 20]) {
        const rows = flights(10, 4, ["ATL", "ORD"]).map((row) => ({
          ...row,
          at: (row.at as number) + start * DAY_MS,
        }));
        table = await table.append([batchOf(table.schema, rows)]);
      }
      const wholeDays = and(gtEq("at", "2001-01-12T00:00:00"), lt("at", "2001-01-14T00:00:00"));
      const { tasks, report } = await table.scan({ filter: wholeDays }).planAll();
      expect(tasks).toHaveLength(2);
      expect(tasks.map((task) => task.residual.type)).toEqual(["true", "true"]);
      expect(report).toMatchObject({
        totalDataManifests: 3,
        skippedDataManifests: 2,
        totalDataFiles: 30,
        resultDataFiles: 2,
      });
      const part = await table.scan({ filter: and(wholeDays, eq("origin", "ATL")) }).planAll();
      expect(part.tasks[0]?.residual).toMatchObject({ type: "eq", term: "origin" });
      const none = await table.scan({ filter: eq("origin", "ZZZ") }).planAll();
      expect(none.tasks).toEqual([]);
      expect(none.report.skippedDataFiles).toBe(30);
    }));

  test("reads at a snapshot, at a time and at a tag", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, { schema: SCHEMA });
      const rows = [batchOf(created.table.schema, flights(1, 5, ["ATL"]))];
      const one = await created.table.append(rows);
      const tagged = await one.createRef("v1", { type: "tag" });
      await new Promise((resolve) => setTimeout(resolve, 5));
      const two = await tagged.append(rows);
      const first = one.currentSnapshot;
      const count = async (at: Parameters<typeof two.scan>[0]) => (await two.scan(at).planAll()).tasks.length;
      expect(await count({})).toBe(2);
      expect(await count({ snapshotId: first?.snapshotId })).toBe(1);
      expect(await count({ asOf: first?.timestampMs })).toBe(1);
      expect(await count({ ref: "v1" })).toBe(1);
      expect(() => two.scan({ ref: "nope" })).toThrow(/nope/);
      expect(() => two.scan({ snapshotId: 1n, ref: "v1" })).toThrow(/one of/);
    }));
});

describe("foreign Arrow data", () => {
  test("with 64-bit offsets is taken over without its slices getting mixed up", () =>
    scratch(async (directory) => {
      const schema = defineSchema({ text: string().optional() });
      const { table } = await createTable(directory, { schema });
      const words = Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? null : `word ${i}`));
      const large = arrow.vectorFromArray(words, new arrow.LargeUtf8());
      const batch = new arrow.Table({ text: large }).batches[0];
      if (batch === undefined) throw new Error("no batch");
      const after = await table.append([batch.slice(13, 57), batch.slice(60, 61)]);
      const [file] = await after.inspect.files();
      const kept = [...words.slice(13, 57), ...words.slice(60, 61)].filter((word) => word !== null).sort();
      expect(file?.readableMetrics.text).toMatchObject({
        valueCount: 45n,
        nullValueCount: BigInt(45 - kept.length),
        lowerBound: kept[0],
        upperBound: kept.at(-1),
      });
    }));
});

describe("rows", () => {
  test("plain objects are checked against the schema and written", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const after = await table.append([
        { at: new Date("2001-01-01T00:00:00Z"), delay: 5, origin: "ATL" },
        { at: "2001-01-02T00:00:00", origin: "ORD" },
      ]);
      expect(after.currentSnapshot?.summary?.["added-records"]).toBe("2");
      const [file] = await after.inspect.files();
      expect(file?.readableMetrics.delay).toMatchObject({
        valueCount: 2n,
        nullValueCount: 1n,
        lowerBound: 5,
        upperBound: 5,
      });
    }));

  test("a wrong row fails the whole append, names row and column, and leaves no file", () =>
    scratch(async (directory) => {
      const { table, store } = await createTable(directory, {
        schema: SCHEMA,
        partitionSpec: [identity("origin")],
      });
      async function* rows() {
        yield { at: "2001-01-01T00:00:00", delay: 1, origin: "ATL" };
        yield { at: "2001-01-01T00:00:00", delay: "late", origin: "ATL" };
      }
      await expect(table.append(rows())).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
      for await (const object of store.list(`${table.location}/data`))
        throw new Error(`left over: ${object.uri}`);
    }));
});
