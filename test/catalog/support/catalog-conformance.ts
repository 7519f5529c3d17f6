import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Catalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  asc,
  bucket,
  day,
  defineSchema,
  long,
  string,
  type Table,
  timestamp,
} from "../../../lib/lakehouse/iceberg/index.js";
import { commitConformance } from "./commit-conformance.js";
import { code, records, schema } from "./contents.js";

/** A fresh, empty catalog, as often opened as asked: each opening stands for a client. */
export interface CatalogFixture {
  open(): Promise<Catalog>;
  /** Removes the place. */
  dispose(): Promise<void>;
}

/**
 * What any Iceberg catalog must do, by the scenarios that Java's catalogs are tested with. Every implementation of
 * `Catalog` runs it.
 */
export function catalogConformance(name: string, place: () => Promise<CatalogFixture>): void {
  describe(`the ${name} catalog`, () => {
    let fixture: CatalogFixture;
    let catalog: Catalog;
    let other: Catalog;
    beforeEach(async () => {
      fixture = await place();
      catalog = await fixture.open();
      other = await fixture.open();
    });
    afterEach(async () => {
      await other.close();
      await catalog.close();
      await fixture.dispose();
    });

    const rows = (table: Table) => Number(table.currentSnapshot?.summary?.["total-records"] ?? 0);

    describe("namespaces", () => {
      test("take no properties that every load of a table would have to read past", async () => {
        const large = { note: "x".repeat(70_000) };
        expect(await code(catalog.createNamespace("large", large))).toBe("INVALID_ARGUMENT");
        await catalog.createNamespace("ns", { owner: "ada" });
        expect(await code(catalog.updateNamespace("ns", { set: large }))).toBe("INVALID_ARGUMENT");
        expect((await other.loadNamespace("ns")).properties).toMatchObject({ owner: "ada" });
        await catalog.updateNamespace("ns", { set: { note: "x".repeat(30_000) } });
      });

      test("are created with their properties, found, and gone after a drop", async () => {
        expect(await catalog.namespaceExists("flights")).toBe(false);
        await catalog.createNamespace("flights", { owner: "ada" });
        expect(await other.namespaceExists("flights")).toBe(true);
        expect((await other.loadNamespace("flights")).properties).toMatchObject({ owner: "ada" });
        await other.dropNamespace("flights");
        expect(await catalog.namespaceExists("flights")).toBe(false);
        expect(await code(catalog.loadNamespace("flights"))).toBe("NO_SUCH_NAMESPACE");
      });

      test("cannot be created twice, nor dropped when they are not there", async () => {
        await catalog.createNamespace("flights");
        expect(await code(other.createNamespace("flights"))).toBe("NAMESPACE_EXISTS");
        expect(await code(catalog.dropNamespace("nope"))).toBe("NO_SUCH_NAMESPACE");
      });

      test("cannot be dropped while they hold a table or a namespace", async () => {
        await catalog.createNamespace("flights");
        await catalog.createTable("flights.bronze", { schema });
        expect(await code(catalog.dropNamespace("flights"))).toBe("NAMESPACE_NOT_EMPTY");
        await catalog.dropTable("flights.bronze");
        await catalog.createNamespace("flights.raw");
        expect(await code(catalog.dropNamespace("flights"))).toBe("NAMESPACE_NOT_EMPTY");
        await catalog.dropNamespace("flights.raw");
        await catalog.dropNamespace("flights");
      });

      test("take properties, change and lose them", async () => {
        await catalog.createNamespace("flights", { owner: "ada", layer: "bronze" });
        expect(
          await catalog.updateNamespace("flights", {
            set: { owner: "bob", cost: "low" },
            remove: ["layer", "never"],
          }),
        ).toEqual({ updated: ["owner", "cost"], removed: ["layer"], missing: ["never"] });
        const { properties } = await other.loadNamespace("flights");
        expect(properties).toMatchObject({ owner: "bob", cost: "low" });
        expect(properties).not.toHaveProperty("layer");
        expect(await code(catalog.updateNamespace("nope", { set: { a: "b" } }))).toBe("NO_SUCH_NAMESPACE");
        const both = catalog.updateNamespace("flights", { set: { a: "b" }, remove: ["a"] });
        expect(await code(both)).toBe("INVALID_ARGUMENT");
      });

      test("are listed level by level", async () => {
        for (const namespace of ["b", "a", "a.x", "a.x.deep", "a.y", "ab"])
          await catalog.createNamespace(namespace);
        expect(await other.listNamespaces()).toEqual([["a"], ["ab"], ["b"]]);
        expect(await other.listNamespaces("a")).toEqual([
          ["a", "x"],
          ["a", "y"],
        ]);
        expect(await other.listNamespaces(["a", "x"])).toEqual([["a", "x", "deep"]]);
        expect(await other.listNamespaces("b")).toEqual([]);
        expect(await code(other.listNamespaces("nope"))).toBe("NO_SUCH_NAMESPACE");
      });

      test("are listed in pages", async () => {
        const names = Array.from({ length: 7 }, (_, n) => [`n${n}`]);
        for (const namespace of names) await catalog.createNamespace(namespace);
        await catalog.createNamespace(["n3", "inside"]);
        expect(await allPages((page) => catalog.listNamespacesPage(page), 3)).toEqual([3, 3, 1]);
        const first = await catalog.listNamespacesPage({ pageSize: 4 });
        const second = await catalog.listNamespacesPage({
          pageSize: 4,
          pageToken: first.nextPageToken as string,
        });
        expect([...first.items, ...second.items]).toEqual(names);
      });

      test("may hold slashes and dots in their names", async () => {
        for (const level of ["new/db", "new.db", "new db", "né"]) {
          await catalog.createNamespace([level], { level });
          expect((await other.loadNamespace([level])).properties).toMatchObject({ level });
          expect(await other.listNamespaces()).toEqual([[level]]);
          await catalog.createTable({ namespace: [level], name: "t" }, { schema });
          expect(await other.listTables([level])).toEqual([{ namespace: [level], name: "t" }]);
          await other.dropTable({ namespace: [level], name: "t" });
          await catalog.dropNamespace([level]);
        }
      });
    });

    describe("tables", () => {
      beforeEach(async () => {
        await catalog.createNamespace("ns");
      });

      test("are created with a schema alone, under fresh ids", async () => {
        expect(await catalog.tableExists("ns.t")).toBe(false);
        const table = await catalog.createTable("ns.t", { schema });
        expect(await other.tableExists("ns.t")).toBe(true);
        expect(table.identifier).toEqual({ namespace: ["ns"], name: "t" });
        expect(table.schema.fields.map(({ id, name }) => [id, name])).toEqual([
          [1, "id"],
          [2, "data"],
        ]);
        expect(table.spec.fields).toEqual([]);
        expect(table.sortOrder.fields).toEqual([]);
        expect(table.currentSnapshot).toBeUndefined();
        expect(await table.store.head(table.metadataLocation)).toBeDefined();
      });

      test("are created with partitions, order, location and properties, and load the same", async () => {
        const root = (await catalog.createTable("ns.probe", { schema })).location;
        const location = `${root}-custom`;
        const complete = defineSchema({ id: long(), at: timestamp(), kind: string() });
        const table = await catalog.createTable("ns.t", {
          schema: complete,
          partitionSpec: [day("at"), bucket("id", 16)],
          sortOrder: [asc("kind")],
          location,
          properties: { user: "ada", "format-version": "2" },
        });
        const loaded = await other.loadTable("ns.t");
        expect(loaded.metadata).toEqual(table.metadata);
        expect(loaded.metadataLocation).toBe(table.metadataLocation);
        expect(loaded.location).toBe(location);
        expect(loaded.spec.fields.map((field) => field.name)).toEqual(["at_day", "id_bucket"]);
        expect(loaded.sortOrder.fields).toHaveLength(1);
        expect(loaded.properties).toMatchObject({ user: "ada" });
        expect(loaded.metadata.formatVersion).toBe(2);
      });

      test("cannot be created where the name is taken or the namespace is missing", async () => {
        await catalog.createTable("ns.t", { schema });
        expect(await code(other.createTable("ns.t", { schema }))).toBe("TABLE_EXISTS");
        expect(await code(catalog.createTable("nope.t", { schema }))).toBe("NO_SUCH_NAMESPACE");
        expect(await catalog.listTables("ns")).toHaveLength(1);
      });

      test("that are missing say so, in the nearest words", async () => {
        await catalog.createTable("ns.flights", { schema });
        expect(await code(catalog.loadTable("ns.nope"))).toBe("NO_SUCH_TABLE");
        expect(await code(catalog.loadTable("nope.t"))).toBe("NO_SUCH_TABLE");
        expect(await code(catalog.dropTable("ns.nope"))).toBe("NO_SUCH_TABLE");
        expect(await catalog.tableExists("nope.t")).toBe(false);
      });

      test("may hold slashes, dots and spaces in their names", async () => {
        for (const name of ["a/b", "a.b", "a b", "ñandú", "a%2Fb"]) {
          const identifier = { namespace: ["ns"], name };
          const table = await catalog.createTable(identifier, { schema });
          await table.append(records(1));
          expect(rows(await other.loadTable(identifier))).toBe(1);
          expect(await other.listTables("ns")).toEqual([identifier]);
          await other.dropTable(identifier);
        }
      });

      test("are listed by namespace, in pages, without those below", async () => {
        await catalog.createNamespace("ns.deep");
        await catalog.createNamespace("ns2");
        for (const table of ["ns.b", "ns.a", "ns.c", "ns.deep.d", "ns2.e"])
          await catalog.createTable(table, { schema });
        expect((await other.listTables("ns")).map(({ name: table }) => table)).toEqual(["a", "b", "c"]);
        expect(await other.listTables("ns2")).toEqual([{ namespace: ["ns2"], name: "e" }]);
        expect(await allPages((page) => catalog.listTablesPage("ns", page), 2)).toEqual([2, 1]);
        expect(await code(other.listTables("nope"))).toBe("NO_SUCH_NAMESPACE");
      });

      test("are renamed within and between namespaces, and stay the same table", async () => {
        await catalog.createNamespace("to");
        const table = await catalog.createTable("ns.t", { schema });
        await table.append(records(1));
        await catalog.renameTable("ns.t", "ns.u");
        await other.renameTable("ns.u", "to.v");
        expect(await catalog.tableExists("ns.t")).toBe(false);
        expect(await catalog.tableExists("ns.u")).toBe(false);
        const renamed = await catalog.loadTable("to.v");
        expect(renamed.metadata.tableUuid).toBe(table.metadata.tableUuid);
        expect(rows(await renamed.append(records(2)))).toBe(2);
      });

      test("cannot be renamed onto another, into nothing, or when they are not there", async () => {
        const table = await catalog.createTable("ns.t", { schema });
        const taken = await catalog.createTable("ns.u", { schema });
        expect(await code(catalog.renameTable("ns.t", "ns.u"))).toBe("TABLE_EXISTS");
        expect(await code(catalog.renameTable("ns.t", "nope.u"))).toBe("NO_SUCH_NAMESPACE");
        expect(await code(catalog.renameTable("ns.x", "ns.y"))).toBe("NO_SUCH_TABLE");
        expect((await other.loadTable("ns.t")).metadata.tableUuid).toBe(table.metadata.tableUuid);
        expect((await other.loadTable("ns.u")).metadata.tableUuid).toBe(taken.metadata.tableUuid);
      });

      test("are dropped, with their files where told, and the name is free again", async () => {
        for (const purge of [false, true]) {
          const table = await (await catalog.createTable("ns.t", { schema })).append(records(1));
          await other.dropTable("ns.t", { purge });
          expect(await catalog.tableExists("ns.t")).toBe(false);
          expect(await catalog.listTables("ns")).toEqual([]);
          const left = await table.store.head(table.metadataLocation);
          expect(left === undefined).toBe(purge);
          const data = [];
          for await (const { uri } of table.store.list(`${table.location}/`)) data.push(uri);
          expect(data.length > 0).toBe(!purge);
          const again = await catalog.createTable("ns.t", { schema });
          expect(again.metadata.tableUuid).not.toBe(table.metadata.tableUuid);
          expect(again.location).not.toBe(table.location);
          await catalog.dropTable("ns.t");
        }
      });

      test("are registered from their files", async () => {
        const table = await (await catalog.createTable("ns.t", { schema })).append(records(1));
        expect(await code(catalog.registerTable("ns.t", table.metadataLocation))).toBe("TABLE_EXISTS");
        await catalog.dropTable("ns.t");
        const registered = await other.registerTable("ns.u", table.metadataLocation);
        expect(registered.metadata).toEqual(table.metadata);
        expect(rows(await registered.append(records(2)))).toBe(2);
        expect(await code(catalog.registerTable("nope.u", table.metadataLocation))).toBe("NO_SUCH_NAMESPACE");
        const back = await catalog.registerTable("ns.u", table.metadataLocation, { overwrite: true });
        expect(rows(back)).toBe(1);
        expect(rows(await other.loadTable("ns.u"))).toBe(1);
      });
    });

    commitConformance(() => ({ catalog, other }));
  });
}

/** How many items each page of a listing holds. */
async function allPages<T>(
  list: (page: {
    pageSize: number;
    pageToken?: string;
  }) => Promise<{ items: readonly T[]; nextPageToken?: string | undefined }>,
  pageSize: number,
): Promise<number[]> {
  const sizes: number[] = [];
  let pageToken: string | undefined;
  do {
    const page = await list({ pageSize, ...(pageToken === undefined ? {} : { pageToken }) });
    sizes.push(page.items.length);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return sizes;
}
