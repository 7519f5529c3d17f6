import path from "node:path";
import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { SCHEMA } from "../duckdb/open.js";
import { relationError } from "../duckdb/sql-error.js";
import { DeletedRows } from "./deleted-rows.js";
import { FileSchemas } from "./file-schemas.js";
import type { MaskedFile } from "./masked-files.js";
import { type RelationInput, relationSql } from "./relation.js";
import { makeStandIns, removeStandIns } from "./stand-ins.js";

/** A relation that a statement may read until it is released. */
export interface SharedRelation {
  /** Its qualified name, ready for SQL. */
  readonly name: string;
  release(): void;
}

const MAX_IDLE = 128;

interface Made {
  readonly name: string;
  readonly tables: readonly string[];
  /** Where its stand-ins are. */
  readonly folder: string;
  readonly masks: readonly MaskedFile[];
}

interface Entry {
  readonly made: Promise<Made>;
  users: number;
}

/**
 * The relations that stand for tables in DuckDB: views there. One is made once for each state of a table and filter, and shared by
 * all queries that ask for the same: so a second query pays for neither planning nor footers.
 */
export class SharedRelations {
  readonly #instance: DuckDBInstance;
  readonly #schemas = new FileSchemas();
  readonly #entries = new Map<string, Entry>();
  #ready: Promise<DuckDBConnection> | undefined;
  #count = 0;

  readonly #scratch: string;
  readonly #deleted: DeletedRows;

  /**
   * @param scratch folder for files that are read in place of others; it goes when this is closed.
   * @param maxCopiedBytes of files that are copied for their deleted rows' sake.
   */
  constructor(instance: DuckDBInstance, scratch: string, maxCopiedBytes?: number) {
    this.#instance = instance;
    this.#scratch = scratch;
    this.#deleted = new DeletedRows(path.join(scratch, "masked"), maxCopiedBytes);
  }

  /**
   * @param key names for good all that the relation is made of: files, deletes, columns, and where they lie.
   */
  async hold(key: string, input: RelationInput): Promise<SharedRelation> {
    const known = this.#entries.get(key);
    const entry: Entry = known ?? { made: this.#create(input), users: 0 };
    entry.users++;
    // Deleted and set again, so that the map's order is that of last use.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const release = () => {
      entry.users--;
    };
    try {
      const { name } = await entry.made;
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

  #connection(): Promise<DuckDBConnection> {
    this.#ready ??= this.#instance.connect();
    return this.#ready;
  }

  async #create(input: RelationInput): Entry["made"] {
    const connection = await this.#connection();
    const tables: string[] = [];
    const folder = path.join(this.#scratch, String(++this.#count));
    const standIns = await makeStandIns(input, this.#schemas, folder);
    let masks: ReadonlyMap<unknown, MaskedFile> = new Map();
    try {
      const sql = await relationSql(input, {
        schemas: this.#schemas,
        standIns,
        copyMasked: async () => {
          const made = await this.#deleted.masks(input, standIns);
          masks = made;
          return new Map([...made].map(([task, mask]) => [task, mask.path]));
        },
        positionTable: async (tasks) => {
          const table = `deleted_${++this.#count}`;
          tables.push(`${SCHEMA}.${table}`);
          // On a connection of its own: an appender fails when another statement runs on its connection meanwhile.
          const own = await this.#instance.connect();
          try {
            await this.#deleted.list(own, SCHEMA, table, input.store, tasks);
          } finally {
            own.closeSync();
          }
          return `${SCHEMA}.${table}`;
        },
      });
      const name = `${SCHEMA}.relation_${++this.#count}`;
      await connection.run(`CREATE VIEW ${name} AS ${sql}`).catch((error: unknown) => {
        throw relationError(error, input.tasks[0]?.dataFile.filePath ?? input.store.root);
      });
      return { name, tables, folder, masks: [...masks.values()] };
    } catch (error) {
      for (const mask of masks.values()) mask.release();
      throw error;
    }
  }

  /** Drops the relations that were not used for the longest time. */
  async #evict(): Promise<void> {
    if (this.#entries.size <= MAX_IDLE) return;
    const connection = await this.#connection();
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= MAX_IDLE) return;
      if (entry.users > 0) continue;
      this.#entries.delete(key);
      const { name, tables, folder, masks } = await entry.made;
      await connection.run(`DROP VIEW ${name}`);
      for (const table of tables) await connection.run(`DROP TABLE ${table}`);
      for (const mask of masks) mask.release();
      await removeStandIns(folder);
    }
  }
}
