import { existsSync, readFileSync } from "node:fs";
import { readdir, rm, rmdir } from "node:fs/promises";
import { basename, isAbsolute, join, relative } from "node:path";
import Database from "better-sqlite3";
import { catalogUnavailable, noSuchLake } from "./catalog/index.js";
import { invalidConfig, type LakehouseError } from "./errors.js";
import type { Profile } from "./profile.js";
import { withoutSecrets } from "./secrets.js";
import { openSqlite } from "./sqlite.js";
import { pathOfFile, storageFailed } from "./storage/index.js";

/** What a reset deletes, and what it leaves. */
export interface Reset {
  /** The lakehouse's folder. */
  readonly root: string;
  /** Paths that go. None where there is no lakehouse. */
  readonly deletes: readonly string[];
  /** Names in the folder that are no lakehouse's. The folder goes only where there are none. */
  readonly leaves: readonly string[];
  /** Where tables' files stay that this catalog led to, outside of the folder. */
  readonly warehouseLeft: string | undefined;
}

/** What a lakehouse's engine leaves in its folder, the history of its pipelines, and its log: topics that named objects which are gone would be worse. */
const OWN = ["cache", "tmp", "log", ...["", "-wal", "-shm"].map((end) => `pipelines.db${end}`)];

/**
 * What there is to delete of the lakehouse of a profile: known entries of its folder alone. Looks, and deletes nothing.
 *
 * @param others names of what packages beside this one keep in the folder.
 * @throws LakehouseError NO_SUCH_LAKE for a folder that is no lakehouse's; INVALID_CONFIG where its catalog is kept
 *   elsewhere, since that would go on naming tables whose files are gone.
 */
export async function planReset(
  { root, warehouse, catalog }: Profile,
  others: readonly string[],
): Promise<Reset> {
  const inside = (place: string): string | undefined => entryOf(root, place);
  const catalogEntry = inside(catalog);
  if (catalogEntry === undefined) {
    throw invalidConfig(
      root,
      `The catalog of this lakehouse is ${withoutSecrets(catalog)}, outside of its folder ${root}: it would go on naming tables whose files are gone.`,
      "Drop its tables with slh sql, or delete the catalog where it is kept and the folder by hand.",
    );
  }
  const names = existsSync(root) ? await readdir(root) : [];
  const warehouseEntry = inside(warehouse);
  const isLake = names.includes(catalogEntry) || basename(root) === ".lake";
  if (names.length > 0 && !isLake) {
    throw noSuchLake(
      root,
      `${root} is no lakehouse: it has no ${catalogEntry}. Nothing was deleted.`,
      "Look at SLH_LAKE; slh config says where the lakehouse is.",
    );
  }
  const known = new Set([
    ...[catalogEntry, ...["-wal", "-shm", "-journal"].map((end) => catalogEntry + end)],
    ...(warehouseEntry === undefined ? [] : [warehouseEntry]),
    ...OWN,
    ...others,
    ...(isOurGitignore(root) ? [".gitignore"] : []),
  ]);
  return {
    root,
    deletes: names.filter((name) => known.has(name)).map((name) => join(root, name)),
    leaves: names.filter((name) => !known.has(name)),
    warehouseLeft: warehouseEntry === undefined ? warehouse : undefined,
  };
}

/** The name of the entry of a folder that a path, `file:` URI or `sqlite:` URI is; `undefined` for what is elsewhere. */
function entryOf(root: string, place: string): string | undefined {
  const path = place.startsWith("sqlite:") ? place.slice("sqlite:".length) : place;
  if (/^(?!file:)[a-z][a-z0-9+.-]+:/i.test(path) || path === "") return undefined;
  const inside = relative(root, path.startsWith("file:") ? pathOfFile(path) : path);
  return inside === "" || isAbsolute(inside) || /[/\\]|^\.\.$/.test(inside) ? undefined : inside;
}

/** The one that `slh init` writes. */
function isOurGitignore(root: string): boolean {
  const file = join(root, ".gitignore");
  return existsSync(file) && readFileSync(file, "utf8") === "*\n";
}

/**
 * Deletes what was planned, the catalog last: what was stopped on the way can be done again.
 *
 * @throws LakehouseError CATALOG_UNAVAILABLE while another process has the lakehouse open: nothing is deleted then.
 *   STORAGE_FAILED where the disk refuses.
 */
export async function reset({ catalog }: Profile, { root, deletes, leaves }: Reset): Promise<void> {
  const file = catalog.startsWith("sqlite:") ? catalog.slice("sqlite:".length) : undefined;
  const ofCatalog = (path: string): boolean => file !== undefined && path.startsWith(file);
  const lock = file !== undefined && existsSync(file) ? takeAlone(file) : undefined;
  try {
    for (const path of deletes.filter((each) => !ofCatalog(each))) await remove(path);
  } finally {
    lock?.close();
  }
  for (const path of deletes.filter(ofCatalog)) await remove(path);
  if (leaves.length === 0 && existsSync(root)) await rmdir(root).catch(notDeleted(root));
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(notDeleted(path));
}

function notDeleted(path: string): (cause: Error) => never {
  return (cause) => {
    throw storageFailed(
      path,
      `${path} cannot be deleted: ${cause.message}.`,
      "Look who owns the folder and whether its disk is failing, then run slh reset again: it deletes what is left.",
      cause,
    );
  };
}

/** Opens a catalog's file as nobody else has it open; a damaged one as it is, since starting anew is a way out. */
function takeAlone(file: string): Database.Database | undefined {
  const db = openSqlite(file, { timeout: 0, fileMustExist: true });
  try {
    // With a write-ahead log each connection holds a lock as long as it is open, and this one shares with none.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN; SELECT 1 FROM sqlite_master");
    return db;
  } catch (error) {
    db.close();
    if (!(error instanceof Database.SqliteError)) throw error;
    if (/^SQLITE_(BUSY|LOCKED)/.test(error.code)) throw inUse(file, error);
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return undefined;
    return notDeleted(file)(error);
  }
}

function inUse(file: string, cause: unknown): LakehouseError {
  return catalogUnavailable(
    file,
    `Another process has the lakehouse open: it has ${file} locked. Nothing was deleted.`,
    "Stop what uses it, such as slh catalog serve, a shell or a notebook, and try again.",
    cause,
  );
}
