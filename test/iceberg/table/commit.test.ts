import { describe, expect, test } from "vitest";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  readManifestList,
  readManifests,
  writeManifestList,
} from "../../../lib/lakehouse/iceberg/files/manifest/list.js";
import { and, eq, gtEq, lt } from "../../../lib/lakehouse/iceberg/model/expressions/builders.js";
import { day, identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import {
  defineSchema,
  int,
  string,
  timestamp,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { upgradeFormatVersion } from "../../../lib/lakehouse/iceberg/table/evolution/settings.js";
import { UpdatePartitionSpec } from "../../../lib/lakehouse/iceberg/table/evolution/update-partition-spec.js";
import type { Table } from "../../../lib/lakehouse/iceberg/table/table.js";
import type { ObjectStore } from "../../../lib/lakehouse/storage/index.js";
import { createTable, scratch } from "../support/tables.js";

const SCHEMA = defineSchema({ at: timestamp(), delay: int().optional(), origin: string() });
const row = (day: number, origin: string, delay = 1) => ({
  at: `2001-01-${String(day).padStart(2, "0")}T12:00:00`,
  delay,
  origin,
});

async function records(table: Table): Promise<bigint> {
  const { tasks } = await table.scan().planAll();
  return tasks.reduce((sum, task) => sum + task.dataFile.recordCount, 0n);
}

async function stored(store: ObjectStore, prefix: string): Promise<Set<string>> {
  const uris = new Set<string>();
  for await (const object of store.list(prefix)) uris.add(object.uri);
  return uris;
}

/** The files below metadata/ and data/ that no snapshot of the table refers to. */
async function orphans(table: Table): Promise<string[]> {
  const referenced = new Set<string>([
    table.metadataLocation,
    ...table.metadata.metadataLog.map((log) => log.metadataFile),
  ]);
  for (const snapshot of table.metadata.snapshots) {
    if (snapshot.manifestList !== undefined) referenced.add(snapshot.manifestList);
    for (const manifest of await readManifests(table.store, snapshot)) referenced.add(manifest.manifestPath);
    for (const file of await table.inspect.entries({ snapshotId: snapshot.snapshotId }))
      referenced.add(file.dataFile.filePath);
  }
  const all = [
    ...(await stored(table.store, `${table.location}/metadata/`)),
    ...(await stored(table.store, `${table.location}/data/`)),
  ];
  return all.filter((uri) => !referenced.has(uri));
}

describe("retry", () => {
  test("twenty writers that start from one view all get in, in a line, and leave nothing over", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, {
        schema: SCHEMA,
        properties: { "commit.retry.num-retries": "100" },
      });
      await Promise.all(Array.from({ length: 20 }, (_, i) => table.append([row(1, `O${i}`)])));
      const after = await table.refresh();
      expect(await records(after)).toBe(20n);
      expect(after.metadata.snapshots.map((s) => s.sequenceNumber)).toEqual(
        Array.from({ length: 20 }, (_, i) => BigInt(i + 1)),
      );
      for (const [i, snapshot] of after.metadata.snapshots.entries()) {
        expect(snapshot.parentSnapshotId).toBe(after.metadata.snapshots[i - 1]?.snapshotId);
        expect(snapshot.summary?.["total-records"]).toBe(String(i + 1));
      }
      expect(await orphans(after)).toEqual([]);
    }));

  test("gives up after the number of retries that the table sets, and cleans up", () =>
    scratch(async (directory) => {
      const { table, committer } = await createTable(directory, {
        schema: SCHEMA,
        properties: { "commit.retry.num-retries": "2", "commit.retry.min-wait-ms": "1" },
      });
      committer.beforeSwap = async () => {
        throw new LakehouseError("COMMIT_CONFLICT", "t", "Another was first.");
      };
      await expect(table.append([row(1, "ATL")])).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
      expect(committer.commits).toBe(3);
      expect(await stored(table.store, `${table.location}/data/`)).toEqual(new Set());
      expect(
        [...(await stored(table.store, `${table.location}/metadata/`))].filter((uri) =>
          uri.endsWith(".avro"),
        ),
      ).toEqual([]);
    }));

  test("an unknown outcome is told as such and deletes nothing: the commit may have happened", () =>
    scratch(async (directory) => {
      const { table, committer } = await createTable(directory, { schema: SCHEMA });
      committer.afterSwap = async () => {
        throw new LakehouseError("COMMIT_STATE_UNKNOWN", "t", "The answer was lost.");
      };
      await expect(table.append([row(1, "ATL")], { token: "once" })).rejects.toMatchObject({
        code: "COMMIT_STATE_UNKNOWN",
      });
      committer.afterSwap = undefined;
      const after = await table.refresh();
      expect(await records(after)).toBe(1n);
      // The same token again finds the commit that went through.
      expect((await after.append([row(1, "ATL")], { token: "once" })).metadata.snapshots).toHaveLength(1);
    }));
});

