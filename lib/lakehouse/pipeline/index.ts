/**
 * Pipelines: tasks that make tables of tables by SQL. A task reads what has changed since it last ran, and its table says how
 * far that was in the commit that has the rows: so that nothing is lost or doubled, whenever a run ends.
 */
export {
  type LineageDiagramOptions,
  lineageDiagram,
  origins,
  type TableColumn,
  type TaskLineage,
} from "./lineage/lineage.js";
export { type OpenLineageEvent, type OpenLineageOptions, openLineageEvent } from "./lineage/open-lineage.js";
export { Pipeline, type PipelineContext, type RunOptions } from "./pipeline.js";
export type { InputRange, TaskRun } from "./run.js";
export type { SparkOptions } from "./spark/options.js";
export type { Spark } from "./spark/spark.js";
export {
  type AppendWrite,
  append,
  type ReplaceWrite,
  replace,
  type SliceValue,
  type Task,
  type TaskInit,
  type TaskTable,
  task,
  type UpsertWrite,
  upsert,
  type Write,
} from "./task.js";
