import type Database from "better-sqlite3";
import { keep } from "../../sqlite.js";
import { runStateUnavailable } from "../errors.js";

/** Raised when the tables change in a way that an older program cannot read. */
const FORMAT = 3;

const TABLES = `
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY,
  pipeline TEXT NOT NULL,
  target TEXT NOT NULL,
  trigger TEXT NOT NULL,
  key TEXT,
  slices TEXT,
  rebuild INTEGER NOT NULL,
  status TEXT NOT NULL,
  base TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  owner TEXT NOT NULL,
  beat INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  hash TEXT,
  error TEXT
) STRICT;
DROP INDEX IF EXISTS run_keys;
CREATE UNIQUE INDEX run_keys ON runs (pipeline, target, key) WHERE key IS NOT NULL AND status <> 'abandoned';
CREATE UNIQUE INDEX IF NOT EXISTS one_running ON runs (pipeline, target) WHERE status = 'running' AND trigger <> 'external';
CREATE INDEX IF NOT EXISTS run_times ON runs (pipeline, started_at);
CREATE TABLE IF NOT EXISTS steps (
  run TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  error TEXT,
  result TEXT,
  inputs TEXT,
  outputs TEXT,
  PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT,
  PRIMARY KEY (run, step, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  owner TEXT NOT NULL,
  PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logs (
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  at INTEGER NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS logs_of_runs ON logs (run, id);
CREATE TABLE IF NOT EXISTS cursors (
  pipeline TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (pipeline, name)
) STRICT, WITHOUT ROWID;
`;

/** The tables of a file, made where there are none. */
export function prepareFile(db: Database.Database, path: string): void {
  // What counts is in the catalog: after a power failure the last lines of this file may be missing, and a run is told by
  // the commits of its branch what it has done.
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 10000");
  const format = keep(db.prepare("SELECT user_version FROM pragma_user_version").pluck()).get() as number;
  if (format > FORMAT)
    throw runStateUnavailable(
      path,
      `The runs in ${path} were written by a newer version of this library.`,
      "Use that version.",
    );
  if (format === FORMAT) return;
  db.exec(`BEGIN IMMEDIATE; ${TABLES} PRAGMA user_version = ${FORMAT}; COMMIT`);
}
