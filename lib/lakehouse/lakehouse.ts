import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type BranchingCatalog,
  type CreateTableOptions,
  openCatalog,
  type RefExpression,
  type TableName,
} from "./catalog/index.js";
import { isLakehouseError, LakehouseError } from "./errors.js";
import { checkHealth, type PartHealth } from "./health.js";
import type { Table, TableIdentifier, TableScan } from "./iceberg/index.js";
import { type Profile, type ProfileOptions, resolveProfile } from "./profile.js";
import {
  type DuckDBOptions,
  openQueryEngine,
  type QueryEngine,
  type QueryResult,
  type ScanRowsOptions,
  type SqlOptions,
} from "./query/index.js";
import { type ObjectStore, openStore, type StoreOptions } from "./storage/index.js";

export interface LakehouseOptions extends ProfileOptions {
  /** How to reach the store that the profile names; by default what the environment says. */
  readonly storage?: StoreOptions;
  readonly duckdb?: DuckDBOptions;
}

export interface NewTableOptions<Row> extends CreateTableOptions<Row> {
  /**
   * When there is a table of that name: `fail` with TABLE_EXISTS (the default), `keep` the one there is, or
   * `replace` it by a new, empty one, whose files go too.
   */
  readonly ifExists?: "fail" | "keep" | "replace";
}

/** Which branch, tag or commit is meant; `main` when left out. */
export interface OnRef {
  readonly ref?: RefExpression | undefined;
}

/** The largest share of the disk that copies of remote files may take. */
const CACHE_BYTES = 4 * 2 ** 30;

/**
 * Opens the lakehouse: storage, catalog and SQL, wired by profile. The same code runs on every profile.
 *
 * @throws LakehouseError INVALID_CONFIG for settings that make no sense.
 * @example
 * const lake = await openLakehouse();
 * const flights = await lake.createTable("flights.bronze_flights", { schema, partitionSpec: [day("date")] });
 * await flights.append(rows);
 * console.log(await (await lake.sql("select count(*) from flights.bronze_flights")).format("table"));
 * await lake.close();
 */
export async function openLakehouse(options: LakehouseOptions = {}): Promise<Lakehouse> {
  const { profile, store, catalog } = await openLakehouseCatalog(options);
  const on = (ref?: string) => (ref === undefined ? catalog : catalog.on(ref));
  try {
    const engine = await openQueryEngine({
      tempDirectory: join(profile.root, "tmp"),
      ...options.duckdb,
      cache: { dir: join(profile.root, "cache"), maxBytes: CACHE_BYTES },
      resolve: (name, { ref }) => findTable(on(ref), name),
      listTables: async ({ ref }) =>
        (await allTables(on(ref))).map(({ namespace, name }) => ({ namespace: namespace.join("."), name })),
    });
    return new Lakehouse({ profile, store, catalog, engine });
  } catch (error) {
    await catalog.close();
    throw error;
  }
}

/** A lakehouse without SQL: what serves or maintains the catalog needs no more. Close the catalog when done. */
export interface LakehouseCatalog {
  readonly profile: Profile;
  readonly store: ObjectStore;
  readonly catalog: BranchingCatalog;
}

/**
 * Opens the lakehouse's catalog and storage alone.
 *
 * @throws LakehouseError INVALID_CONFIG for settings that make no sense.
 */
export async function openLakehouseCatalog(options: LakehouseOptions = {}): Promise<LakehouseCatalog> {
  const profile = resolveProfile(options);
  await mkdir(profile.root, { recursive: true });
  const store = openStore(profile.warehouse, options.storage);
  const catalog = await openCatalog({ backend: join(profile.root, "catalog.db"), store });
  return { profile, store, catalog };
}

interface Parts {
  readonly profile: Profile;
  readonly store: ObjectStore;
  readonly catalog: BranchingCatalog;
  readonly engine: QueryEngine;
}

/** An open lakehouse. `close` it when done: it holds a database connection and DuckDB's memory. */
export class Lakehouse {
  readonly profile: Profile;
  /** Where the tables' files are. */
  readonly store: ObjectStore;
  /** The catalog, seen on its default branch; `catalog.on("etl")` sees another. */
  readonly catalog: BranchingCatalog;
  readonly #engine: QueryEngine;

