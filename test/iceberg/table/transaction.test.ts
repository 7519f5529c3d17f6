import { describe, expect, test } from "vitest";
import { eq } from "../../../lib/lakehouse/iceberg/model/expressions/builders.js";
import { identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import { defineSchema, int, string } from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { updateProperties } from "../../../lib/lakehouse/iceberg/table/evolution/settings.js";
import { UpdateSchema } from "../../../lib/lakehouse/iceberg/table/evolution/update-schema.js";
import type { Table } from "../../../lib/lakehouse/iceberg/table/table.js";
import { createTable, scratch } from "../support/tables.js";

const SCHEMA = defineSchema({ n: int(), origin: string() });
const rows = (origin: string, count: number) => Array.from({ length: count }, (_, n) => ({ n, origin }));

async function partitions(table: Table): Promise<Record<string, bigint>> {
  return Object.fromEntries(
    (await table.inspect.partitions()).map((p) => [p.partition.origin, p.recordCount]),
  );
}

describe("transactions", () => {
  test("commit schema, properties and several snapshots in one step; each step sees those before", () =>
    scratch(async (directory) => {
      const { table, committer } = await createTable(directory, {
        schema: SCHEMA,
        partitionSpec: [identity("origin")],
      });
      const tx = table.begin();
      await tx.update(new UpdateSchema().addColumn("carrier", string().optional()));
      await tx.append([{ n: 1, origin: "ATL", carrier: "DL" }]);
      await tx.append(rows("ORD", 3));
      await tx.deleteRows(eq("origin", "ATL"));
      await tx.update(updateProperties({ set: { owner: "me" } }));
      expect(await partitions(tx.table)).toEqual({ ORD: 3n });
      expect((await table.refresh()).currentSnapshot).toBeUndefined();
      const after = await tx.commit();
      expect(committer.commits).toBe(1);
      expect(await partitions(after)).toEqual({ ORD: 3n });
      expect(after.metadata.snapshots.map((s) => s.summary?.operation)).toEqual([
        "append",
        "append",
        "delete",
      ]);
      expect(after.properties.owner).toBe("me");
      expect(after.schema.fields.map((field) => field.name)).toEqual(["n", "origin", "carrier"]);
    }));

  test("go on top of a commit that was faster", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA, partitionSpec: [identity("origin")] });
      const base = await table.append(rows("ATL", 2));
      const tx = base.begin();
      await tx.deleteRows(eq("origin", "ATL"));
      await tx.append(rows("ATL", 5));
      await base.append(rows("JFK", 1));
      expect(await partitions(await tx.commit())).toEqual({ ATL: 5n, JFK: 1n });
    }));

  test("are checked against what came from outside, not against their own steps", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA, partitionSpec: [identity("origin")] });
      const base = await table.append(rows("ATL", 2));
      const tx = base.begin();
      await tx.append(rows("ATL", 1));
      await tx.overwrite(rows("ATL", 4), { where: eq("origin", "ATL") });
      await base.append(rows("ATL", 7));
      await expect(tx.commit()).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
      expect(await partitions(await base.refresh())).toEqual({ ATL: 9n });
    }));

  test("leave nothing when they are rolled back", () =>
    scratch(async (directory) => {
      const { table, store } = await createTable(directory, { schema: SCHEMA });
      const tx = table.begin();
      await tx.append(rows("ATL", 2));
      await tx.rollback();
      const left: string[] = [];
      for await (const object of store.list(`${table.location}/`)) left.push(object.uri);
      expect(left.filter((uri) => uri.endsWith(".avro") || uri.endsWith(".parquet"))).toEqual([]);
      await expect(tx.append(rows("ATL", 2))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }));
});

describe("incremental reads", () => {
  test("appends between two snapshots, without what other operations did", () =>
    scratch(async (directory) => {
      const { table } = await createTable(directory, { schema: SCHEMA, partitionSpec: [identity("origin")] });
      const one = await table.append(rows("ATL", 1));
      const two = await one.append(rows("ORD", 2));
      const three = await two.deleteRows(eq("origin", "ATL"));
      const four = await three.append(rows("JFK", 4));
      const count = async (tasks: Promise<readonly { dataFile: { recordCount: bigint } }[]>) =>
        (await tasks).map((task) => task.dataFile.recordCount);
      const from = one.currentSnapshot?.snapshotId;
      expect(await count(four.incrementalAppends({ from }))).toEqual([2n, 4n]);
      expect(await count(four.incrementalAppends({ from, to: two.currentSnapshot?.snapshotId }))).toEqual([
        2n,
      ]);
      expect(await count(four.incrementalAppends())).toEqual([1n, 2n, 4n]);
      expect(await count(four.incrementalAppends({}, { filter: eq("origin", "JFK") }))).toEqual([4n]);
      const changes = await four.changelog({ from });
      const shown = changes.map((c) => [
        c.deletesBefore,
        c.deletesAfter,
        c.changeOrdinal,
        c.dataFile.recordCount,
      ]);
      expect(shown).toEqual([
        [undefined, [], 0, 2n],
        [[], undefined, 1, 1n],
        [undefined, [], 2, 4n],
      ]);
      await expect(one.incrementalAppends({ from: 5n })).rejects.toMatchObject({ code: "NO_SUCH_SNAPSHOT" });
    }));
});
