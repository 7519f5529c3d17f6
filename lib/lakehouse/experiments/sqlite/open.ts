import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { isLakehouseError, type LakehouseError, unsupported } from "../../errors.js";
import { keep, openSqlite } from "../../sqlite.js";
import { isDiskFull, makeFolders, storageFailed } from "../../storage/index.js";
import { trackingUnavailable } from "../errors.js";
import { SCHEMA, SCHEMA_VERSION } from "./schema.js";

/** How long a writer waits for another process's transaction, in milliseconds: as long as MLflow does. */
const BUSY_TIMEOUT_MS = 20_000;

/** A tag of the experiment that every database has. It says where the artifacts were when the database was last opened. */
const PLACE = "sololakehouse.artifacts";

export interface TrackingFile {
  readonly db: Database.Database;
  /** URI of the folder that artifacts are in: beside the database. */
  readonly artifacts: string;
}

/**
 * Opens MLflow's database, and makes it with its folders where there is none. Where it was moved or copied with its
 * artifacts, the places of these that it names are set to where they are.
 *
 * Its journal is a write-ahead log, so that readers never wait: MLflow opens it as it is.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for tables of another version; TRACKING_UNAVAILABLE, STORAGE_FAILED.
 */
export function openTrackingFile(path: string): TrackingFile {
  try {
    makeFolders(dirname(path));
    const artifacts = pathToFileURL(join(realpathSync(dirname(path)), "artifacts")).href;
    const db = openSqlite(path, { timeout: BUSY_TIMEOUT_MS }, (opened) => {
      opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
      inTransaction(opened, () => prepare(opened, path, artifacts));
    });
    return { db, artifacts };
  } catch (cause) {
    throw failure(path, cause);
  }
}

/** All of `work`, or nothing of it, and nobody else's between. */
export function inTransaction<Result>(db: Database.Database, work: () => Result): Result {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk may have ended it already.
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function prepare(db: Database.Database, path: string, artifacts: string): void {
  const one = (text: string) => keep(db.prepare(text)).get() as { readonly value: string } | undefined;
  const tables = one("SELECT name AS value FROM sqlite_master WHERE type = 'table' LIMIT 1");
  if (tables === undefined) make(db, artifacts);
  const hasVersion = one("SELECT name AS value FROM sqlite_master WHERE name = 'alembic_version'");
  const version =
    hasVersion === undefined ? undefined : one("SELECT version_num AS value FROM alembic_version");
  if (version?.value !== SCHEMA_VERSION) throw otherVersion(path, version?.value);
  const place = one(`SELECT value FROM experiment_tags WHERE experiment_id = 0 AND "key" = '${PLACE}'`);
  if (place?.value === artifacts) return;
  if (place !== undefined) move(db, place.value, artifacts);
  keep(
    db.prepare(`INSERT OR REPLACE INTO experiment_tags ("key", value, experiment_id) VALUES (?, ?, 0)`),
  ).run(PLACE, artifacts);
}

function make(db: Database.Database, artifacts: string): void {
  db.exec(SCHEMA);
  const now = Date.now();
  const insert = (text: string, ...values: unknown[]) => keep(db.prepare(text)).run(...values);
  insert("INSERT INTO alembic_version VALUES (?)", SCHEMA_VERSION);
  insert(
    "INSERT INTO workspaces (name, description) VALUES (?, ?)",
    "default",
    "Default workspace for legacy resources",
  );
  insert(
    `INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time)
      VALUES (0, 'Default', ?, 'active', ?, ?)`,
    `${artifacts}/0`,
    now,
    now,
  );
}

/** Every column that has the place of an artifact. */
const PLACES = [
  ["experiments", "artifact_location"],
  ["runs", "artifact_uri"],
  ["logged_models", "artifact_location"],
  ["model_versions", "source"],
  ["model_versions", "storage_location"],
] as const;

function move(db: Database.Database, from: string, to: string): void {
  for (const [table, column] of PLACES) {
    const text = `UPDATE ${table} SET ${column} = ? || substr(${column}, ?) WHERE substr(${column}, 1, ?) = ?`;
    // Python and SQLite count characters, and a URI has none outside of ASCII.
    keep(db.prepare(text)).run(`${to}/`, from.length + 2, from.length + 1, `${from}/`);
  }
}

function otherVersion(path: string, version: string | undefined): LakehouseError {
  return unsupported(
    path,
    version === undefined
      ? `${path} is no database of MLflow's.`
      : `The tables of ${path} are of MLflow's version ${version}, and this library writes version ${SCHEMA_VERSION}, MLflow 3.17's.`,
    version === undefined
      ? "Name another file for the experiments."
      : "Start MLflow's server on it, and name that as the place of the experiments.",
  );
}

/** What SQLite or the file system says, as an error of ours. */
export function failure(path: string, cause: unknown): LakehouseError {
  if (isLakehouseError(cause)) return cause;
  const why = (cause as Error).message.replace(/\.$/, "");
  if (isDiskFull(cause) || (cause instanceof Database.SqliteError && cause.code === "SQLITE_FULL"))
    return storageFailed(path, `The disk of ${path} is full.`, "Make room, and try again.", cause);
  return trackingUnavailable(
    path,
    `The experiments in ${path} cannot be used: ${why}.`,
    "Look at the file and its disk, and try again.",
    cause,
  );
}
