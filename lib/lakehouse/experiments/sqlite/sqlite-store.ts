import { randomUUID } from "node:crypto";
import type Database from "better-sqlite3";
import { invalidArgument } from "../../errors.js";
import { objectNotFound } from "../../storage/index.js";
import { aliasMissing, experimentDeleted, paramChanged, runMissing } from "../errors.js";
import type {
  ArtifactInfo,
  Dataset,
  DatasetInput,
  Experiment,
  LoggedModel,
  Metric,
  ModelVersion,
  Run,
  RunStatus,
} from "../model.js";
import type { Batch, NewModel, NewRun, Owner, RunsRequest, TrackingStore } from "../store.js";
import { fromStored, toStored } from "../stored-metrics.js";
import { listFiles, readIn, writeIn } from "./folder.js";
import { failure, inTransaction, openTrackingFile } from "./open.js";
import { prepareStatements, type Statements } from "./statements.js";

interface Pair {
  readonly key: string;
  readonly value: string;
}

interface MetricRow {
  readonly key: string;
  readonly value: number;
  readonly at: number;
  readonly step: number;
  readonly isNan: number;
}

interface RunRow {
  readonly id: string;
  readonly name: string | null;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly experiment: number;
  readonly place: string;
}

interface ModelRow {
  readonly id: string;
  readonly name: string;
  readonly experiment: number;
  readonly runId: string | null;
  readonly status: number;
  readonly place: string;
}

/** By MLflow's numbers. */
const STATUSES = [undefined, "PENDING", "READY", "FAILED"] as const;

/** 32 hexadecimal digits, as MLflow names things. */
const newId = () => randomUUID().replaceAll("-", "");

const recordOf = (pairs: unknown): Record<string, string> =>
  Object.fromEntries((pairs as Pair[]).map(({ key, value }) => [key, value]));

/** MLflow's SQLite database, and the artifacts beside it. Any number of processes may have it open, MLflow among them. */
export class SqliteTrackingStore implements TrackingStore {
  readonly uri: string;
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #artifacts: string;
  readonly #statements: Statements;

  /** @param path the file, made with its folders where absent. */
  constructor(path: string) {
    const { db, artifacts } = openTrackingFile(path);
    this.uri = `sqlite:${path}`;
    this.#path = path;
    this.#db = db;
    this.#artifacts = artifacts;
    this.#statements = prepareStatements(db);
  }

  async experiments(): Promise<readonly Experiment[]> {
    const rows = this.#read(() => this.#statements.experiments.all()) as { id: number; name: string }[];
    return rows.map(({ id, name }) => ({ id: String(id), name }));
  }

  async experiment(name: string): Promise<Experiment | undefined> {
    const row = this.#read(() => this.#statements.experiment.get(name)) as
      | { readonly id: number; readonly stage: string }
      | undefined;
    if (row === undefined) return undefined;
    if (row.stage !== "active") throw experimentDeleted(name);
    return { id: String(row.id), name };
  }

