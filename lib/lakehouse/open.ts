import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { FromBackup, RestoreReport } from "./backup/index.js";
import {
  type Backend,
  type BranchingCatalog,
  backendAt,
  branchingOf,
  type Catalog,
  isBranchingCatalog,
  openCatalogAt,
  type RelocationReport,
  relocateLake,
} from "./catalog/index.js";
import { Closing } from "./closing.js";
import { invalidArgument, invalidConfig, unsupported } from "./errors.js";
import { observedOf } from "./health.js";
import { noSuchTable, type Table } from "./iceberg/index.js";
import { Lakehouse } from "./lakehouse.js";
import { logCoreOf } from "./log/room.js";
import { checkObject, checkOptions, checkText, type OptionNames } from "./options.js";
import { type Profile, type ProfileOptions, resolveProfile } from "./profile.js";
import { countRows, type DuckDBOptions, deferQueryEngine } from "./query/index.js";
import { type LakehouseParts, metrics } from "./rooms.js";
import {
  type FileCacheOptions,
  fileCacheOptionsFromEnv,
  makeFolders,
  type ObjectStore,
  ObservedStore,
  openStore,
  type StoreOptions,
} from "./storage/index.js";
import { isAskedFor, startFromEnv } from "./telemetry/index.js";

export interface LakehouseOptions extends Omit<ProfileOptions, "catalog"> {
  /** How to reach the store that the profile names; by default what the environment says. */
  readonly storage?: StoreOptions;
  readonly duckdb?: DuckDBOptions;
  /**
   * Where copies of remote files are kept, and how many bytes of them. Default: `SLH_CACHE_DIR` and `SLH_CACHE_BYTES`
   * (such as `16GiB`), else 4 GiB in `cache` in the lakehouse's folder.
   */
  readonly cache?: Partial<FileCacheOptions>;
  /**
   * The catalog to work on: its URI, as of a profile, or one that is open. The profile's own where not given. The
   * lakehouse closes it with itself.
   */
  readonly catalog?: Catalog | string | undefined;
  /**
   * Whether a lake is made where there is none: true where not given. Who only reads says `false`, so that a misspelled
   * place is an error.
   */
  readonly create?: boolean | undefined;
}

const OPTIONS: OptionNames<LakehouseOptions> = {
  profile: true,
  root: true,
  warehouse: true,
  storage: true,
  duckdb: true,
  cache: true,
  catalog: true,
  log: true,
  experiments: true,
  create: true,
};

const CACHE_BYTES = 4 * 2 ** 30;

/**
 * Opens the lakehouse: storage, catalog and SQL, wired by profile. The same code runs on every profile.
 *
 * @throws LakehouseError INVALID_CONFIG for settings that make no sense; NO_SUCH_LAKE where there is none and none is to
 *   be made, and where the catalog's file is gone while tables' files are there.
 * @example
 * const lake = await openLakehouse();
 * const flights = await lake.createTable("flights.bronze_flights", { schema, partitionSpec: [day("date")] });
 * await flights.append(rows);
 * console.log(await lake.sql("select count(*) from flights.bronze_flights").format("table"));
 * await lake.close();
 */
export async function openLakehouse(options: LakehouseOptions = {}): Promise<Lakehouse> {
  checkOptions("openLakehouse", options, OPTIONS);
  return new Lakehouse(await openParts(options));
}

