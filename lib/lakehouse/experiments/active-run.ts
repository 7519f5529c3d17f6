import { type Catalog, isBranchingCatalog, type TableName } from "../catalog/index.js";
import { type Table, type TableScan, withMainAt } from "../iceberg/index.js";
import { checkObject } from "../options.js";
import {
  Query,
  type ScanRowsOptions,
  type SqlFragment,
  type SqlOptions,
  type SqlRow,
} from "../query/index.js";
import { notReproducible } from "./errors.js";
import type { ExperimentsContext } from "./experiments.js";
import { filesHash, TAGS, tableInput } from "./facts.js";
import { checkInput, checkMetric, checkModelName, checkOwnTag, checkParam, checkPath } from "./limits.js";
import type { Dataset, LoggedModel, ModelVersion, Run } from "./model.js";
import { MODEL_FILE, type ModelInit, modelFile } from "./model-file.js";
import type { TrackingStore } from "./store.js";

/** A value of a param or tag. */
export type ParamValue = string | number | bigint | boolean;

/** What a run reads: where the lakehouse was when it began, or when the run that is made again did. */
export interface Pinned {
  readonly commit: string | undefined;
  /** By the names of tables: the snapshots that they must be at. */
  readonly snapshots: ReadonlyMap<string, string>;
  /** The run that is made again. */
  readonly reproduces?: string | undefined;
}

/** What the model was registered as. */
export interface LoggedModelVersion {
  readonly model: LoggedModel;
  readonly version: ModelVersion | undefined;
}

/**
 * A run that goes on: what is logged is there at once. What it reads of the lakehouse is as it was when the run began,
 * whatever is committed meanwhile.
 */
export class ActiveRun {
  readonly id: string;
  /** As they were given. */
  readonly params: Readonly<Record<string, string>>;
  /** Aborted when the run is to stop. */
  readonly signal: AbortSignal | undefined;
  readonly #store: TrackingStore;
  readonly #context: ExperimentsContext;
  readonly #pinned: Pinned;

  /** `lake.experiments.run` makes one. @internal */
  constructor(
    context: ExperimentsContext,
    store: TrackingStore,
    run: Run,
    pinned: Pinned,
    signal: AbortSignal | undefined,
  ) {
    this.id = run.id;
    this.params = run.params;
    this.signal = signal;
    this.#context = context;
    this.#store = store;
    this.#pinned = pinned;
  }

