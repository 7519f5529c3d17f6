import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { type BranchingCatalog, openCatalog, openCatalogAt } from "../../../lib/lakehouse/catalog/index.js";
import type { RowOf, Table } from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { code, records, schema } from "../support/contents.js";

let directory: string;
let catalog: BranchingCatalog;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "branching-"));
  catalog = await openCatalog({
    backend: join(directory, "catalog.db"),
    store: new LocalStore(join(directory, "warehouse")),
    author: "ada",
  });
  await catalog.createNamespace("ns");
});
afterEach(async () => {
  await catalog.close();
  await rm(directory, { recursive: true, force: true });
});

const append = (table: Table<RowOf<typeof schema>>, ...ids: number[]) => table.append(records(...ids));

test("the reflog tells where a branch was, and outlives it", async () => {
  await append(await catalog.createTable("ns.t", { schema }), 1);
  const [before, after] = [(await catalog.commitAt("main~1")).hash, await catalog.hash()];
  await catalog.rollback("main~1");
  expect((await catalog.reflog())[0]).toMatchObject({ operation: "ASSIGN", from: after, to: before });
  await catalog.createBranch("etl");
  await catalog.deleteReference("etl");
  expect((await catalog.reflog("etl")).map(({ operation }) => operation)).toEqual(["DELETE", "CREATE"]);
});

test("a file that is no catalog is refused by name", async () => {
  const path = join(directory, "not-a-catalog");
  await writeFile(path, "something else, longer than a page header".repeat(100));
  const opening = openCatalog({ backend: path, store: new LocalStore(join(directory, "warehouse")) });
  await expect(opening).rejects.toMatchObject({ code: "INVALID_CONFIG", subject: path });
});

test("a catalog whose file has no path is refused, not kept in a temporary one", async () => {
  const store = new LocalStore(join(directory, "warehouse"));
  for (const opening of [openCatalog({ backend: "", store }), openCatalogAt("sqlite:", { store })]) {
    await expect(opening).rejects.toMatchObject({ code: "INVALID_CONFIG", subject: "sqlite:" });
  }
});

test("a table knows the type of its rows from the schema that made it", async () => {
  const table = await catalog.createTable("ns.t", { schema });
  expectTypeOf(table).toEqualTypeOf<Table<RowOf<typeof schema>>>();
  expectTypeOf<{ id: string }[]>().not.toExtend<Parameters<typeof table.append>[0]>();
  const loaded = await catalog.loadTable<RowOf<typeof schema>>("ns.t");
  expect(await append(loaded, 1)).toMatchObject({ name: "ns.t" });
});

describe("names", () => {
  test("that are missing name what was meant", async () => {
    await catalog.createTable("ns.bronze_flights", { schema });
    await expect(catalog.loadTable("ns.bronze_fligths")).rejects.toThrow(
      "There is no table ns.bronze_fligths on main. Did you mean ns.bronze_flights?",
    );
    await expect(catalog.loadTable("sn.bronze_flights")).rejects.toThrow("There is no namespace sn on main.");
    await expect(catalog.createTable("nss.t", { schema })).rejects.toThrow("Did you mean ns?");
    await expect(catalog.on("mian").loadTable("ns.t")).rejects.toThrow("Did you mean main?");
  });

  test("of new tables make folders within the warehouse", async () => {
    await catalog.createNamespace(["..", "odd name"].slice(0, 1));
    const table = await catalog.createTable({ namespace: [".."], name: "a/../b c" }, { schema });
    const { root } = table.store;
    expect(table.location).toMatch(new RegExp(`^${root.replaceAll(".", "\\.")}/_/a_.._b_c-[0-9a-f-]{36}$`));
    expect(await code(catalog.createTable("ns.t", { schema, location: "file:///etc/t" }))).toBe(
      "INVALID_ARGUMENT",
    );
  });
});
