import type { DatasetInput, LoggedModel, Metric, Run, RunStatus } from "../model.js";
import { fromStored } from "../stored-metrics.js";

/** MLflow's messages, as far as they are read here. Numbers of 64 bits come as numbers or as text. */
interface Pair {
  readonly key: string;
  readonly value?: string;
}

export interface WireMetric {
  readonly key: string;
  /** "NaN" for what is none. */
  readonly value: number | string;
  readonly timestamp: number | string;
  /** 0 is left out. */
  readonly step?: number | string;
}

export interface WireRun {
  readonly info: {
    readonly run_id: string;
    readonly run_name?: string;
    readonly experiment_id: string;
    readonly status: RunStatus;
    readonly start_time: number | string;
    readonly end_time?: number | string;
    readonly artifact_uri: string;
    readonly lifecycle_stage: string;
  };
  readonly data: {
    readonly metrics?: readonly WireMetric[];
    readonly params?: readonly Pair[];
    readonly tags?: readonly Pair[];
  };
  readonly inputs?: {
    readonly dataset_inputs?: readonly {
      readonly tags?: readonly Pair[];
      readonly dataset: {
        readonly name: string;
        readonly digest: string;
        readonly source_type: string;
        readonly source: string;
        readonly schema?: string;
        readonly profile?: string;
      };
    }[];
  };
  readonly outputs?: { readonly model_outputs?: readonly { readonly model_id: string }[] };
}

export interface WireModel {
  readonly info: {
    readonly model_id: string;
    readonly experiment_id: string;
    readonly name: string;
    readonly artifact_uri: string;
    readonly status: string;
    readonly source_run_id?: string;
    readonly tags?: readonly Pair[];
  };
  readonly data?: { readonly params?: readonly Pair[] };
}

export function pairs(record: Readonly<Record<string, string>>): Pair[] {
  return Object.entries(record).map(([key, value]) => ({ key, value }));
}

function record(given: readonly Pair[] = []): Record<string, string> {
  const sorted = [...given].sort((a, b) => (a.key < b.key ? -1 : 1));
  return Object.fromEntries(sorted.map(({ key, value = "" }) => [key, value]));
}

/** JSON has no number for what is none or infinite: protobuf's JSON spells them. */
export function metricJson({ key, value, step, at }: Metric, model: string | undefined) {
  return {
    key,
    value: Number.isFinite(value) ? value : String(value),
    step,
    timestamp: at.getTime(),
    ...(model !== undefined && { model_id: model }),
  };
}

export function metricFrom({ key, value, step = 0, timestamp }: WireMetric): Metric {
  return { key, value: fromStored(Number(value)), step: Number(step), at: new Date(Number(timestamp)) };
}

export function runFrom({ info, data, inputs, outputs }: WireRun): Run {
  const metrics = (data.metrics ?? []).map(metricFrom).sort((a, b) => (a.key < b.key ? -1 : 1));
  const datasets = (inputs?.dataset_inputs ?? []).map(
    ({ tags, dataset }): DatasetInput => ({
      name: dataset.name,
      digest: dataset.digest,
      sourceType: dataset.source_type,
      source: dataset.source,
      schema: dataset.schema || undefined,
      profile: dataset.profile || undefined,
      tags: record(tags),
    }),
  );
  return {
    id: info.run_id,
    experimentId: info.experiment_id,
    name: info.run_name ?? "",
    status: info.status,
    startedAt: new Date(Number(info.start_time)),
    endedAt:
      info.end_time === undefined || Number(info.end_time) === 0
        ? undefined
        : new Date(Number(info.end_time)),
    params: record(data.params),
    metrics: Object.fromEntries(metrics.map((metric) => [metric.key, metric])),
    tags: record(data.tags),
    inputs: datasets.sort((a, b) => (a.name + a.digest < b.name + b.digest ? -1 : 1)),
    models: (outputs?.model_outputs ?? []).map(({ model_id: id }) => id),
  };
}

export function modelFrom({ info, data }: WireModel): LoggedModel {
  return {
    id: info.model_id,
    name: info.name,
    runId: info.source_run_id ?? "",
    experimentId: info.experiment_id,
    status: info.status.replace("LOGGED_MODEL_", "") as LoggedModel["status"],
    params: record(data?.params),
    tags: record(info.tags),
  };
}
