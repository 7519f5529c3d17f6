import { describe, expect, test } from "vitest";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { readManifestList, writeManifestList } from "../../../lib/lakehouse/iceberg/files/manifest/list.js";
import { upgradeFormatVersion } from "../../../lib/lakehouse/iceberg/table/evolution/settings.js";
import { orphans, records, row, SCHEMA, stored } from "../support/commits.js";
import { createTable, scratch } from "../support/tables.js";

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