describe("manifest merging", () => {
  test("merges small manifests at the minimum count, keeps every file and its age, and drops the old ones", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, {
        schema: SCHEMA,
        properties: { "commit.manifest.min-count-to-merge": "4" },
      });
      let { table } = created;
      const counts: number[] = [];
      for (let i = 0; i < 9; i++) {
        table = await table.append([row(1, `O${i}`)]);
        counts.push((await table.inspect.manifests()).length);
      }
      expect(counts).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
      const entries = await table.inspect.entries();
      expect(entries.map((entry) => entry.sequenceNumber).sort()).toEqual(
        Array.from({ length: 9 }, (_, i) => BigInt(i + 1)),
      );
      expect(entries.map((entry) => entry.fileSequenceNumber).sort()).toEqual(
        Array.from({ length: 9 }, (_, i) => BigInt(i + 1)),
      );
      expect(await orphans(table)).toEqual([]);
    }));

  test("a fast append merges nothing", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, {
        schema: SCHEMA,
        properties: { "commit.manifest.min-count-to-merge": "2" },
      });
      let { table } = created;
      for (let i = 0; i < 4; i++) table = await table.append([row(1, "ATL")], { fast: true });
      expect(await table.inspect.manifests()).toHaveLength(4);
    }));
});

const theSecond = and(gtEq("at", "2001-01-02T00:00:00"), lt("at", "2001-01-03T00:00:00"));

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

describe("references", () => {
  test("a branch takes appends of its own, and main moves to it by fast-forward", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const main = await table.append([row(1, "ATL")]);
      const branched = await main.append([row(1, "ORD")], { branch: "audit" });
      expect(await records(branched)).toBe(1n);
      expect((await branched.scan({ ref: "audit" }).planAll()).tasks).toHaveLength(2);
      expect(await records(await branched.fastForward("main", "audit"))).toBe(2n);
    }));

  test("branches that diverged do not fast-forward", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const main = await table.append([row(1, "ATL")]);
      const audit = await main.append([row(1, "ORD")], { branch: "audit" });
      const moved = await audit.append([row(1, "JFK")]);
      await expect(moved.fastForward("main", "audit")).rejects.toMatchObject({ code: "REF_CONFLICT" });
    }));

  test("write, audit, publish: a staged snapshot shows nowhere until it is picked, once", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const base = await table.append([row(1, "ATL")]);
      const staged = await base.append([row(1, "ORD")], { wapId: "load-7" });
      expect(await records(staged)).toBe(1n);
      const id = staged.metadata.snapshots.find((s) => s.summary?.["wap.id"] === "load-7")?.snapshotId;
      if (id === undefined) throw new Error("nothing staged");
      const moved = await staged.append([row(1, "JFK")]);
      const published = await moved.cherryPick(id);
      expect(await records(published)).toBe(3n);
      expect(published.currentSnapshot?.summary).toMatchObject({
        operation: "append",
        "published-wap-id": "load-7",
        "source-snapshot-id": String(id),
      });
      await expect(published.cherryPick(id)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }));

  test("a staged snapshot on top of the branch is published as it is", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const base = await table.append([row(1, "ATL")]);
      const staged = await base.append([row(1, "ORD")], { wapId: "x" });
      const id = staged.metadata.snapshots[1]?.snapshotId as bigint;
      expect((await staged.cherryPick(id)).currentSnapshot?.snapshotId).toBe(id);
    }));

  test("rollback goes to an ancestor only", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA });
      const one = await table.append([row(1, "ATL")]);
      const two = await one.append([row(1, "ORD")]);
      const back = await two.rollback(one.currentSnapshot?.snapshotId as bigint);
      expect(await records(back)).toBe(1n);
      expect(back.inspect.history().map((h) => h.isCurrentAncestor)).toEqual([true, false, true]);
      await expect(back.rollback(two.currentSnapshot?.snapshotId as bigint)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    }));
});

describe("tables from v1", () => {
  test("with manifests that were never counted are counted once they move on to v3, for row ids are given out by counts", () =>
    scratch(async (directory) => {
      const created = await createTable(directory, { schema: SCHEMA, formatVersion: 1 });
      const old = await created.table.append([row(1, "ATL"), row(1, "ORD"), row(1, "JFK")]);
      const list = old.currentSnapshot?.manifestList;
      if (list === undefined) throw new Error("no list");
      // As a v1 writer that counts nothing would have left it.
      const bare = (await readManifestList(old.store, list)).map((m) => ({
        ...m,
        addedFilesCount: undefined,
        existingFilesCount: undefined,
        deletedFilesCount: undefined,
        addedRowsCount: undefined,
        existingRowsCount: undefined,
        deletedRowsCount: undefined,
      }));
      const head = {
        formatVersion: 1,
        snapshotId: 1n,
        parentSnapshotId: undefined,
        sequenceNumber: 0n,
      } as const;
      await writeManifestList(old.store, list, head, bare);
      const upgraded = await old.update([upgradeFormatVersion(3)]);
      const after = await upgraded.append([row(2, "ATL")]);
      expect((await after.inspect.manifests()).map((m) => m.addedFilesCount)).toEqual([1, 1]);
      const entries = await after.inspect.entries();
      expect(entries.map((e) => [e.dataFile.recordCount, e.dataFile.firstRowId])).toEqual([
        [1n, 0n],
        [3n, 1n],
      ]);
      expect(after.metadata.nextRowId).toBe(4n);
    }));
});
