import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect } from "vitest";
import { type Lakehouse, openLakehouse } from "../../../lib/lakehouse/index.js";

/*
 * A lakehouse and a DuckDB of its own for each test file that imports this. Statements run in both: on Iceberg tables in
 * the namespace `n`, and on DuckDB's own tables in a schema of that name.
 */

export let lake: Lakehouse;
export let duckdb: DuckDBConnection;
/** A folder for files that statements write. */
export let folder: string;

let instance: DuckDBInstance;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "statements-"));
  lake = await openLakehouse({ root: join(folder, "lake") });
  instance = await DuckDBInstance.create(":memory:");
  duckdb = await instance.connect();
  await duckdb.run("SET TimeZone = 'UTC'");
  await duckdb.run("CREATE SCHEMA n");
  await lake.sql("CREATE SCHEMA n");
});
afterAll(async () => {
  await lake.close();
  duckdb.closeSync();
  instance.closeSync();
  await rm(folder, { recursive: true });
});

/** A query's rows as texts, in an order of their own. */
export async function rowsOf(on: Lakehouse, query: string): Promise<readonly string[]> {
  const rows = await (await on.sql(asText(query))).rows();
  return rows.map((row) => String(row.r)).sort();
}

export async function nativeRows(query: string): Promise<readonly string[]> {
  const rows = (await duckdb.runAndReadAll(asText(query))).getRowsJson();
  return rows.map(([row]) => String(row)).sort();
}

function asText(query: string): string {
  return `SELECT CAST(q AS VARCHAR) AS r FROM (${query}) AS q`;
}

/** What a statement says it did. */
export async function countOf(on: Lakehouse, statement: string): Promise<string | undefined> {
  const [row] = await (await on.sql(statement)).rows();
  return row === undefined ? undefined : String(row.Count);
}

export async function nativeCount(statement: string): Promise<string | undefined> {
  const [row] = (await duckdb.runAndReadAll(statement)).getRowsJson();
  return row === undefined ? undefined : String(row[0]);
}

/** How many commits the lakehouse has where it is. */
export async function commitsOf(on: Lakehouse): Promise<number> {
  return (await on.commits({ limit: 100_000 })).length;
}

/** Runs a statement in both, where it shall do the same, in one commit at most. */
export async function runBoth(on: Lakehouse, statement: string): Promise<void> {
  const before = await commitsOf(on);
  const expected = await nativeCount(statement);
  expect(await countOf(on, statement), statement).toBe(expected);
  expect((await commitsOf(on)) - before, `commits of ${statement}`).toBeLessThanOrEqual(1);
}

export async function expectSame(on: Lakehouse, query: string): Promise<void> {
  expect(await rowsOf(on, query), query).toEqual(await nativeRows(query));
}
