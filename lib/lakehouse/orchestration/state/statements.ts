import type Database from "better-sqlite3";

const RUN = `id, pipeline, target, trigger, key, slices, rebuild, status, base, epoch, fingerprint,
  started_at AS startedAt, ended_at AS endedAt, hash, error`;

const TEXTS = {
  beginTransaction: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  begin: `INSERT OR IGNORE INTO runs (id, pipeline, target, trigger, key, slices, rebuild, status, base, epoch, fingerprint, owner, beat, started_at)
       VALUES (@id, @pipeline, @target, @trigger, @key, @slices, @rebuild, 'running', @base, 1, @fingerprint, @owner, 0, @startedAt)`,
  addStep: "INSERT INTO steps (run, name, status, attempts) VALUES (?, ?, 'pending', 0)",
  takeOver:
    "UPDATE OR IGNORE runs SET epoch = epoch + 1, owner = @owner, beat = 0, status = 'running', ended_at = NULL, error = NULL WHERE id = @id",
  reopenSteps:
    "UPDATE steps SET status = 'pending', error = NULL WHERE run = ? AND status NOT IN ('succeeded', 'unchanged')",
  clearSteps: "UPDATE steps SET status = 'pending', error = NULL, result = NULL WHERE run = ?",
  rebase: "UPDATE runs SET base = ? WHERE id = ?",
  owner: "SELECT owner FROM runs WHERE id = ?",
  epochOf: "SELECT epoch FROM runs WHERE id = ? AND status = 'running'",
  beatOf: "SELECT beat FROM runs WHERE id = ?",
  beat: "UPDATE runs SET beat = beat + 1 WHERE id = ?",
  end: "UPDATE runs SET status = @status, ended_at = @endedAt, hash = @hash, error = @error WHERE id = @id",
  attemptsOf: "SELECT attempts FROM steps WHERE run = ? AND name = ?",
  startStep: `UPDATE steps SET status = 'running', attempts = @attempt, ended_at = NULL, error = NULL,
         started_at = CASE WHEN status = 'running' THEN started_at ELSE @startedAt END
       WHERE run = @run AND name = @step`,
  addAttempt:
    "INSERT INTO attempts (run, step, attempt, started_at) VALUES (@run, @step, @attempt, @startedAt)",
  endAttempt:
    "UPDATE attempts SET ended_at = @endedAt, outcome = @outcome WHERE run = @run AND step = @step AND attempt = @attempt",
  endStep: `UPDATE steps SET status = @status, ended_at = @endedAt, error = @error, result = @result, inputs = @inputs, outputs = @outputs
       WHERE run = @run AND name = @step`,
  settle: "UPDATE steps SET status = @status, ended_at = @at, error = NULL WHERE run = @run AND name = @step",
  addLog: "INSERT INTO logs (run, step, attempt, at, message) VALUES (?, ?, ?, ?, ?)",
  runs: `SELECT ${RUN} FROM runs WHERE id LIKE @id || '%' ESCAPE '\\' AND (@pipeline IS NULL OR pipeline = @pipeline)
       ORDER BY rowid DESC LIMIT @limit`,
  last: `SELECT ${RUN} FROM runs WHERE pipeline = ? AND target = ? AND trigger <> 'external' AND status <> 'abandoned'
       ORDER BY rowid DESC LIMIT 1`,
  byKey: `SELECT ${RUN} FROM runs WHERE pipeline = ? AND target = ? AND key = ? AND status <> 'abandoned'`,
  withKey: `SELECT ${RUN} FROM runs WHERE pipeline = @pipeline AND target = @target AND substr(key, 1, length(@prefix)) = @prefix
       AND status <> 'abandoned' ORDER BY rowid`,
  external: `SELECT ${RUN} FROM runs WHERE pipeline = ? AND target = ? AND trigger = 'external' AND status = 'running'`,
  claimOf: "SELECT owner FROM claims WHERE run = ? AND step = ?",
  claim: "INSERT OR REPLACE INTO claims (run, step, owner) VALUES (?, ?, ?)",
  unclaim: "DELETE FROM claims WHERE run = ? AND step = ?",
  steps: `SELECT name, status, attempts, started_at AS startedAt, ended_at AS endedAt, error, result, inputs, outputs
       FROM steps WHERE run = ? ORDER BY started_at IS NULL, started_at, name`,
  attempts: `SELECT step, attempt, started_at AS startedAt, ended_at AS endedAt, outcome FROM attempts WHERE run = ?
       ORDER BY started_at, step, attempt`,
  logs: "SELECT at, step, attempt, message FROM logs WHERE run = @run AND (@step IS NULL OR step = @step) ORDER BY id",
  cursor: "SELECT value FROM cursors WHERE pipeline = ? AND name = ?",
  beginCursor: "INSERT OR IGNORE INTO cursors (pipeline, name, value) VALUES (?, ?, ?)",
  setCursor: "INSERT OR REPLACE INTO cursors (pipeline, name, value) VALUES (?, ?, ?)",
};

/** Those that answer with one value. */
const OF_ONE: ReadonlySet<string> = new Set([
  "owner",
  "epochOf",
  "beatOf",
  "attemptsOf",
  "cursor",
  "claimOf",
]);

export type Statements = Readonly<Record<keyof typeof TEXTS, Database.Statement>>;

/** Every statement, prepared once: see `keep`. */
export function prepare(db: Database.Database): Statements {
  const all = Object.entries(TEXTS).map(([name, text]) => {
    const statement = db.prepare(text);
    return [name, OF_ONE.has(name) ? statement.pluck() : statement];
  });
  return Object.fromEntries(all);
}