/** What a lakehouse is made of, for `openLakehouse` and for the rooms' commands. */
export async function openParts(options: LakehouseOptions = {}): Promise<LakehouseParts> {
  const { profile, catalog, store } = await openAny(options);
  const on = (ref?: string) => (ref === undefined ? catalog : branchingOf(catalog).on(ref));
  const scratch = await scratchFolder(profile.root);
  // It ends last, so that it tells of what the others do when they are closed.
  const told = isAskedFor() ? [await toldFromEnv(catalog)] : [];
  const closing = new Closing("lakehouse", [...told, catalog, { close: () => engine.close() }]);
  const engine = deferQueryEngine({
    tempDirectory: join(scratch, "tmp"),
    ...options.duckdb,
    allowedDirectories: withWarehouse(options.duckdb?.allowedDirectories, store),
    cache: {
      dir: join(scratch, "cache"),
      maxBytes: CACHE_BYTES,
      ...fileCacheOptionsFromEnv(),
      ...options.cache,
    },
    resolve: (name, { ref }) => findTable(on(ref), name),
    lake: { catalog: ({ ref }) => on(ref), store },
    uncommitted: async (table) => {
      const { readTail } = await import("./log/index.js");
      return readTail(logCoreOf({ profile, store, closing }), table);
    },
  });
  let whole: Lakehouse | undefined;
  const parts: LakehouseParts = {
    profile,
    store,
    catalog,
    engine,
    observed: observedOf(() => parts),
    countRows: (table, options) => countRows(engine, table, options),
    wantedUpkeep: async (table) => (await import("./maintenance/index.js")).wantedUpkeep(table),
    lakehouseOn: (ref) => {
      whole ??= new Lakehouse(parts);
      return whole.on(ref);
    },
    closing,
  };
  return parts;
}

