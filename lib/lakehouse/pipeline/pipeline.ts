import type { Catalog } from "../catalog/index.js";
import { type Abortable, invalidArgument, throwIfAborted } from "../errors.js";
import type { Table } from "../iceberg/index.js";
import { observe } from "../observability/index.js";
import { checkOptions, type OptionNames } from "../options.js";
import type { QueryEngine } from "../query/index.js";
import type { ObjectStore } from "../storage/index.js";
import type { TaskLineage } from "./lineage/lineage.js";
import { pipelineRuns, pipelineTasks } from "./metrics.js";
import type { TaskRun } from "./run.js";
import type { SparkOptions } from "./spark/options.js";
import { Spark } from "./spark/spark.js";
import type { SliceValue, Task } from "./task.js";

/** What the room needs of an open lakehouse. */
export interface PipelineContext {
  /** Seen on one branch. */
  readonly catalog: Catalog;
  /** Where the tables' files are, which Spark is told. */
  readonly store?: ObjectStore | undefined;
  readonly engine: QueryEngine;
  readonly countRows: (table: Table) => Promise<bigint>;
}

export interface RunOptions extends Abortable {
  /** Makes the tables anew, of all that their inputs have now. */
  readonly rebuild?: boolean | undefined;
  /**
   * Makes these slices anew beside what has changed, such as days: their rows are deleted, and made of what the inputs have.
   * Others stay as they are.
   */
  readonly slices?: readonly SliceValue[] | undefined;
  /** What counts as now for checks of freshness. */
  readonly now?: Date | undefined;
  /** Whether what the checks find is kept in their history. True where not given. */
  readonly record?: boolean | undefined;
  /** What makes the rows, as `lake.pipeline.spark()`; DuckDB, in this process, where not given. */
  readonly engine?: Spark | undefined;
}

const RUN_OPTIONS: OptionNames<RunOptions> = {
  rebuild: true,
  slices: true,
  now: true,
  record: true,
  engine: true,
  signal: true,
};

/**
 * `lake.pipeline`: runs tasks, on the branch that the lakehouse is seen on.
 *
 * @example
 * for (const { task, outcome } of await lake.pipeline.run([silver, daily])) console.log(task, outcome);
 */
export class Pipeline {
  readonly #context: PipelineContext;
  readonly #sparks: Spark[] = [];

  constructor(context: PipelineContext) {
    this.#context = context;
  }

  /**
   * Spark, to run tasks by: what is published, and where nothing goes on, is the same. It is started by `spark-submit` when
   * a task first has something to do, with the catalog of this lakehouse, and stays until it or the lakehouse is closed.
   *
   * @throws LakehouseError INVALID_ARGUMENT
   * @example
   * await using engine = lake.pipeline.spark({ submit: ["--master", "yarn"] });
   * await lake.pipeline.run(tasks, { engine });
   */
  spark(options: SparkOptions = {}): Spark {
    const spark = new Spark(this.#context, options);
    this.#sparks.push(spark);
    return spark;
  }

  /** @internal Ends what runs on Spark. */
  async close(): Promise<void> {
    await Promise.all(this.#sparks.map((spark) => spark.close()));
  }

  /**
   * Runs tasks, each after those that make what it reads. A task takes in what has changed since it last ran, and nothing
   * where nothing has. What it writes is checked on a branch of its own by the table's contract, and comes to this one by a
   * commit that says how far it has come: whether a run is killed, made twice or beside another, each row counts once. The
   * first failure ends the run; what was written until then stays, and the next run goes on from there.
   *
   * @throws CheckFailedError CHECK_FAILED
   * @throws LakehouseError POSITION_LOST, NOT_APPEND_ONLY, SCHEMA_MISMATCH, NO_SUCH_TABLE, INVALID_SQL, SPARK_FAILED,
   *   UNSUPPORTED_FEATURE where the catalog has no branches, and for a query that may mean something else to Spark.
   */
  async run(tasks: readonly Task[], options: RunOptions = {}): Promise<readonly TaskRun[]> {
    checkOptions("run", options, RUN_OPTIONS);
    if (
      options.engine !== undefined &&
      !(options.engine instanceof Spark && options.engine.serves(this.#context))
    )
      throw invalidArgument(
        "engine",
        "The engine is none of this lakehouse's.",
        "Give lake.pipeline.spark().",
      );
    const [{ inOrder }, { runTask }] = await Promise.all([import("./order.js"), import("./run.js")]);
    const runs: TaskRun[] = [];
    const all = async () => {
      for (const task of inOrder(tasks)) {
        throwIfAborted(options.signal);
        const run = () => runTask(this.#context, task, options);
        runs.push(
          await observe(pipelineTasks, run, ({ result, outcome, milliseconds }) => ({
            task: task.name,
            result: result?.outcome,
            hash: result?.hash,
            outcome,
            milliseconds,
          })),
        );
      }
      return runs;
    };
    return observe(pipelineRuns, all, ({ outcome, milliseconds }) => ({
      tasks: runs.length,
      written: runs.filter((run) => run.outcome === "written").length,
      outcome,
      milliseconds,
    }));
  }

  /**
   * What the tables of tasks are made of, column by column, as their queries say: `origins` follows a column back to tables
   * that none of them makes. Nothing is run.
   *
   * @throws LakehouseError INVALID_ARGUMENT for a query of a table that its task does not name; NO_SUCH_TABLE;
   *   UNSUPPORTED_FEATURE for a query of which it cannot be told.
   */
  async lineage(tasks: readonly Task[]): Promise<readonly TaskLineage[]> {
    const { lineageOf } = await import("./lineage/lineage.js");
    return lineageOf(this.#context, tasks);
  }
}
