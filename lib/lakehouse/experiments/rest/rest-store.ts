import { invalidArgument, type LakehouseError, unsupported } from "../../errors.js";
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
import { MlflowConnection, RefusedRequest } from "./connection.js";
import {
  metricFrom,
  metricJson,
  modelFrom,
  pairs,
  runFrom,
  type WireMetric,
  type WireModel,
  type WireRun,
} from "./wire.js";

/** As many as MLflow takes at once. */
const BATCH = { metrics: 800, params: 100, tags: 100 } as const;
const PAGE = 1000;

interface WireExperiment {
  readonly experiment_id: string;
  readonly name: string;
  readonly lifecycle_stage: string;
}

/** MLflow's server, by its REST API. Artifacts go through the server: it has to serve them, as it does by itself. */
export class RestTrackingStore implements TrackingStore {
  readonly uri: string;
  readonly #server: MlflowConnection;

  constructor(uri: string) {
    this.#server = new MlflowConnection(uri);
    this.uri = this.#server.uri;
  }

  async experiments(): Promise<readonly Experiment[]> {
    const found = await this.#pages<WireExperiment>("experiments/search", "experiments", {});
    return found
      .map(({ experiment_id: id, name }) => ({ id, name }))
      .sort((a, b) => Number(a.id) - Number(b.id));
  }

  async experiment(name: string): Promise<Experiment | undefined> {
    const answer = await this.#server
      .call<{ experiment: WireExperiment }>("GET", "experiments/get-by-name", { experiment_name: name })
      .catch(on("RESOURCE_DOES_NOT_EXIST", () => undefined));
    if (answer === undefined) return undefined;
    const { experiment_id: id, lifecycle_stage: stage } = answer.experiment;
    if (stage !== "active") throw experimentDeleted(name);
    return { id, name };
  }

  async createExperiment(name: string): Promise<Experiment> {
    await this.#server
      .call("POST", "experiments/create", { name })
      .catch(on("RESOURCE_ALREADY_EXISTS", () => undefined));
    return (await this.experiment(name)) as Experiment;
  }