/** Sends and writes what the environment asks for. @param catalog to be closed where that cannot be done. */
async function toldFromEnv(catalog: Catalog): Promise<{ close(): Promise<void> }> {
  try {
    const { stop } = await startFromEnv(metrics);
    return { close: stop };
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
  const { catalog, ...opened } = await openAny(options);
  return { ...opened, catalog: branchingOf(catalog) };
}

/** A catalog has branches, or none: over the Iceberg REST protocol. */
async function openAny(
  options: LakehouseOptions,
): Promise<Omit<LakehouseCatalog, "catalog"> & { readonly catalog: Catalog }> {
  const { profile, store } = openProfile(options);
  const { create = true } = options;
  if (create && typeof options.catalog !== "object") makeRoot(profile.root);
  const catalog =
    typeof options.catalog === "object"
      ? options.catalog
      : await openCatalogAt(profile.catalog, { store, storage: options.storage, create });
  return { profile, catalog, store: isBranchingCatalog(catalog) ? catalog.store : store };
}

/**
 * Makes the locations in all tables right for where the lakehouse lies now, in one atomic step: after it was moved or
 * copied, for other engines, which follow locations by themselves. The lakehouse itself opens wherever it lies.
 *
 * @param options `from`: the root that the tables' locations have, where the catalog does not know it.
 * @throws LakehouseError UNSUPPORTED_FEATURE where a server keeps the catalog; and as `relocateLake`. NO_SUCH_LAKE.
 */
export async function relocateLakehouse(
  options: LakehouseOptions & { readonly from?: string | undefined } = {},
): Promise<RelocationReport> {
  const { profile, store } = openProfile(options);
  const backend = backendAt(profile.catalog, { storage: options.storage, create: false });
  try {
    return await relocateLake({ backend, store, from: options.from });
  } finally {
    await backend.close();
  }
}

/**
 * Makes a lakehouse of a backup, where there is none yet: see `lake.backup`. Open it afterwards; whoever has it open from
 * before has to open it again.
 *
 * @throws LakehouseError RESTORE_REFUSED where there are commits already; NO_SUCH_BACKUP; BACKUP_CORRUPT; UNSUPPORTED_FEATURE
 *   where a server keeps the catalog. No table is to be seen then, and the same call goes on.
 * @example
 * await restoreLakehouse({ from: "s3://backups/lake", root: "/data/lake" });
 * const lake = await openLakehouse({ root: "/data/lake" });
 */
export async function restoreLakehouse(given: LakehouseOptions & FromBackup): Promise<RestoreReport> {
  checkOptions("restoreLakehouse", given, { ...OPTIONS, from: true, asOf: true, signal: true });
  const { from, asOf, signal, ...options } = given;
  const { catalog, storage } = options;
  if (typeof catalog === "object")
    throw invalidArgument("catalog", "A lakehouse is restored to a catalog's URI, not to one that is open.");
  const { openPlace, restoreLake } = await import("./backup/index.js");
  const place = openPlace(from, storage);
  const backup = await place.find(asOf);
  const { profile, store } = openProfile(options);
  const backend = backendToRestore(profile, storage);
  try {
    return await restoreLake(place, backup, { backend, store, experiments: profile.experiments, signal });
  } finally {
    await backend.close();
  }
}

function backendToRestore({ root, catalog }: Profile, storage: StoreOptions | undefined): Backend {
  makeRoot(root);
  try {
    return backendAt(catalog, { storage, create: true });
  } catch (error) {
    if (!unsupported.is(error)) throw error;
    throw unsupported(
      error.subject,
      "A server keeps the catalog, and its commits: those of a backup cannot be put there.",
      "Restore the tables by name (lake.backup.restore).",
      error,
    );
  }
}

/** The folders that queries may read, where they are limited, and among them that of the tables' files on this machine. */
function withWarehouse(
  allowed: readonly string[] | undefined,
  store: ObjectStore,
): readonly string[] | undefined {
  const inWarehouse = store.localPath(`${store.root}/table`);
  return Array.isArray(allowed) && inWarehouse !== undefined ? [...allowed, dirname(inWarehouse)] : allowed;
}

/**
 * Where queries may write what does not fit in memory, and copies of remote files: the system's folder where the lake's
 * own is only read, or is not there, as a catalog's server needs none.
 */
async function scratchFolder(root: string): Promise<string> {
  try {
    await access(root, constants.W_OK);
    return root;
  } catch (error) {
    const isNotThere = /^(EACCES|EPERM|EROFS|ENOENT)$/.test((error as NodeJS.ErrnoException).code ?? "");
    return isNotThere ? join(tmpdir(), `sololakehouse-${process.pid}`) : root;
  }
}

function makeRoot(root: string): void {
  try {
    makeFolders(root);
  } catch (cause) {
    throw invalidConfig(
      root,
      `The lakehouse's folder cannot be made: ${(cause as Error).message}.`,
      "Set SLH_LAKE to a folder that can be written.",
      cause,
    );
  }
}

/** Types do not hold in plain JavaScript, and a root of 3 would be a folder of that name. */
function checkKinds(options: LakehouseOptions): void {
  checkObject("openLakehouse", "options", options);
  const { catalog } = options;
  for (const name of ["profile", "root", "warehouse"] as const)
    if (options[name] !== undefined) checkText("openLakehouse", name, options[name]);
  for (const name of ["storage", "duckdb", "cache"] as const)
    if (options[name] !== undefined) checkObject("openLakehouse", name, options[name]);
  const isCatalog =
    catalog === undefined || typeof catalog === "string" || typeof catalog?.close === "function";
  if (!isCatalog) throw invalidArgument("catalog", "The catalog is no URI, and none that is open.");
  const { create } = options;
  if (create !== undefined && typeof create !== "boolean")
    throw invalidArgument("create", "create is true or false.");
}

function openProfile(options: LakehouseOptions): { readonly profile: Profile; readonly store: ObjectStore } {
  checkKinds(options);
  const { catalog, ...rest } = options;
  const profile = resolveProfile({ ...rest, catalog: typeof catalog === "string" ? catalog : undefined });
  return { profile, store: new ObservedStore(openStore(profile.warehouse, options.storage)) };
}

async function findTable(catalog: Catalog, parts: readonly string[]): Promise<Table | undefined> {
  const identifier = { namespace: parts.slice(0, -1), name: parts.at(-1) ?? "" };
  if (identifier.namespace.length === 0) return undefined;
  try {
    return await catalog.loadTable(identifier);
  } catch (error) {
    if (noSuchTable.is(error)) return undefined;
    throw error;
  }
}