  async createExperiment(name: string): Promise<Experiment> {
    this.#write(() => {
      if (this.#statements.experiment.get(name) !== undefined) return;
      const now = Date.now();
      const { lastInsertRowid: id } = this.#statements.addExperiment.run(name, now, now);
      this.#statements.placeExperiment.run(`${this.#artifacts}/${id}`, id);
    });
    return (await this.experiment(name)) as Experiment;
  }

  async createRun({ experimentId, name, user, startedAt, tags }: NewRun): Promise<string> {
    const id = newId();
    this.#write(() => {
      const place = `${this.#placeOf(experimentId)}/${id}/artifacts`;
      this.#statements.addRun.run(id, name, user, startedAt.getTime(), place, Number(experimentId));
      for (const [key, value] of Object.entries({ "mlflow.user": user, ...tags, "mlflow.runName": name }))
        this.#statements.setTag.run(key, value, id);
    });
    return id;
  }

  async updateRun(runId: string, status: RunStatus, endedAt: Date | undefined): Promise<void> {
    this.#write(() => {
      this.#runRow(runId);
      this.#statements.endRun.run(status, endedAt?.getTime() ?? null, runId);
    });
  }

  async log(runId: string, { metrics = [], params = {}, tags = {}, model }: Batch): Promise<void> {
    this.#write(() => {
      const { experiment } = this.#runRow(runId);
      for (const [key, value] of Object.entries(params)) {
        const had = this.#statements.param.get(runId, key) as { readonly value: string } | undefined;
        if (had === undefined) this.#statements.addParam.run(key, value, runId);
        else if (had.value !== value) throw paramChanged(runId, key, had.value, value);
      }
      for (const { key, value, step, at } of metrics) {
        const stored = toStored(value);
        const row = [key, stored.value, at.getTime(), runId, step, stored.isNan ? 1 : 0] as const;
        this.#statements.addMetric.run(...row);
        this.#statements.latestMetric.run(...row);
        // A model's table has no place for what is no number.
        if (model !== undefined && !stored.isNan)
          this.#statements.addModelMetric.run(
            model,
            key,
            at.getTime(),
            step,
            stored.value,
            experiment,
            runId,
          );
      }
      for (const [key, value] of Object.entries(tags)) {
        this.#statements.setTag.run(key, value, runId);
        if (key === "mlflow.runName") this.#statements.nameRun.run(value, runId);
      }
    });
  }

  async logInputs(runId: string, inputs: readonly DatasetInput[]): Promise<void> {
    this.#write(() => {
      const { experiment } = this.#runRow(runId);
      for (const { name, digest, sourceType, source, schema, profile, tags } of inputs) {
        const given = [name, digest, sourceType, source, schema ?? null, profile ?? null];
        this.#statements.addDataset.run(newId(), experiment, ...given);
        const dataset = this.#statements.dataset.get(experiment, name, digest) as { readonly id: string };
        const link = ["DATASET", dataset.id, "RUN", runId] as const;
        this.#statements.addInput.run(newId(), ...link);
        const input = this.#statements.input.get(...link) as { readonly id: string };
        for (const [key, value] of Object.entries(tags))
          this.#statements.setInputTag.run(input.id, key, value);
      }
    });
  }

  async run(runId: string): Promise<Run> {
    return this.#read(() => this.#run(runId));
  }

  async runs({ experimentId, limit }: RunsRequest): Promise<readonly Run[]> {
    return this.#read(() => {
      const rows = this.#statements.runs.all(Number(experimentId), limit) as { readonly id: string }[];
      return rows.map(({ id }) => this.#run(id));
    });
  }

  async runsOf({ name, digest }: Pick<Dataset, "name" | "digest">): Promise<readonly Run[]> {
    return this.#read(() => {
      const rows = this.#statements.runsOf.all(name, digest) as { readonly id: string }[];
      return rows.map(({ id }) => this.#run(id));
    });
  }

  async history(runId: string, key: string): Promise<readonly Metric[]> {
    return this.#read(() => {
      this.#runRow(runId);
      return (this.#statements.history.all(runId, key) as MetricRow[]).map(metricOf);
    });
  }

  async putFile(owner: Owner, path: string, content: Uint8Array): Promise<void> {
    await writeIn(this.#folderOf(owner), path, content);
  }

  async file(owner: Owner, path: string): Promise<Uint8Array> {
    return readIn(this.#folderOf(owner), path);
  }

  async files(owner: Owner): Promise<readonly ArtifactInfo[]> {
    return listFiles(this.#folderOf(owner));
  }

  async createModel({ run, name, params, tags }: NewModel): Promise<LoggedModel> {
    const id = `m-${newId()}`;
    this.#write(() => {
      const { experiment } = this.#runRow(run.id);
      const place = `${this.#placeOf(run.experimentId)}/models/${id}/artifacts`;
      const now = Date.now();
      this.#statements.addModel.run(
        id,
        experiment,
        name,
        place,
        now,
        now,
        STATUSES.indexOf("PENDING"),
        run.id,
      );
      for (const [key, value] of Object.entries(params))
        this.#statements.addModelParam.run(id, experiment, key, value);
      for (const [key, value] of Object.entries(tags))
        this.#statements.setModelTag.run(id, experiment, key, value);
      this.#statements.addInput.run(newId(), "RUN_OUTPUT", run.id, "MODEL_OUTPUT", id);
    });
    return this.model(id);
  }

  async endModel(modelId: string, status: "READY" | "FAILED"): Promise<void> {
    this.#write(() => {
      this.#modelRow(modelId);
      this.#statements.endModel.run(STATUSES.indexOf(status), Date.now(), modelId);
    });
  }

  async model(modelId: string): Promise<LoggedModel> {
    return this.#read(() => {
      const { id, name, experiment, runId, status } = this.#modelRow(modelId);
      return {
        id,
        name,
        runId: runId ?? "",
        experimentId: String(experiment),
        status: STATUSES[status] ?? "PENDING",
        params: recordOf(this.#statements.modelParams.all(id)),
        tags: recordOf(this.#statements.modelTags.all(id)),
      };
    });
  }

  async registerModel(name: string, { id, runId }: LoggedModel): Promise<ModelVersion> {
    const version = this.#write(() => {
      const { place } = this.#modelRow(id);
      const now = Date.now();
      this.#statements.addRegistered.run(name, now, now);
      const last = this.#statements.lastVersion.get(name) as { readonly version: number };
      const next = last.version + 1;
      this.#statements.addVersion.run(name, next, now, now, null, `models:/${id}`, runId, place);
      this.#statements.touchRegistered.run(now, name);
      return next;
    });
    return { name, version, modelId: id, runId, aliases: [] };
  }

  async setAlias(name: string, alias: string, version: number): Promise<void> {
    this.#write(() => {
      const versions = this.#statements.versions.all(name) as { readonly version: number }[];
      if (!versions.some((each) => each.version === version)) throw aliasMissing(name, version);
      this.#statements.setAlias.run(alias, version, name);
    });
  }

  async modelVersions(name: string): Promise<readonly ModelVersion[]> {
    return this.#read(() => {
      const aliases = this.#statements.aliases.all(name) as { alias: string; version: number }[];
      const rows = this.#statements.versions.all(name) as {
        version: number;
        source: string;
        runId: string | null;
      }[];
      return rows.map(({ version, source, runId }) => ({
        name,
        version,
        modelId: /^models:\/(m-[0-9a-f]+)$/.exec(source)?.[1],
        runId: runId ?? undefined,
        aliases: aliases.filter((each) => each.version === version).map(({ alias }) => alias),
      }));
    });
  }

  close(): void {
    this.#db.close();
  }

  #run(runId: string): Run {
    const { id, name, status, startedAt, endedAt, experiment } = this.#runRow(runId);
    const inputs = this.#statements.inputs.all(id) as (DatasetInput & { readonly id: string })[];
    const metrics = (this.#statements.metrics.all(id) as MetricRow[]).map(metricOf);
    return {
      id,
      experimentId: String(experiment),
      name: name ?? "",
      status,
      startedAt: new Date(startedAt),
      endedAt: endedAt === null ? undefined : new Date(endedAt),
      params: recordOf(this.#statements.params.all(id)),
      metrics: Object.fromEntries(metrics.map((metric) => [metric.key, metric])),
      tags: recordOf(this.#statements.tags.all(id)),
      inputs: inputs.map(({ id: input, schema, profile, ...rest }) => ({
        ...rest,
        schema: schema ?? undefined,
        profile: profile ?? undefined,
        tags: recordOf(this.#statements.inputTags.all(input)),
      })),
      models: (this.#statements.outputs.all(id) as { readonly id: string }[]).map((each) => each.id),
    };
  }

  #runRow(runId: string): RunRow {
    const row = this.#statements.run.get(runId) as RunRow | undefined;
    if (row === undefined) throw runMissing(runId, this.uri);
    return row;
  }

  #modelRow(modelId: string): ModelRow {
    const row = this.#statements.model.get(modelId) as ModelRow | undefined;
    if (row === undefined)
      throw objectNotFound(
        modelId,
        `There is no model ${modelId} in ${this.uri}.`,
        "Look at the run's models.",
      );
    return row;
  }

  #placeOf(experimentId: string): string {
    const row = this.#statements.placeOfExperiment.get(Number(experimentId)) as
      | { readonly place: string }
      | undefined;
    if (row === undefined) throw invalidArgument(experimentId, `There is no experiment ${experimentId}.`);
    return row.place;
  }

  #folderOf(owner: Owner): string {
    return this.#read(() =>
      "run" in owner ? this.#runRow(owner.run).place : this.#modelRow(owner.model).place,
    );
  }

  #read<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (cause) {
      throw failure(this.#path, cause);
    }
  }

  #write<Result>(work: () => Result): Result {
    return this.#read(() => inTransaction(this.#db, work));
  }
}

function metricOf({ key, value, at, step, isNan }: MetricRow): Metric {
  return { key, value: isNan ? Number.NaN : fromStored(value), step, at: new Date(at) };
}
