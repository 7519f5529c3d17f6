import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Catalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  applyUpdates,
  asc,
  bucket,
  defineSchema,
  desc,
  identity,
  int,
  long,
  newTableMetadata,
  type PendingUpdate,
  replaceSortOrder,
  string,
  type Table,
  type TableMetadata,
  timestamp,
  UpdatePartitionSpec,
  UpdateSchema,
  updateProperties,
  updatesToCreate,
} from "../../../lib/lakehouse/iceberg/index.js";
import type { CatalogFixture } from "./catalog-conformance.js";
import { code, records, schema } from "./contents.js";

/**
 * What any Iceberg catalog must do when tables change under each other's hands, by the scenarios that Java's catalogs
 * are tested with: a change is made on a table as it was read, and committed without a second look.
 */
export function evolutionConformance(name: string, place: () => Promise<CatalogFixture>): void {
  describe(`tables that change in the ${name} catalog`, () => {
    let fixture: CatalogFixture;
    let catalog: Catalog;
    let other: Catalog;
    beforeEach(async () => {
      fixture = await place();
      catalog = await fixture.open();
      other = await fixture.open();
      await catalog.createNamespace("ns");
    });
    afterEach(async () => {
      await other.close();
      await catalog.close();
      await fixture.dispose();
    });

    /** Commits a change as it looks on the table that is given, however old that is. */
    const commit = (table: Table, change: PendingUpdate) =>
      table.committer.commit(change.propose(table.metadata) as Parameters<typeof table.committer.commit>[0]);
    const create = async (options: object = {}) =>
      (await catalog.createTable("ns.t", { schema, ...options })) as Table;
    const load = () => other.loadTable("ns.t");
    const columns = ({ schema: { fields } }: Table) => fields.map((field) => field.name);
    const addColumn = (column: string) => new UpdateSchema().addColumn(column, int().optional());

    test("a change of the schema, the partitioning or the order survives a change of something else", async () => {
      const stale = await create();
      await (await load()).update([updateProperties({ set: { a: "1" } })]);
      await commit(stale, addColumn("more"));
      await commit(stale, new UpdatePartitionSpec().addField(bucket("id", 4)));
      await commit(stale, replaceSortOrder([desc("id")]));
      const loaded = await load();
      expect(columns(loaded)).toEqual(["id", "data", "more"]);
      expect(loaded.spec.fields.map((field) => field.name)).toEqual(["id_bucket"]);
      expect(loaded.sortOrder.fields).toMatchObject([{ direction: "desc" }]);
      expect(loaded.properties).toMatchObject({ a: "1" });
    });

    test("two changes of the schema conflict, whether of one column or of ids", async () => {
      const stale = await create();
      await commit(await load(), new UpdateSchema().dropColumn("data"));
      expect(await code(commit(stale, addColumn("more")))).toBe("COMMIT_CONFLICT");
      expect(columns(await load())).toEqual(["id"]);
      const [one, two] = [await load(), await load()];
      await commit(one, addColumn("one"));
      expect(await code(commit(two, addColumn("two")))).toBe("COMMIT_CONFLICT");
      expect(columns(await load())).toEqual(["id", "one"]);
    });

    test("two changes of the partitioning conflict, whether of one field or of ids", async () => {
      const stale = await create({ partitionSpec: [identity("data")] });
      await commit(await load(), new UpdatePartitionSpec().removeField("data"));
      const late = new UpdatePartitionSpec().addField(bucket("id", 4));
      expect(await code(commit(stale, late))).toBe("COMMIT_CONFLICT");
      const [one, two] = [await load(), await load()];
      await commit(one, new UpdatePartitionSpec().addField(bucket("id", 8)));
      expect(await code(commit(two, late))).toBe("COMMIT_CONFLICT");
      expect((await load()).spec.fields.map((field) => field.name)).toContain("id_bucket");
    });

    test("two changes of the sort order conflict", async () => {
      const stale = await create();
      await commit(await load(), replaceSortOrder([asc("id")]));
      expect(await code(commit(stale, replaceSortOrder([desc("data")])))).toBe("COMMIT_CONFLICT");
      expect((await load()).sortOrder.fields).toMatchObject([{ direction: "asc" }]);
    });

    test("a change that is taken back leads to what there was before, under the same id", async () => {
      const before = await create({ partitionSpec: [identity("data")], sortOrder: [asc("id")] });
      let table = await before.update([addColumn("more")]);
      table = await table.update([new UpdatePartitionSpec().addField(bucket("id", 4))]);
      table = await table.update([replaceSortOrder([desc("id")])]);
      expect(table.metadata.schemas).toHaveLength(2);
      expect(table.metadata.partitionSpecs).toHaveLength(2);
      expect(table.metadata.sortOrders).toHaveLength(2);
      await table.update([new UpdatePartitionSpec().removeField("id_bucket")]);
      await (await load()).update([new UpdateSchema().dropColumn("more")]);
      await (await load()).update([replaceSortOrder([asc("id")])]);
      const { metadata } = await load();
      expect(metadata.currentSchemaId).toBe(before.metadata.currentSchemaId);
      expect(metadata.defaultSpecId).toBe(before.metadata.defaultSpecId);
      expect(metadata.defaultSortOrderId).toBe(before.metadata.defaultSortOrderId);
      expect(metadata.lastColumnId).toBe(3);
      expect(metadata.schemas).toHaveLength(2);
    });

    test("the list of earlier metadata files is as long as the table says", async () => {
      let table = await create({ properties: { "write.metadata.previous-versions-max": "2" } });
      const files = [table.metadataLocation];
      for (const n of [1, 2, 3, 4]) {
        table = await table.update([updateProperties({ set: { n: String(n) } })]);
        files.push(table.metadataLocation);
      }
      const log = (await load()).metadata.metadataLog.map(({ metadataFile }) => metadataFile);
      expect(log).toEqual(files.slice(2, 4));
    });

    describe("that are renamed", () => {
      test("leave their name to another table, whose files lie elsewhere and go alone", async () => {
        const table = await (await create()).append(records(1, 2));
        await catalog.renameTable("ns.t", "ns.u");
        const second = await (await create()).append(records(3));
        expect(second.location).not.toBe(table.location);
        await other.dropTable("ns.t", { purge: true });
        const renamed = await other.loadTable("ns.u");
        expect(renamed.currentSnapshot?.summary).toMatchObject({ "total-records": "2" });
        expect(await (await renamed.append(records(4))).scan().planAll()).toMatchObject({ tasks: [{}, {}] });
      });
    });

    describe("that are created from updates", () => {
      const staged = async (): Promise<TableMetadata> => {
        const probe = await catalog.createTable("ns.probe", { schema });
        return newTableMetadata({
          schema: defineSchema({ id: long(), at: timestamp(), kind: string() }),
          partitionSpec: [bucket("id", 16)],
          sortOrder: [asc("kind")],
          location: `${probe.location}-staged`,
          properties: { owner: "ada" },
        });
      };

      test("have all that was staged: several schemas and specs, order, properties, under the same ids", async () => {
        let metadata = await staged();
        for (const change of [addColumn("more"), new UpdatePartitionSpec().addField(identity("kind"))]) {
          metadata = applyUpdates(metadata, change.propose(metadata)?.updates ?? []);
        }
        await catalog
          .committer("ns.t")
          .commit({ requirements: [{ type: "assert-create" }], updates: updatesToCreate(metadata) });
        const loaded = await load();
        expect(loaded.metadata.schemas).toEqual(metadata.schemas);
        expect(loaded.metadata.partitionSpecs).toEqual(metadata.partitionSpecs);
        expect(loaded.metadata.sortOrders).toEqual(metadata.sortOrders);
        expect(loaded.properties).toMatchObject({ owner: "ada" });
        expect(loaded.location).toBe(metadata.location);
        expect(loaded.metadata.tableUuid).toBe(metadata.tableUuid);
      });

      test("are refused when another one was first, which stays as it is", async () => {
        const metadata = await staged();
        const first = await create();
        const late = {
          requirements: [{ type: "assert-create" as const }],
          updates: updatesToCreate(metadata),
        };
        expect(await code(other.committer("ns.t").commit(late))).toBe("TABLE_EXISTS");
        expect((await load()).metadata.tableUuid).toBe(first.metadata.tableUuid);
      });

      test("are refused when the other one is a view", async () => {
        const metadata = await staged();
        await catalog.createView("ns.t", {
          schema,
          defaultNamespace: ["ns"],
          representations: [{ type: "sql", sql: "select 1", dialect: "duckdb" }],
        });
        const late = {
          requirements: [{ type: "assert-create" as const }],
          updates: updatesToCreate(metadata),
        };
        expect(await code(other.committer("ns.t").commit(late))).toMatch(/^(VIEW|TABLE)_EXISTS$/);
        expect(await other.tableExists("ns.t")).toBe(false);
      });
    });

    describe("that are replaced", () => {
      const wider = defineSchema({ id: long(), data: string().optional(), at: timestamp().optional() });

      test("stay the same table with its history, and are empty", async () => {
        const table = await (await create({ properties: { kept: "yes", old: "1" } })).append(records(1));
        const replacement = {
          partitionSpec: [bucket("id", 4)],
          sortOrder: [asc("data")],
          properties: { old: "2" },
        };
        await table.replace({ schema: wider, ...replacement });
        const loaded = await load();
        expect(loaded.metadata.tableUuid).toBe(table.metadata.tableUuid);
        expect(loaded.location).toBe(table.location);
        expect(loaded.currentSnapshot).toBeUndefined();
        expect(loaded.metadata.snapshots.map(({ snapshotId }) => snapshotId)).toEqual([
          table.currentSnapshot?.snapshotId,
        ]);
        expect(columns(loaded)).toEqual(["id", "data", "at"]);
        expect(loaded.schema.fields.slice(0, 2).map(({ id }) => id)).toEqual([1, 2]);
        expect(loaded.spec.fields).toHaveLength(1);
        expect(loaded.properties).toMatchObject({ kept: "yes", old: "2" });
        const again = await (await load()).append([{ id: 7n }]);
        expect(again.currentSnapshot?.summary).toMatchObject({ "total-records": "1" });
      });

      test("by two at a time end as the last one has it, and the first one's version is in the history", async () => {
        const stale = await create();
        await (await load()).replace({ schema: wider, partitionSpec: [bucket("id", 4)] });
        await stale.replace({ schema: defineSchema({ n: int() }), sortOrder: [desc("n")] });
        const loaded = await load();
        expect(columns(loaded)).toEqual(["n"]);
        expect(loaded.spec.fields).toEqual([]);
        expect(loaded.metadata.schemas).toHaveLength(3);
        expect(
          new Set(loaded.metadata.schemas.flatMap(({ fields }) => fields.map(({ id }) => id))).size,
        ).toBe(4);
      });

      test("have to be there", async () => {
        const table = await create();
        await other.dropTable("ns.t");
        expect(await code(table.replace({ schema: wider }))).toBe("NO_SUCH_TABLE");
        expect(await other.tableExists("ns.t")).toBe(false);
      });
    });

    test("the namespace without a name is where all others are, and is neither made nor dropped", async () => {
      expect(await catalog.listNamespaces("")).toEqual([["ns"]]);
      for (const change of [
        catalog.createNamespace([]),
        catalog.dropNamespace([]),
        catalog.updateNamespace([], { set: { a: "b" } }),
      ]) {
        expect(await code(change)).toBe("INVALID_ARGUMENT");
      }
    });

    test("a table is never found under a name that it never had", async () => {
      const { metadataLocation } = await create();
      expect(await other.tableExists("ns.T")).toBe(false);
      expect(await code(other.registerTable(`ns.${randomUUID()}`, `${metadataLocation}.nope`))).not.toBe(
        "no error",
      );
      expect(await other.listTables("ns")).toEqual([{ namespace: ["ns"], name: "t" }]);
    });
  });
}
