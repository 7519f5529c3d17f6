import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect } from "vitest";
import { defineSchema, type Table } from "../../../lib/lakehouse/iceberg/index.js";
import {
  readThriftStruct,
  type ThriftStruct,
  type ThriftValue,
  writeThriftStruct,
} from "../../../lib/lakehouse/parquet/format/thrift.js";
import { readFooter } from "../../../lib/lakehouse/parquet/index.js";
import { fileUri, openAnywhere, pathOfFile } from "../../../lib/lakehouse/storage/index.js";
import { catalog, directory, engine, newName, store } from "./lake.js";
export let duckdb: DuckDBConnection;

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(":memory:")).connect();
});
afterAll(() => duckdb.closeSync());

export type Columns = Parameters<typeof defineSchema>[0];
export const create = async (
  columns: Columns,
  more: Partial<Parameters<typeof catalog.createTable>[1]> = {},
) =>
  (await catalog.createTable(newName(), { schema: defineSchema(columns), ...more })).withEngine(
    engine,
  ) as Table;
export const rows = async (table: Table, options = {}) =>
  (await engine.scan(table, table.scan(options))).rows() as Promise<Record<string, unknown>[]>;

/** A file that DuckDB writes; all its columns are optional. */
export async function write(select: string, options = "", name = `${newName()}.parquet`): Promise<string> {
  const file = path.join(directory, "warehouse", "in", name);
  await mkdir(path.dirname(file), { recursive: true });
  await duckdb.run(`COPY (${select}) TO '${file}' (FORMAT parquet${options && `, ${options}`})`);
  return fileUri(file);
}

/** Rewrites a file's footer. */
export async function edit(uri: string, change: (footer: ThriftStruct) => void): Promise<string> {
  const file = pathOfFile(uri);
  const { metadata, fileSize } = await readFooter(openAnywhere(), uri);
  const { struct: footer } = readThriftStruct(metadata, uri);
  change(footer);
  const bytes = Buffer.from(writeThriftStruct(footer));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  const body = (await readFile(file)).subarray(0, fileSize - 8 - metadata.length);
  await writeFile(file, Buffer.concat([body, bytes, length, Buffer.from("PAR1")]));
  return uri;
}

export const list_ = (struct: ThriftStruct, id: number): ThriftStruct[] => {
  const value = struct.get(id);
  return value?.type === "list"
    ? value.value.flatMap((item) => (item.type === "struct" ? [item.value] : []))
    : [];
};
export const text = (value: string): ThriftValue => ({ type: "binary", value: Buffer.from(value) });
/** The schema element of a name, and its place. */
export const element = (footer: ThriftStruct, name: string): ThriftStruct => {
  const found = list_(footer, 2).find((each) => {
    const value = each.get(4);
    return value?.type === "binary" && Buffer.from(value.value).toString() === name;
  });
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
export const chunks = (footer: ThriftStruct): ThriftStruct[] =>
  list_(footer, 4).flatMap((group) =>
    list_(group, 1).flatMap((chunk) => {
      const meta = chunk.get(3);
      return meta?.type === "struct" ? [meta.value] : [];
    }),
  );
export const withoutStatistics = (footer: ThriftStruct): void => {
  for (const chunk of chunks(footer)) chunk.delete(12);
};

export const refusal = async (table: Table, uri: string, options = {}): Promise<string> => {
  const outcome = await table.addFiles([uri], options).then(
    () => "accepted",
    (error: { code?: string; message: string }) => `${error.code} ${error.message}`,
  );
  expect(outcome).toMatch(/^SCHEMA_MISMATCH /);
  expect(outcome).toContain(uri);
  // Nothing was committed and nothing was deleted.
  expect((await table.refresh()).metadata.snapshots).toHaveLength(table.metadata.snapshots.length);
  expect(await store.head(uri)).toBeDefined();
  return outcome;
};
