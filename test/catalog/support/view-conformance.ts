import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Catalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  currentViewVersion,
  defineSchema,
  long,
  replaceViewUpdates,
  sqlFor,
  string,
  type ViewDefinition,
  type ViewRepresentation,
} from "../../../lib/lakehouse/iceberg/index.js";
import type { CatalogFixture } from "./catalog-conformance.js";
import { code, schema } from "./contents.js";

function sql(text: string, dialect = "duckdb"): ViewRepresentation {
  return { type: "sql", sql: text, dialect };
}

const definition: ViewDefinition = {
  schema: defineSchema({ id: long(), data: string() }),
  defaultNamespace: ["ns"],
  representations: [sql("select * from ns.t")],
};

/** What any Iceberg catalog that keeps views must do with them, by the scenarios that Java's catalogs are tested with. */
export function viewConformance(name: string, place: () => Promise<CatalogFixture>): void {
  describe(`views in the ${name} catalog`, () => {
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

    const named = (view: string) => ({ namespace: ["ns"], name: view });

    test("are created, found by others, and gone after a drop", async () => {
      expect(await catalog.viewExists("ns.v")).toBe(false);
      const created = await catalog.createView("ns.v", { ...definition, properties: { owner: "ada" } });
      expect(await other.viewExists("ns.v")).toBe(true);
      const loaded = await other.loadView("ns.v");
      expect(loaded).toEqual(created);
      expect(loaded.metadata.properties).toEqual({ owner: "ada" });
      expect(sqlFor(currentViewVersion(loaded.metadata), "DuckDB")).toBe("select * from ns.t");
      await other.dropView("ns.v");
      expect(await catalog.viewExists("ns.v")).toBe(false);
      expect(await code(catalog.loadView("ns.v"))).toBe("NO_SUCH_VIEW");
      expect(await code(catalog.dropView("ns.v"))).toBe("NO_SUCH_VIEW");
    });

    test("need a namespace that exists", async () => {
      expect(await code(catalog.createView("nope.v", definition))).toBe("NO_SUCH_NAMESPACE");
      expect(await code(catalog.listViews("nope"))).toBe("NO_SUCH_NAMESPACE");
    });

    test("share their names with tables, and are not taken for them", async () => {
      await catalog.createTable("ns.t", { schema });
      await catalog.createView("ns.v", definition);
      expect(await code(catalog.createView("ns.v", definition))).toBe("VIEW_EXISTS");
      expect(await code(catalog.createView("ns.t", definition))).toBe("TABLE_EXISTS");
      expect(await code(catalog.createTable("ns.v", { schema }))).toBe("VIEW_EXISTS");
      expect(await code(catalog.renameView("ns.v", "ns.t"))).toBe("TABLE_EXISTS");
      expect(await code(catalog.renameTable("ns.t", "ns.v"))).toBe("VIEW_EXISTS");
      expect(await code(catalog.loadTable("ns.v"))).toBe("NO_SUCH_TABLE");
      expect(await code(catalog.loadView("ns.t"))).toBe("NO_SUCH_VIEW");
      expect(await code(catalog.dropTable("ns.v"))).toBe("NO_SUCH_TABLE");
      expect(await catalog.tableExists("ns.v")).toBe(false);
      expect(await catalog.viewExists("ns.t")).toBe(false);
      expect(await catalog.listTables("ns")).toEqual([named("t")]);
      expect(await catalog.listViews("ns")).toEqual([named("v")]);
      expect(await code(catalog.dropNamespace("ns"))).toBe("NAMESPACE_NOT_EMPTY");
    });

    test("are listed in pages", async () => {
      for (const view of ["c", "a", "b"]) await catalog.createView(named(view), definition);
      const first = await other.listViewsPage("ns", { pageSize: 2 });
      expect(first.items).toEqual([named("a"), named("b")]);
      const second = await other.listViewsPage("ns", {
        pageSize: 2,
        pageToken: first.nextPageToken as string,
      });
      expect(second.items).toEqual([named("c")]);
      expect(second.nextPageToken).toBeUndefined();
    });

    test("are renamed within and between namespaces, and stay the same view", async () => {
      await catalog.createNamespace("to");
      const { metadata } = await catalog.createView("ns.v", definition);
      await other.renameView("ns.v", "to.w");
      expect(await catalog.viewExists("ns.v")).toBe(false);
      expect((await catalog.loadView("to.w")).metadata.viewUuid).toBe(metadata.viewUuid);
      expect(await code(catalog.renameView("ns.nope", "ns.x"))).toBe("NO_SUCH_VIEW");
      expect(await code(catalog.renameView("to.w", "nope.x"))).toBe("NO_SUCH_NAMESPACE");
    });

    test("are replaced by new versions, and keep the old ones", async () => {
      const { metadata } = await catalog.createView("ns.v", definition);
      const updates = replaceViewUpdates({ ...definition, representations: [sql("select 1")] });
      const requirements = [{ type: "assert-view-uuid" as const, uuid: metadata.viewUuid }];
      const replaced = await other.commitView("ns.v", { requirements, updates });
      expect(replaced.metadata.currentVersionId).toBe(2);
      const loaded = await catalog.loadView("ns.v");
      expect(loaded).toEqual(replaced);
      expect(loaded.metadata.versions.map(({ versionId }) => versionId)).toEqual([1, 2]);
      expect(loaded.metadata.versionLog.map(({ versionId }) => versionId)).toEqual([1, 2]);
      await catalog.commitView("ns.v", {
        requirements,
        updates: [{ action: "set-current-view-version", viewVersionId: 1 }],
      });
      const back = await other.loadView("ns.v");
      expect(sqlFor(currentViewVersion(back.metadata), "duckdb")).toBe("select * from ns.t");
    });

    test("refuse a replacement of another view, or one that loses a dialect", async () => {
      const both = [sql("select 1"), sql("select 1", "spark")];
      const { metadata } = await catalog.createView("ns.v", { ...definition, representations: both });
      const updates = replaceViewUpdates(definition);
      const wrong = [{ type: "assert-view-uuid" as const, uuid: randomUUID() }];
      expect(await code(catalog.commitView("ns.v", { requirements: wrong, updates }))).toBe(
        "COMMIT_CONFLICT",
      );
      const right = [{ type: "assert-view-uuid" as const, uuid: metadata.viewUuid }];
      expect(await code(catalog.commitView("ns.v", { requirements: right, updates }))).toBe(
        "INVALID_ARGUMENT",
      );
      expect(await code(catalog.commitView("ns.x", { requirements: right, updates }))).toBe("NO_SUCH_VIEW");
      expect((await other.loadView("ns.v")).metadata.versions).toHaveLength(1);
    });

    test("take changes from several at a time, and lose none", async () => {
      await catalog.createView("ns.v", definition);
      const change = (n: number) => ({
        requirements: [],
        updates: [{ action: "set-properties" as const, updates: { [`key${n}`]: "set" } }],
      });
      await Promise.all([0, 1, 2, 3].map((n) => (n % 2 ? catalog : other).commitView("ns.v", change(n))));
      const { properties } = (await catalog.loadView("ns.v")).metadata;
      expect(Object.keys(properties).sort()).toEqual(["key0", "key1", "key2", "key3"]);
    });

    test("keep all that they were created with: dialects, summary, default catalog and namespace, location", async () => {
      const { location } = (await catalog.createView("ns.probe", definition)).metadata;
      const both = [sql("select 1"), sql("select 1 as x", "spark")];
      const created = await catalog.createView("ns.v", {
        ...definition,
        representations: both,
        summary: { "engine-name": "test" },
        defaultCatalog: "other",
        defaultNamespace: ["ns", "deep"],
        location: `${location}-custom`,
      });
      const { metadata, metadataLocation } = await other.loadView("ns.v");
      expect(metadata).toEqual(created.metadata);
      expect(metadata.location).toBe(`${location}-custom`);
      expect(metadataLocation.startsWith(`${location}-custom/metadata/`)).toBe(true);
      expect(currentViewVersion(metadata)).toMatchObject({
        representations: both,
        summary: { "engine-name": "test" },
        defaultCatalog: "other",
        defaultNamespace: ["ns", "deep"],
      });
      expect(sqlFor(currentViewVersion(metadata), "SPARK")).toBe("select 1 as x");
      expect(sqlFor(currentViewVersion(metadata), "trino")).toBeUndefined();
    });

    test("are refused without a query, or with two of one dialect, and nothing is there then", async () => {
      for (const representations of [[], [sql("select 1"), sql("select 2", "DuckDB")]]) {
        expect(await code(catalog.createView("ns.v", { ...definition, representations }))).toBe(
          "INVALID_ARGUMENT",
        );
      }
      expect(await other.viewExists("ns.v")).toBe(false);
    });

    test("take properties and locations, change and lose them, and are the same version", async () => {
      const created = await catalog.createView("ns.v", { ...definition, properties: { a: "1", b: "1" } });
      await other.commitView("ns.v", {
        requirements: [],
        updates: [
          { action: "set-properties", updates: { b: "2", c: "2" } },
          { action: "remove-properties", removals: ["a"] },
          { action: "set-location", location: `${created.metadata.location}-moved` },
        ],
      });
      const { metadata, metadataLocation } = await catalog.loadView("ns.v");
      expect(metadata.properties).toEqual({ b: "2", c: "2" });
      expect(metadata.location).toBe(`${created.metadata.location}-moved`);
      expect(metadataLocation.startsWith(metadata.location)).toBe(true);
      expect(metadata.versions).toEqual(created.metadata.versions);
    });

    test("that are dropped, or dropped and created again, take no change that was meant for the old one", async () => {
      const { metadata } = await catalog.createView("ns.v", definition);
      const requirements = [{ type: "assert-view-uuid" as const, uuid: metadata.viewUuid }];
      const changes = [
        { requirements, updates: replaceViewUpdates({ ...definition, representations: [sql("select 1")] }) },
        { requirements, updates: [{ action: "set-properties" as const, updates: { a: "1" } }] },
        {
          requirements,
          updates: [{ action: "set-location" as const, location: `${metadata.location}-new` }],
        },
      ];
      await other.dropView("ns.v");
      for (const change of changes)
        expect(await code(catalog.commitView("ns.v", change))).toBe("NO_SUCH_VIEW");
      const again = await other.createView("ns.v", definition);
      for (const change of changes)
        expect(await code(catalog.commitView("ns.v", change))).toBe("COMMIT_CONFLICT");
      expect(await catalog.loadView("ns.v")).toEqual(again);
    });

    test("replaced by two at a time keep both versions, and show the last one", async () => {
      const { metadata } = await catalog.createView("ns.v", definition);
      const requirements = [{ type: "assert-view-uuid" as const, uuid: metadata.viewUuid }];
      const replace = (client: Catalog, text: string) =>
        client.commitView("ns.v", {
          requirements,
          updates: replaceViewUpdates({ ...definition, representations: [sql(text)] }),
        });
      await Promise.all([replace(catalog, "select 1"), replace(other, "select 2")]);
      const loaded = (await catalog.loadView("ns.v")).metadata;
      expect(loaded.versions.map((version) => sqlFor(version, "duckdb")).sort()).toEqual([
        "select * from ns.t",
        "select 1",
        "select 2",
      ]);
      expect(loaded.currentVersionId).toBe(3);
      // What there was before becomes current again under the number that it had.
      const back = await replace(
        other,
        sqlFor(loaded.versions[1] as (typeof loaded.versions)[number], "duckdb") as string,
      );
      expect(back.metadata.currentVersionId).toBe(2);
      expect(back.metadata.versions).toHaveLength(3);
      expect(back.metadata.versionLog.map(({ versionId }) => versionId)).toEqual([1, 2, 3, 2]);
    });

    test("are registered only under a free name, in a namespace that is there", async () => {
      const { metadataLocation } = await catalog.createView("ns.v", definition);
      const table = await catalog.createTable("ns.t", { schema });
      expect(await code(other.registerView("ns.t", metadataLocation))).toBe("TABLE_EXISTS");
      expect(await code(other.registerTable("ns.v", table.metadataLocation))).toBe("VIEW_EXISTS");
      expect(await code(other.registerView("nope.v", metadataLocation))).toBe("NO_SUCH_NAMESPACE");
      expect(await other.listViews("ns")).toEqual([named("v")]);
      expect(await other.listTables("ns")).toEqual([named("t")]);
    });

    test("are registered from their files", async () => {
      const created = await catalog.createView("ns.v", definition);
      expect(await code(catalog.registerView("ns.v", created.metadataLocation))).toBe("VIEW_EXISTS");
      await catalog.dropView("ns.v");
      expect(await other.registerView("ns.w", created.metadataLocation)).toEqual(created);
      expect(await catalog.loadView("ns.w")).toEqual(created);
    });
  });

  describe(`unregistering in the ${name} catalog`, () => {
    test("forgets a table, leaves its files and answers with its last state", async () => {
      const fixture = await place();
      const catalog = await fixture.open();
      await catalog.createNamespace("ns");
      const table = await catalog.createTable("ns.t", { schema });
      const { metadata, metadataLocation } = await catalog.unregisterTable("ns.t");
      expect(metadata).toEqual(table.metadata);
      expect(await catalog.tableExists("ns.t")).toBe(false);
      expect((await catalog.registerTable("ns.u", metadataLocation)).metadata).toEqual(table.metadata);
      await catalog.close();
      await fixture.dispose();
    });
  });
}
