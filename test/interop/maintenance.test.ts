import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineSchema, int, string, type Table } from "../../lib/lakehouse/iceberg/index.js";
import { compact } from "../../lib/lakehouse/maintenance/compaction/compact.js";
import { Engine } from "./engine.js";
import { ourRows, type PlainRow, sorted } from "./plain.js";
import { openWorld, type World } from "./world.js";
import { ZOO } from "./zoo.js";

let world: World;
let pyiceberg: Engine;
let duckdb: Engine;

beforeAll(async () => {
  pyiceberg = new Engine("pyiceberg_engine.py");
  duckdb = new Engine("duckdb_engine.py");
  await duckdb.call("attach", { session: "upkeep", statements: [] });
  world = await openWorld();
});
afterAll(async () => {
  await duckdb.close();
  await pyiceberg.close();
  await world.close();
});

const pyicebergRows = async (table: Table): Promise<readonly PlainRow[]> =>
  sorted(
    (await pyiceberg.call<{ rows: PlainRow[] }>("read", { metadata_location: table.metadataLocation })).rows,
  );

const duckdbCount = async (table: Table): Promise<unknown> => {
  const sql = `select count(*) from iceberg_scan('${table.metadataLocation}')`;
  const { rows } = await duckdb.call<{ rows: unknown[][] }>("run", { session: "upkeep", sql });
  return rows[0]?.[0];
};

/** All that upkeep does to a table. */
async function kept(table: Table): Promise<Table> {
  await compact(table, { rewriteAll: true });
  const manifests = await (await table.refresh()).rewriteManifests();
  return manifests.rewritePositionDeletes();
}

describe("after upkeep, others read the rows that we read before", () => {
  test.each(ZOO)("$name", async (zoo) => {
    const table = await zoo.make(world);
    const expected = await ourRows(world.engine, table);
    const after = await kept(table);
    expect(await ourRows(world.engine, after)).toEqual(expected);
    expect((await after.scan().planAll()).tasks.flatMap(({ deleteFiles }) => deleteFiles)).toEqual([]);
    if (zoo.beyond?.pyiceberg !== undefined) return;
    const emptied = zoo.emptied ?? [];
    const asPyIceberg = expected.map((row) => ({
      ...row,
      ...Object.fromEntries(emptied.map((name) => [name, row[name] ?? []])),
    }));
    expect(await pyicebergRows(after)).toEqual(asPyIceberg);
  });
});

test("metadata that has let go of snapshots, in gzip, is read by PyIceberg and DuckDB", async () => {
  const schema = defineSchema({ a: int(), b: string() });
  let table = (await world.create("bounded", { schema })) as unknown as Table;
  for (let i = 0; i < 60; i++) table = await table.append([{ a: i, b: `row ${i}` }]);
  expect(table.metadataLocation).toMatch(/\.gz\.metadata\.json$/);
  expect(await pyicebergRows(table)).toHaveLength(60);
  expect(await duckdbCount(table)).toBe(60);
  await compact(table, {});
  const after = await table.refresh();
  expect((await after.scan().planAll()).tasks).toHaveLength(1);
  expect(await pyicebergRows(after)).toEqual(await pyicebergRows(table));
  expect(await duckdbCount(after)).toBe(60);
});
