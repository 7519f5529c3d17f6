import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { Catalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  applyUpdates,
  defineSchema,
  identity,
  int,
  long,
  requirementsFor,
  string,
  type Table,
  type TableRequirement,
  type TableUpdate,
  updatesToCreate,
} from "../../../lib/lakehouse/iceberg/index.js";
import { code, records, schema } from "./contents.js";

/** The part of `catalogConformance` about commits and transactions, on a catalog that two have open. */
export function commitConformance(
  opened: () => { readonly catalog: Catalog; readonly other: Catalog },
): void {
  const catalog = () => opened().catalog;
  const other = () => opened().other;

  /** Commits updates from a base, with the requirements that the updates call for. */
  const commit = (table: Table, updates: TableUpdate[], requirements?: TableRequirement[]) =>
    table.committer.commit({
      requirements: requirements ?? requirementsFor(table.metadata, updates),
      updates,
    });

  const rows = (table: Table) => Number(table.currentSnapshot?.summary?.["total-records"] ?? 0);

  describe("commits", () => {
    beforeEach(async () => {
      await catalog().createNamespace("ns");
    });

    test("append rows that others see, and list the metadata file before", async () => {
      const table = await catalog().createTable("ns.t", { schema });
      const after = await table.append(records(1));
      const loaded = await other().loadTable("ns.t");
      expect(loaded.metadataLocation).toBe(after.metadataLocation);
      expect(rows(loaded)).toBe(1);
      expect(loaded.metadata.metadataLog.map(({ metadataFile }) => metadataFile)).toEqual([
        table.metadataLocation,
      ]);
      expect(after.metadataLocation).toMatch(/\/metadata\/00001-[^/]+\.metadata\.json$/);
    });

    test("that append at the same time all stay", async () => {
      const table = await catalog().createTable("ns.t", { schema });
      const same = await other().loadTable("ns.t");
      await Promise.all([table, same, table, same].map((writer, n) => writer.append(records(n))));
      expect(rows(await catalog().loadTable("ns.t"))).toBe(4);
    });

    test("on a table that changed in another way are retried by the catalog", async () => {
      const table = await catalog().createTable("ns.t", { schema });
      const stale = await other().loadTable("ns.t");
      await commit(table, [{ action: "set-properties", updates: { a: "1" } }]);
      const wider = defineSchema({ id: long(), data: string().optional(), more: int().optional() });
      await commit(stale, [
        { action: "add-schema", schema: { ...wider, schemaId: -1 } },
        { action: "set-current-schema", schemaId: -1 },
      ]);
      const loaded = await catalog().loadTable("ns.t");
      expect(loaded.properties).toMatchObject({ a: "1" });
      expect(loaded.schema.fields).toHaveLength(3);
    });

    test("whose base is gone conflict, and leave the table as it was", async () => {
      const table = await catalog().createTable("ns.t", { schema, partitionSpec: [identity("data")] });
      const stale = await other().loadTable("ns.t");
      const widen = (column: string): TableUpdate[] => [
        {
          action: "add-schema",
          schema: {
            ...defineSchema({ id: long(), data: string().optional(), [column]: int().optional() }),
            schemaId: -1,
          },
        },
        { action: "set-current-schema", schemaId: -1 },
      ];
      await commit(table, widen("one"));
      expect(await code(commit(stale, widen("two")))).toBe("COMMIT_CONFLICT");
      const loaded = await other().loadTable("ns.t");
      expect(loaded.schema.fields.map((field) => field.name)).toEqual(["id", "data", "one"]);
      const files = [];
      for await (const { uri } of loaded.store.list(`${loaded.location}/metadata/`)) files.push(uri);
      expect(files).toHaveLength(2);
    });

    test("to a table that was replaced conflict", async () => {
      const table = await catalog().createTable("ns.t", { schema });
      await other().dropTable("ns.t");
      expect(await code(table.append(records(1)))).toBe("NO_SUCH_TABLE");
      await other().createTable("ns.t", { schema });
      expect(await code(table.append(records(1)))).toBe("COMMIT_CONFLICT");
      expect((await other().loadTable("ns.t")).currentSnapshot).toBeUndefined();
      const updates: TableUpdate[] = [{ action: "set-properties", updates: { a: "1" } }];
      const requirements: TableRequirement[] = [
        { type: "assert-table-uuid", uuid: table.metadata.tableUuid },
      ];
      expect(await code(commit(table, updates, requirements))).toBe("COMMIT_CONFLICT");
    });

    test("without effect change nothing", async () => {
      const table = await catalog().createTable("ns.t", { schema });
      const loaded = await table.committer.commit({ requirements: [], updates: [] });
      expect(loaded.metadataLocation).toBe(table.metadataLocation);
    });

    test("create a table from its updates, and only one of two who do", async () => {
      const probe = await catalog().createTable("ns.probe", { schema });
      const staged = { ...probe.metadata, tableUuid: randomUUID(), location: `${probe.location}-staged` };
      const updates = updatesToCreate(staged);
      const request = { requirements: [{ type: "assert-create" as const }], updates };
      const created = await catalog().committer("ns.staged").commit(request);
      expect(created.metadata.tableUuid).toBe(staged.tableUuid);
      expect((await other().loadTable("ns.staged")).schema.fields).toHaveLength(2);
      expect(await code(other().committer("ns.staged").commit(request))).toBe("TABLE_EXISTS");
      expect(await code(other().committer("nope.staged").commit(request))).toBe("NO_SUCH_NAMESPACE");
      expect(applyUpdates(undefined, updates).location).toBe(staged.location);
    });

    test("of several tables happen together or not at all", async () => {
      const [a, b] = [
        await catalog().createTable("ns.a", { schema }),
        await catalog().createTable("ns.b", { schema }),
      ];
      const set = (table: Table, value: string) => ({
        table: table.identifier,
        requirements: [{ type: "assert-table-uuid" as const, uuid: table.metadata.tableUuid }],
        updates: [{ action: "set-properties" as const, updates: { value } }],
      });
      await catalog().commitTransaction([set(a, "1"), set(b, "1")]);
      expect((await other().loadTable("ns.a")).properties).toMatchObject({ value: "1" });
      expect((await other().loadTable("ns.b")).properties).toMatchObject({ value: "1" });
      const wrong = {
        ...set(b, "2"),
        requirements: [{ type: "assert-table-uuid" as const, uuid: randomUUID() }],
      };
      expect(await code(catalog().commitTransaction([set(a, "2"), wrong]))).toBe("COMMIT_CONFLICT");
      expect((await other().loadTable("ns.a")).properties).toMatchObject({ value: "1" });
      const missing = { ...set(b, "2"), table: "ns.nope" };
      expect(await code(catalog().commitTransaction([set(a, "2"), missing]))).toBe("NO_SUCH_TABLE");
      expect((await other().loadTable("ns.a")).properties).toMatchObject({ value: "1" });
    });

    test("may change one table several times, each on what the one before makes of it", async () => {
      const table = await catalog().createTable("ns.a", { schema });
      const change = (updates: TableUpdate[], requirements: TableRequirement[] = []) => ({
        table: table.identifier,
        requirements: [
          { type: "assert-table-uuid" as const, uuid: table.metadata.tableUuid },
          ...requirements,
        ],
        updates,
      });
      const wider = { ...table.schema, schemaId: 1 };
      const steps = [
        change([{ action: "set-properties", updates: { x: "1", y: "1" } }]),
        change([
          { action: "add-schema", schema: wider },
          { action: "set-properties", updates: { x: "2" } },
        ]),
        change([{ action: "remove-properties", removals: ["y"] }]),
      ];
      await catalog().commitTransaction(steps);
      const after = await other().loadTable("ns.a");
      expect(after.properties).toMatchObject({ x: "2" });
      expect(after.properties).not.toHaveProperty("y");
      expect(after.metadata.metadataLog).toHaveLength(1);
      const unmet = change([], [{ type: "assert-current-schema-id", currentSchemaId: 77 }]);
      expect(await code(catalog().commitTransaction([...steps, unmet]))).toBe("COMMIT_CONFLICT");
      expect((await other().loadTable("ns.a")).metadataLocation).toBe(after.metadataLocation);
    });
  });
}
