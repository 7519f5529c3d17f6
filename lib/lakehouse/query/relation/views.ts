import path from "node:path";
import {
  BIGINT,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBInstance,
  UBIGINT,
} from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import { PositionDeleteReader } from "../../iceberg/index.js";
import { FileSchemas } from "./file-schemas.js";
import { type RelationInput, type RelationTask, relationSql } from "./relation.js";
import { makeStandIns, removeStandIns } from "./stand-ins.js";

/** A view that a statement may read until it is released. */
export interface RelationView {
  /** Its qualified name, ready for SQL. */
  readonly name: string;
  release(): void;
}

const SCHEMA = "lakehouse";
const MAX_IDLE_VIEWS = 128;
const CHUNK_ROWS = 2048;

interface View {
  readonly name: string;
  readonly tables: readonly string[];
  /** Where its stand-ins are. */
  readonly folder: string;
}

interface Entry {
  readonly view: Promise<View>;
  users: number;
}

/**
 * The views that stand for tables in DuckDB. A view is made once for each state of a table and filter, and shared by
 * all queries that ask for the same: so a second query pays for neither planning nor footers.
 */
export class RelationViews {
  readonly #instance: DuckDBInstance;
  readonly #schemas = new FileSchemas();
  readonly #entries = new Map<string, Entry>();
  #ready: Promise<DuckDBConnection> | undefined;
  #count = 0;

  readonly #scratch: string;

  /** @param scratch folder for files that stand in for others; it goes when this is closed. */
  constructor(instance: DuckDBInstance, scratch: string) {
    this.#instance = instance;
    this.#scratch = scratch;
  }

  /**
   * @param key names the rows for good: table state, filter, and paths of the files.
   */
  async view(key: string, input: RelationInput): Promise<RelationView> {
    const known = this.#entries.get(key);
    const entry: Entry = known ?? { view: this.#create(input), users: 0 };
    entry.users++;
    // Deleted and set again, so that the map's order is that of last use.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const release = () => {
      entry.users--;
    };
    try {
      const { name } = await entry.view;
      await this.#evict();
      return { name, release };
    } catch (error) {
      release();
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  async close(): Promise<void> {
    (await this.#ready?.catch(() => undefined))?.closeSync();
    await removeStandIns(this.#scratch);
  }

  async #connection(): Promise<DuckDBConnection> {
    this.#ready ??= (async () => {
      const connection = await this.#instance.connect();
      await connection.run(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
      return connection;
    })();
    return this.#ready;
  }

  async #create(input: RelationInput): Entry["view"] {
    const connection = await this.#connection();
    const tables: string[] = [];
    const reader = new PositionDeleteReader(input.store);
    const folder = path.join(this.#scratch, String(++this.#count));
    const sql = await relationSql(input, {
      schemas: this.#schemas,
      standIns: await makeStandIns(input, this.#schemas, folder),
      positionTable: async (tasks) => {
        const table = `deleted_${++this.#count}`;
        tables.push(`${SCHEMA}.${table}`);
        await writePositions(connection, table, reader, tasks);
        return `${SCHEMA}.${table}`;
      },
    });
    const name = `${SCHEMA}.relation_${++this.#count}`;
    await connection.run(`CREATE VIEW ${name} AS ${sql}`);
    return { name, tables, folder };
  }

  /** Drops the views that were not used for the longest time. */
  async #evict(): Promise<void> {
    if (this.#entries.size <= MAX_IDLE_VIEWS) return;
    const connection = await this.#connection();
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= MAX_IDLE_VIEWS) return;
      if (entry.users > 0) continue;
      this.#entries.delete(key);
      const { name, tables, folder } = await entry.view;
      await connection.run(`DROP VIEW ${name}`);
      for (const table of tables) await connection.run(`DROP TABLE ${table}`);
      await removeStandIns(folder);
    }
  }
}

/** Fills a table of (file_index, pos): `file_index` is the place of the task, as DuckDB numbers the files of a read. */
async function writePositions(
  connection: DuckDBConnection,
  table: string,
  reader: PositionDeleteReader,
  tasks: readonly RelationTask[],
): Promise<void> {
  await connection.run(`CREATE TABLE ${SCHEMA}.${table} (file_index UBIGINT, pos BIGINT)`);
  const appender = await connection.createAppender(table, SCHEMA);
  const chunk = DuckDBDataChunk.create([UBIGINT, BIGINT]);
  for (const [index, task] of tasks.entries()) {
    const bitmap = await reader.positions(task.dataFile, task.deleteFiles);
    const positions = bitmap.toBigInt64Array();
    const indexes = new BigInt64Array(Math.min(CHUNK_ROWS, positions.length)).fill(BigInt(index));
    for (let from = 0; from < positions.length; from += CHUNK_ROWS) {
      const count = Math.min(CHUNK_ROWS, positions.length - from);
      chunk.rowCount = count;
      fill(chunk, 0, indexes, 0, count);
      fill(chunk, 1, positions, from, count);
      appender.appendDataChunk(chunk);
    }
  }
  appender.closeSync();
}

function fill(
  chunk: DuckDBDataChunk,
  column: number,
  values: BigInt64Array,
  from: number,
  count: number,
): void {
  const vector = duckdb.data_chunk_get_vector(chunk.chunk, column);
  duckdb.copy_data_to_vector(
    vector,
    0,
    values.buffer as ArrayBuffer,
    values.byteOffset + from * 8,
    count * 8,
  );
}