  async createRun({ experimentId, name, user, startedAt, tags }: NewRun): Promise<string> {
    const { run } = await this.#server.call<{ run: WireRun }>("POST", "runs/create", {
      experiment_id: experimentId,
      run_name: name,
      user_id: user,
      start_time: startedAt.getTime(),
      tags: pairs({ "mlflow.user": user, ...tags }),
    });
    return run.info.run_id;
  }

  async updateRun(runId: string, status: RunStatus, endedAt: Date | undefined): Promise<void> {
    const end = endedAt === undefined ? {} : { end_time: endedAt.getTime() };
    await this.#ofRun(runId, "POST", "runs/update", { run_id: runId, status, ...end });
  }

  async log(runId: string, { metrics = [], params = {}, tags = {}, model }: Batch): Promise<void> {
    await this.#requireParams(runId, params);
    const left = {
      metrics: metrics.map((metric) => metricJson(metric, model)),
      params: pairs(params),
      tags: pairs(tags),
    };
    do {
      await this.#ofRun(runId, "POST", "runs/log-batch", {
        run_id: runId,
        metrics: left.metrics.splice(0, BATCH.metrics),
        params: left.params.splice(0, BATCH.params),
        tags: left.tags.splice(0, BATCH.tags),
      });
    } while (left.metrics.length + left.params.length + left.tags.length > 0);
  }

  async logInputs(runId: string, inputs: readonly DatasetInput[]): Promise<void> {
    const datasets = inputs.map(({ name, digest, sourceType, source, schema, profile, tags }) => ({
      tags: pairs(tags),
      dataset: { name, digest, source_type: sourceType, source, schema, profile },
    }));
    await this.#ofRun(runId, "POST", "runs/log-inputs", { run_id: runId, datasets });
  }

  async run(runId: string): Promise<Run> {
    const { run } = await this.#ofRun<{ run: WireRun }>(runId, "GET", "runs/get", { run_id: runId });
    if (run.info.lifecycle_stage !== "active") throw runMissing(runId, this.uri);
    return runFrom(run);
  }

  async runs({ experimentId, limit }: RunsRequest): Promise<readonly Run[]> {
    const request = {
      experiment_ids: [experimentId],
      order_by: ["attributes.start_time DESC", "attributes.run_id ASC"],
    };
    return (await this.#pages<WireRun>("runs/search", "runs", request, limit)).map(runFrom);
  }

  async runsOf({ name, digest }: Pick<Dataset, "name" | "digest">): Promise<readonly Run[]> {
    const experiments = await this.experiments();
    // The server's filter has no way to write a quote in a text, so names are looked at here.
    const request = {
      experiment_ids: experiments.map(({ id }) => id),
      filter: `dataset.digest = '${digest.replaceAll("'", "")}'`,
      order_by: ["attributes.start_time DESC", "attributes.run_id ASC"],
    };
    const isOne = (input: DatasetInput) => input.name === name && input.digest === digest;
    return (await this.#pages<WireRun>("runs/search", "runs", request))
      .map(runFrom)
      .filter(({ inputs }) => inputs.some(isOne));
  }

  async history(runId: string, key: string): Promise<readonly Metric[]> {
    const found: WireMetric[] = [];
    for (let token: string | undefined = ""; token !== undefined; ) {
      const page: { metrics?: WireMetric[]; next_page_token?: string } = await this.#ofRun(
        runId,
        "GET",
        "metrics/get-history",
        {
          run_id: runId,
          metric_key: key,
          max_results: String(PAGE),
          ...(token !== "" && { page_token: token }),
        },
      );
      found.push(...(page.metrics ?? []));
      token = page.next_page_token || undefined;
    }
    // Of a run that is not there the server says nothing.
    if (found.length === 0) await this.run(runId);
    return found
      .map(metricFrom)
      .sort((a, b) => a.step - b.step || a.at.getTime() - b.at.getTime() || a.value - b.value);
  }

  async putFile(owner: Owner, path: string, content: Uint8Array): Promise<void> {
    await this.#server.put(`${await this.#folderOf(owner)}/${encoded(path)}`, content);
  }

  async file(owner: Owner, path: string): Promise<Uint8Array> {
    const full = `${await this.#folderOf(owner)}/${encoded(path)}`;
    return this.#server.get(full).catch(async (error: unknown) => {
      // The server says 500 of a file that is not there: what there is tells it from a fault.
      if ((await this.files(owner)).some((file) => file.path === path)) throw error;
      throw objectNotFound(
        `${this.uri}/${full}`,
        `There is no artifact ${path}.`,
        "List the artifacts, and name one of them.",
        error,
      );
    });
  }

  async files(owner: Owner): Promise<readonly ArtifactInfo[]> {
    const folder = decodeURIComponent(await this.#folderOf(owner));
    const found: ArtifactInfo[] = [];
    const visit = async (at: string): Promise<void> => {
      for (const { path, is_dir: isFolder, file_size: size } of await this.#server.list(`${folder}${at}`)) {
        const name = path.split("/").at(-1);
        if (isFolder) await visit(`${at}/${name}`);
        else found.push({ path: `${at}/${name}`.slice(1), size: Number(size ?? 0) });
      }
    };
    await visit("");
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async createModel({ run, name, params, tags }: NewModel): Promise<LoggedModel> {
    const { model } = await this.#server.call<{ model: WireModel }>("POST", "logged-models", {
      experiment_id: run.experimentId,
      name,
      source_run_id: run.id,
      params: pairs(params),
      tags: pairs(tags),
    });
    const { model_id: id } = model.info;
    await this.#ofRun(run.id, "POST", "runs/outputs", {
      run_id: run.id,
      models: [{ model_id: id, step: 0 }],
    });
    return modelFrom(model);
  }

  async endModel(modelId: string, status: "READY" | "FAILED"): Promise<void> {
    await this.#ofModel(modelId, "PATCH", { model_id: modelId, status: `LOGGED_MODEL_${status}` });
  }

  async model(modelId: string): Promise<LoggedModel> {
    return modelFrom((await this.#ofModel<{ model: WireModel }>(modelId, "GET")).model);
  }

  async registerModel(name: string, { id, runId }: LoggedModel): Promise<ModelVersion> {
    await this.#server
      .call("POST", "registered-models/create", { name })
      .catch(on("RESOURCE_ALREADY_EXISTS", () => undefined));
    const { model_version: made } = await this.#server.call<{ model_version: { version: string } }>(
      "POST",
      "model-versions/create",
      { name, source: `models:/${id}`, run_id: runId, model_id: id },
    );
    return { name, version: Number(made.version), modelId: id, runId, aliases: [] };
  }

  async setAlias(name: string, alias: string, version: number): Promise<void> {
    const request = { name, alias, version: String(version) };
    const missing = () => {
      throw aliasMissing(name, version);
    };
    await this.#server
      .call("POST", "registered-models/alias", request)
      .catch(on("RESOURCE_DOES_NOT_EXIST", missing));
  }

  async modelVersions(name: string): Promise<readonly ModelVersion[]> {
    const registered = await this.#server
      .call<{ registered_model: { aliases?: { alias: string; version: string }[] } }>(
        "GET",
        "registered-models/get",
        { name },
      )
      .catch(on("RESOURCE_DOES_NOT_EXIST", () => undefined));
    if (registered === undefined) return [];
    const aliases = registered.registered_model.aliases ?? [];
    type Version = { version: string; source?: string; run_id?: string };
    const filter = `name='${name}'`;
    const found = await this.#pages<Version>("model-versions/search", "model_versions", { filter });
    return found
      .map(({ version, source = "", run_id: runId }) => ({
        name,
        version: Number(version),
        modelId: /^models:\/(m-[0-9a-f]+)$/.exec(source)?.[1],
        runId: runId || undefined,
        aliases: aliases.filter((each) => each.version === version).map(({ alias }) => alias),
      }))
      .sort((a, b) => a.version - b.version);
  }

  close(): void {}

  /** The server says that a parameter has another value only in a sentence. */
  async #requireParams(runId: string, params: Readonly<Record<string, string>>): Promise<void> {
    if (Object.keys(params).length === 0) return;
    const had = (await this.run(runId)).params;
    for (const [key, value] of Object.entries(params))
      if (Object.hasOwn(had, key) && had[key] !== value)
        throw paramChanged(runId, key, had[key] as string, value);
  }

  /** The folder that the server serves, encoded for a URL. */
  async #folderOf(owner: Owner): Promise<string> {
    const place =
      "run" in owner
        ? (await this.#ofRun<{ run: WireRun }>(owner.run, "GET", "runs/get", { run_id: owner.run })).run.info
            .artifact_uri
        : (await this.#ofModel<{ model: WireModel }>(owner.model, "GET")).model.info.artifact_uri;
    const folder = /^mlflow-artifacts:(?:\/\/[^/]*)?\/+(.+)$/.exec(place)?.[1];
    if (folder === undefined)
      throw unsupported(
        place,
        `The MLflow server at ${this.uri} does not serve its artifacts: they are in ${place}.`,
        "Start it with --serve-artifacts and --artifacts-destination, and log to a new experiment.",
      );
    return encoded(folder);
  }

  async #ofRun<Answer>(
    runId: string,
    method: "GET" | "POST",
    path: string,
    given: Readonly<Record<string, unknown>>,
  ): Promise<Answer> {
    return this.#server.call<Answer>(method, path, given).catch((error: unknown) => {
      if (!(error instanceof RefusedRequest)) throw error;
      if (error.code === "RESOURCE_DOES_NOT_EXIST") throw runMissing(runId, this.uri);
      throw refused(runId, error);
    });
  }

  async #ofModel<Answer>(
    modelId: string,
    method: "GET" | "PATCH",
    given: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    const path = `logged-models/${encodeURIComponent(modelId)}`;
    return this.#server.call<Answer>(method, path, given).catch((error: unknown) => {
      if (!(error instanceof RefusedRequest)) throw error;
      if (/^(RESOURCE_DOES_NOT_EXIST|NOT_FOUND)$/.test(error.code))
        throw objectNotFound(
          modelId,
          `There is no model ${modelId} in ${this.uri}.`,
          "Look at the run's models.",
          error,
        );
      throw refused(modelId, error);
    });
  }

  async #pages<Item>(
    path: string,
    key: string,
    request: Readonly<Record<string, unknown>>,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<Item[]> {
    const method = path === "runs/search" || path === "experiments/search" ? "POST" : "GET";
    const found: Item[] = [];
    for (let token: string | undefined = ""; token !== undefined && found.length < limit; ) {
      const size = Math.min(PAGE, limit - found.length);
      const page: Record<string, unknown> = await this.#server
        .call<Record<string, unknown>>(method, path, {
          ...request,
          max_results: size,
          ...(token !== "" && { page_token: token }),
        })
        .catch((error: unknown) => {
          throw error instanceof RefusedRequest ? refused(path, error) : error;
        });
      found.push(...((page[key] ?? []) as Item[]));
      token = (page.next_page_token as string | undefined) || undefined;
    }
    return found;
  }
}

const encoded = (path: string) => path.split("/").map(encodeURIComponent).join("/");

function refused(subject: string, { message }: RefusedRequest): LakehouseError {
  return invalidArgument(subject, `MLflow's server refused it: ${message.replace(/\.$/, "")}.`);
}

/** Catches one answer of the server. */
function on<Result>(code: string, work: () => Result): (error: unknown) => Result {
  return (error) => {
    if (error instanceof RefusedRequest && error.code === code) return work();
    throw error instanceof RefusedRequest ? refused(code, error) : error;
  };
}
