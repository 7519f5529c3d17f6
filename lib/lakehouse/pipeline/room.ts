import type { Room } from "../room.js";
import * as errors from "./errors.js";
import { metrics } from "./metrics.js";
import { Pipeline, type PipelineContext } from "./pipeline.js";

/** Pipelines, for the wiring. */
export const pipelineRoom = {
  name: "pipeline",
  errors,
  metrics,
  facade: (context) => new Pipeline(context),
  close: (pipeline) => pipeline.close(),
} as const satisfies Room<PipelineContext, Pipeline>;
