import type Database from "better-sqlite3";
import { keep } from "../../sqlite.js";

/** What the store asks of MLflow's tables. */
const STATEMENTS = {
  experiments:
    "SELECT experiment_id AS id, name FROM experiments WHERE lifecycle_stage = 'active' AND workspace = 'default' ORDER BY experiment_id",
  experiment:
    "SELECT experiment_id AS id, name, lifecycle_stage AS stage FROM experiments WHERE name = ? AND workspace = 'default'",
  addExperiment:
    "INSERT INTO experiments (name, lifecycle_stage, creation_time, last_update_time) VALUES (?, 'active', ?, ?)",
  placeExperiment: "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
  placeOfExperiment: "SELECT artifact_location AS place FROM experiments WHERE experiment_id = ?",
  addRun: `INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
      source_version, lifecycle_stage, artifact_uri, experiment_id)
      VALUES (?, ?, 'UNKNOWN', '', '', ?, 'RUNNING', ?, '', 'active', ?, ?)`,
  endRun: "UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?",
  run: `SELECT run_uuid AS id, name, status, start_time AS startedAt, end_time AS endedAt, experiment_id AS experiment,
      artifact_uri AS place FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'active'`,
  runs: `SELECT run_uuid AS id FROM runs WHERE experiment_id = ? AND lifecycle_stage = 'active'
      ORDER BY start_time DESC, run_uuid LIMIT ?`,
  runsOf: `SELECT r.run_uuid AS id FROM runs r JOIN inputs i ON i.destination_id = r.run_uuid AND i.destination_type = 'RUN'
      JOIN datasets d ON d.dataset_uuid = i.source_id AND i.source_type = 'DATASET'
      WHERE d.name = ? AND d.digest = ? AND r.lifecycle_stage = 'active' ORDER BY r.start_time DESC, r.run_uuid`,
  params: `SELECT "key", value FROM params WHERE run_uuid = ? ORDER BY "key"`,
  param: `SELECT value FROM params WHERE run_uuid = ? AND "key" = ?`,
  addParam: `INSERT INTO params ("key", value, run_uuid) VALUES (?, ?, ?)`,
  tags: `SELECT "key", value FROM tags WHERE run_uuid = ? ORDER BY "key"`,
  setTag: `INSERT OR REPLACE INTO tags ("key", value, run_uuid) VALUES (?, ?, ?)`,
  nameRun: "UPDATE runs SET name = ? WHERE run_uuid = ?",
  metrics: `SELECT "key", value, timestamp AS at, step, is_nan AS isNan FROM latest_metrics WHERE run_uuid = ? ORDER BY "key"`,
  history: `SELECT "key", value, timestamp AS at, step, is_nan AS isNan FROM metrics WHERE run_uuid = ? AND "key" = ?
      ORDER BY step, timestamp, value`,
  addMetric: `INSERT OR IGNORE INTO metrics ("key", value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)`,
  latestMetric: `INSERT INTO latest_metrics ("key", value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT ("key", run_uuid) DO UPDATE SET
        value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
      WHERE (excluded.step, excluded.timestamp, excluded.value)
        > (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)`,
  addModelMetric: `INSERT OR IGNORE INTO logged_model_metrics (model_id, metric_name, metric_timestamp_ms, metric_step, metric_value,
      experiment_id, run_id) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  addDataset: `INSERT OR IGNORE INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source,
      dataset_schema, dataset_profile) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  dataset: "SELECT dataset_uuid AS id FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?",
  addInput: `INSERT OR IGNORE INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id)
      VALUES (?, ?, ?, ?, ?)`,
  input: `SELECT input_uuid AS id FROM inputs
      WHERE source_type = ? AND source_id = ? AND destination_type = ? AND destination_id = ?`,
  setInputTag: "INSERT OR REPLACE INTO input_tags (input_uuid, name, value) VALUES (?, ?, ?)",
  inputs: `SELECT i.input_uuid AS id, d.name, d.digest, d.dataset_source_type AS sourceType, d.dataset_source AS source,
      d.dataset_schema AS schema, d.dataset_profile AS profile
      FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
      WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?
      ORDER BY d.name, d.digest`,
  inputTags: "SELECT name AS key, value FROM input_tags WHERE input_uuid = ? ORDER BY name",
  addModel: `INSERT INTO logged_models (model_id, experiment_id, name, artifact_location, creation_timestamp_ms,
      last_updated_timestamp_ms, status, lifecycle_stage, source_run_id) VALUES (?, ?, ?, ?, ?, ?, ?, 'active', ?)`,
  addModelParam:
    "INSERT INTO logged_model_params (model_id, experiment_id, param_key, param_value) VALUES (?, ?, ?, ?)",
  setModelTag:
    "INSERT OR REPLACE INTO logged_model_tags (model_id, experiment_id, tag_key, tag_value) VALUES (?, ?, ?, ?)",
  endModel: "UPDATE logged_models SET status = ?, last_updated_timestamp_ms = ? WHERE model_id = ?",
  model: `SELECT model_id AS id, name, experiment_id AS experiment, source_run_id AS runId, status, artifact_location AS place
      FROM logged_models WHERE model_id = ? AND lifecycle_stage = 'active'`,
  modelParams:
    "SELECT param_key AS key, param_value AS value FROM logged_model_params WHERE model_id = ? ORDER BY 1",
  modelTags: "SELECT tag_key AS key, tag_value AS value FROM logged_model_tags WHERE model_id = ? ORDER BY 1",
  outputs: `SELECT destination_id AS id FROM inputs
      WHERE source_type = 'RUN_OUTPUT' AND source_id = ? AND destination_type = 'MODEL_OUTPUT' ORDER BY rowid`,
  addRegistered:
    "INSERT OR IGNORE INTO registered_models (name, creation_time, last_updated_time) VALUES (?, ?, ?)",
  touchRegistered:
    "UPDATE registered_models SET last_updated_time = ? WHERE name = ? AND workspace = 'default'",
  lastVersion:
    "SELECT coalesce(max(version), 0) AS version FROM model_versions WHERE name = ? AND workspace = 'default'",
  addVersion: `INSERT INTO model_versions (name, version, creation_time, last_updated_time, user_id, current_stage, source, run_id,
      status, storage_location) VALUES (?, ?, ?, ?, ?, 'None', ?, ?, 'READY', ?)`,
  versions: `SELECT name, version, source, run_id AS runId FROM model_versions
      WHERE name = ? AND workspace = 'default' AND current_stage <> 'Deleted_Internal' ORDER BY version`,
  aliases:
    "SELECT alias, version FROM registered_model_aliases WHERE name = ? AND workspace = 'default' ORDER BY alias",
  setAlias: "INSERT OR REPLACE INTO registered_model_aliases (alias, version, name) VALUES (?, ?, ?)",
} as const;

export type Statements = Readonly<Record<keyof typeof STATEMENTS, Database.Statement>>;

export function prepareStatements(db: Database.Database): Statements {
  const prepared = Object.entries(STATEMENTS).map(([name, text]) => [name, keep(db.prepare(text))]);
  return keep(Object.fromEntries(prepared)) as Statements;
}