  /**
   * A table as it was when the run began, which the run lists among its inputs, with its snapshot and the hash of its contract.
   *
   * @param context what the rows are for, as MLflow's page shows it: `training`, `evaluation`.
   * @throws LakehouseError NO_SUCH_TABLE; NOT_REPRODUCIBLE where the run is made again and the snapshot is gone.
   */
  async table(name: TableName, context = "training"): Promise<Table> {
    const { commit } = this.#pinned;
    const table = await this.#catalog.loadTable(name);
    const wanted = this.#pinned.snapshots.get(table.name);
    const is = String(table.currentSnapshot?.snapshotId ?? "empty");
    const at = wanted === undefined || wanted === is ? table : this.#atSnapshot(table, wanted);
    const tags = { "mlflow.data.context": context, ...(commit !== undefined && { [TAGS.commit]: commit }) };
    await this.logInput(tableInput(at, await this.#context.countRows(at), tags), context);
    return at;
  }

  /** The rows of a table's scan, as `lake.read` gives them. */
  read<Row extends object = SqlRow>(
    table: Table,
    scan: TableScan = table.scan(),
    options: ScanRowsOptions = {},
  ): Query<Row> {
    return new Query(() => this.#context.engine.scan(table, scan, options)) as Query<Row>;
  }

  /** A query of the lakehouse as it was when the run began, as `lake.sql` takes it. What it reads is not listed: `table` does that. */
  sql<Row extends object = SqlRow>(
    query: string | SqlFragment,
    options: Omit<SqlOptions, "ref"> = {},
  ): Query<Row> {
    const { commit } = this.#pinned;
    const ref = commit === undefined ? undefined : `@${commit}`;
    return new Query(() => this.#context.engine.sql(query, { ...options, ref })) as Query<Row>;
  }

  /** @throws LakehouseError PARAM_EXISTS for one that has another value. */
  async logParams(params: Readonly<Record<string, ParamValue>>): Promise<void> {
    checkObject("logParams", "params", params);
    await this.#store.log(this.id, { params: textsOf(params, checkParam) });
  }

  /** @param step such as of an epoch; 0 where not given. */
  async logMetrics(metrics: Readonly<Record<string, number>>, step = 0): Promise<void> {
    checkObject("logMetrics", "metrics", metrics);
    const at = new Date();
    const all = Object.entries(metrics).map(([key, value]) => {
      checkMetric(key, value, step);
      return { key, value, step, at };
    });
    await this.#store.log(this.id, { metrics: all });
  }

  /** @throws LakehouseError INVALID_ARGUMENT, also for a tag that binds the run to what it was made of. */
  async setTags(tags: Readonly<Record<string, ParamValue>>): Promise<void> {
    checkObject("setTags", "tags", tags);
    await this.#store.log(this.id, { tags: textsOf(tags, checkOwnTag) });
  }

  /** Data that is no table of the lakehouse, as one of the run's inputs. */
  async logInput(
    dataset: Dataset & { readonly tags?: Readonly<Record<string, string>> | undefined },
    context = "training",
  ): Promise<void> {
    checkObject("logInput", "facts", dataset);
    const input = { ...dataset, tags: { "mlflow.data.context": context, ...dataset.tags } };
    checkInput(input);
    await this.#store.logInputs(this.id, [input]);
  }

  /** @param path below the run's folder, as in `figures/roc.svg`. */
  async logArtifact(path: string, content: string | Uint8Array): Promise<void> {
    checkPath(path);
    await this.#store.putFile({ run: this.id }, path, bytesOf(content));
  }

  /**
   * A model: its files with an `MLmodel`, which says in MLflow's terms what it is. It has the params and metrics that the run
   * has by now, and the hash of its files.
   *
   * @param init.registerAs makes it a version of a registered model; `alias` points to it from then on.
   */
  async logModel(init: ModelInit): Promise<LoggedModelVersion> {
    checkModelName(init?.name);
    if (init.registerAs !== undefined) checkModelName(init.registerAs);
    const files = Object.entries(init.files).map(([path, content]) => {
      checkPath(path);
      return [path, bytesOf(content)] as const;
    });
    const store = this.#store;
    const run = await store.run(this.id);
    const tags = { [TAGS.model]: filesHash(files) };
    const made = await store.createModel({ run, name: init.name, params: run.params, tags });
    try {
      for (const [path, content] of files) await store.putFile({ model: made.id }, path, content);
      await store.putFile({ model: made.id }, MODEL_FILE, bytesOf(modelFile(init, made)));
      await store.log(this.id, { metrics: Object.values(run.metrics), model: made.id });
      await store.endModel(made.id, "READY");
    } catch (error) {
      await store.endModel(made.id, "FAILED").catch(() => {});
      throw error;
    }
    const model = await store.model(made.id);
    const version =
      init.registerAs === undefined ? undefined : await store.registerModel(init.registerAs, model);
    return { model, version };
  }

  get #catalog(): Catalog {
    const { catalog } = this.#context;
    const { commit } = this.#pinned;
    return commit !== undefined && isBranchingCatalog(catalog) ? catalog.on(`@${commit}`) : catalog;
  }

  #atSnapshot(table: Table, wanted: string): Table {
    const found = table.metadata.snapshots.find(({ snapshotId }) => String(snapshotId) === wanted);
    if (found === undefined)
      throw notReproducible(
        table.name,
        `${table.name} has the snapshot ${wanted} no more, which the run read.`,
        "Restore it from a backup, or train anew on what there is.",
      );
    return table.view(withMainAt(table.metadata, found.snapshotId), undefined);
  }
}

const bytesOf = (content: string | Uint8Array) =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

function textsOf(
  given: Readonly<Record<string, ParamValue>>,
  check: (key: unknown, value: unknown) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, check(key, value)]));
}
