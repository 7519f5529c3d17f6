import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import {
  type DataFile,
  type IcebergType,
  type NestedField,
  type OpenTableOptions,
  openTable,
  type Schema,
  type Table,
} from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { fileUri } from "../../../lib/lakehouse/storage/index.js";
import { createTable } from "../../iceberg/support/tables.js";

export const field = (
  id: number,
  name: string,
  type: IcebergType | string,
  more: Partial<NestedField> = {},
): NestedField => ({
  id,
  name,
  required: false,
  type: (typeof type === "string" ? { type } : type) as IcebergType,
  ...more,
});

export const schemaOf = (...fields: NestedField[]): Schema => ({
  schemaId: 0,
  fields,
  identifierFieldIds: [],
});

type RowsOptions = Parameters<Table["scan"]>[0] & { readonly where?: string };

/** Whole tables on the disk, of files as odd as they come, and what a reader makes of them who has the files alone. */
export class AdoptedTables {
  readonly #engine: QueryEngine;
  readonly #duckdb: DuckDBConnection;
  #count = 0;

  private constructor(
    readonly dir: string,
    engine: QueryEngine,
    duckdb: DuckDBConnection,
  ) {
    this.#engine = engine;
    this.#duckdb = duckdb;
  }

  static async open(): Promise<AdoptedTables> {
    const dir = await mkdtemp(join(tmpdir(), "adopted-"));
    const engine = await openQueryEngine({ resolve: async () => undefined });
    return new AdoptedTables(dir, engine, await (await DuckDBInstance.create()).connect());
  }

  async close(): Promise<void> {
    this.#duckdb.closeSync();
    await this.#engine.close();
    await rm(this.dir, { recursive: true });
  }

  /** An empty table in a folder of its own. */
  async create(schema: Schema, more: Partial<Parameters<typeof createTable>[1]> = {}): Promise<Table> {
    return (await createTable(join(this.dir, `t${++this.#count}`), { schema, ...more })).table;
  }

  /** A data file with the rows of a SELECT; `options` are DuckDB's. */
  async parquet(select: string, options = "", more: Partial<DataFile> = {}): Promise<DataFile> {
    const path = join(this.dir, `f${++this.#count}.parquet`);
    await this.#duckdb.run(`COPY (${select}) TO '${path}' (FORMAT parquet${options && `, ${options}`})`);
    const [[rows]] = (await (await this.#duckdb.run(`SELECT count(*) FROM '${path}'`)).getRows()) as [
      [bigint],
    ];
    return this.dataFile(path, { recordCount: rows, ...more });
  }

  /** A data file of these bytes. */
  async bytes(bytes: Uint8Array, more: Partial<DataFile> = {}): Promise<DataFile> {
    const path = join(this.dir, `f${++this.#count}.parquet`);
    await writeFile(path, bytes);
    return this.dataFile(path, more);
  }

  async dataFile(path: string, more: Partial<DataFile> = {}): Promise<DataFile> {
    return {
      content: "data",
      filePath: fileUri(path),
      fileFormat: "parquet",
      specId: 0,
      partition: [],
      recordCount: 1n,
      fileSizeInBytes: BigInt((await readFile(path)).length),
      ...more,
    };
  }

  async with(table: Table, ...files: DataFile[]): Promise<Table> {
    return table.commitFiles({ operation: "append", addedDataFiles: files });
  }

  /** The rows of a table that is opened by its location, as lines of JSON, parsed again. */
  async read(location: string, options: OpenTableOptions = {}, rows: RowsOptions = {}): Promise<unknown[]> {
    const { where, ...scan } = rows;
    const table = await openTable(location, options);
    const result = await this.#engine.scan(table, table.scan(scan), { where });
    let text = "";
    for await (const chunk of result.text("ndjson")) text += chunk;
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown);
  }

  rows(table: Table, rows: RowsOptions = {}): Promise<unknown[]> {
    return this.read(table.metadataLocation, {}, rows);
  }

  /** The metadata file, changed as JSON, under another name beside it. */
  async edited(
    table: Table,
    name: string,
    edit: (metadata: Record<string, unknown>) => void,
  ): Promise<string> {
    const path = table.metadataLocation.slice("file://".length);
    const target = join(path, "..", name);
    // Ids beyond 2^53 must come through: they are kept as text around JSON.parse.
    const text = (await readFile(path, "utf8")).replace(/:\s*(-?\d{16,})/g, ': "#$1"');
    const metadata = JSON.parse(text) as Record<string, unknown>;
    edit(metadata);
    await writeFile(target, JSON.stringify(metadata).replace(/"#(-?\d+)"/g, "$1"));
    return target;
  }

  copy(from: string, to: string): Promise<void> {
    return copyFile(from, to);
  }
}