  /** @internal */
  constructor(parts: Parts) {
    this.profile = parts.profile;
    this.store = parts.store;
    this.catalog = parts.catalog;
    this.#engine = parts.engine;
  }

  /**
   * Runs a query: names are `namespace.table`, with `@ref` for a branch, and `FOR VERSION AS OF` or
   * `FOR TIMESTAMP AS OF` for the past.
   */
  sql(text: string, options?: SqlOptions): Promise<QueryResult> {
    return this.#engine.sql(text, options);
  }

  /** The rows of a table's scan, as Arrow batches or rows, with deletes applied. */
  read(table: Table, scan: TableScan = table.scan(), options: ScanRowsOptions = {}): Promise<QueryResult> {
    return this.#engine.scan(table, scan, options);
  }

  /** Makes a table, and its namespace where that is missing. The schema gives the row type that `append` takes. */
  async createTable<Row = Record<string, unknown>>(
    name: TableName,
    { ifExists = "fail", ...options }: NewTableOptions<Row>,
  ): Promise<Table<Row>> {
    await this.#ensureNamespace(name);
    const create = async () => (await this.catalog.createTable<Row>(name, options)).withEngine(this.#engine);
    try {
      return await create();
    } catch (error) {
      if (ifExists === "fail" || !isLakehouseError(error, "TABLE_EXISTS")) throw error;
      if (ifExists === "keep") return this.table<Row>(name);
      await this.catalog.dropTable(name, { purge: true });
      return create();
    }
  }

  /**
   * A table, able to read its own rows: what deletes and overwrites by predicate need.
   *
   * @throws LakehouseError NO_SUCH_TABLE, with the nearest name there is.
   */
  async table<Row = Record<string, unknown>>(name: TableName, { ref }: OnRef = {}): Promise<Table<Row>> {
    const catalog = ref === undefined ? this.catalog : this.catalog.on(ref);
    return (await catalog.loadTable<Row>(name)).withEngine(this.#engine);
  }

  /** Every table, by name. */
  tables({ ref }: OnRef = {}): Promise<TableIdentifier[]> {
    return allTables(ref === undefined ? this.catalog : this.catalog.on(ref));
  }

  /** Whether each part answers, and how quickly. Never throws for a part that is down: that is what it reports. */
  health(): Promise<PartHealth[]> {
    return checkHealth(this);
  }

  async close(): Promise<void> {
    await this.#engine.close();
    await this.catalog.close();
  }

  async #ensureNamespace(name: TableName): Promise<void> {
    const levels = typeof name === "string" ? name.split(".").slice(0, -1) : name.namespace;
    if (levels.length === 0) {
      throw new LakehouseError({
        code: "INVALID_ARGUMENT",
        subject: String(name),
        message: `The table ${String(name)} has no namespace.`,
        remedy: `Name it as in flights.${String(name)}.`,
      });
    }
    for (let depth = 1; depth <= levels.length; depth++) {
      try {
        await this.catalog.createNamespace(levels.slice(0, depth));
      } catch (error) {
        if (!isLakehouseError(error, "NAMESPACE_EXISTS")) throw error;
      }
    }
  }
}

async function findTable(catalog: BranchingCatalog, parts: readonly string[]): Promise<Table | undefined> {
  const identifier = { namespace: parts.slice(0, -1), name: parts.at(-1) ?? "" };
  if (identifier.namespace.length === 0) return undefined;
  try {
    return await catalog.loadTable(identifier);
  } catch (error) {
    if (isLakehouseError(error, "NO_SUCH_TABLE")) return undefined;
    throw error;
  }
}

async function allTables(catalog: BranchingCatalog): Promise<TableIdentifier[]> {
  const tables: TableIdentifier[] = [];
  const visit = async (parent?: readonly string[]): Promise<void> => {
    if (parent) tables.push(...(await catalog.listTables(parent)));
    for (const namespace of await catalog.listNamespaces(parent)) await visit(namespace);
  };
  await visit();
  return tables;
}
