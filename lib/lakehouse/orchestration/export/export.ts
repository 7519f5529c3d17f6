import { dirname, relative } from "node:path";
import { invalidArgument } from "../../errors.js";
import type { PipelineDefinition } from "../model/definition.js";
import { airflowFiles } from "./airflow.js";
import { cronFiles, systemdFiles } from "./cron.js";
import { dagsterFiles } from "./dagster.js";

/** What a pipeline can be exported to. */
export const EXPORTS = ["cron", "systemd", "dagster", "airflow"] as const;
export type ExportTarget = (typeof EXPORTS)[number];

/** What is exported. */
export interface Exported {
  readonly pipeline: PipelineDefinition;
  /** Where `slh` runs: the folder of the file of pipelines. */
  readonly folder: string;
  /** The file of pipelines, from there. */
  readonly file: string;
  /** How `slh` is called, in a shell's words. */
  readonly command: string;
}

export interface ExportedFile {
  readonly name: string;
  readonly text: string;
}

const FILES: Readonly<Record<ExportTarget, (exported: Exported) => readonly ExportedFile[]>> = {
  cron: cronFiles,
  systemd: systemdFiles,
  dagster: dagsterFiles,
  airflow: airflowFiles,
};

/**
 * A pipeline for another scheduler or orchestrator, which calls `slh`.
 *
 * @param path of the file of pipelines.
 * @throws LakehouseError INVALID_ARGUMENT for cron and systemd where nothing begins runs of the pipeline
 */
export function exportPipeline(
  pipeline: PipelineDefinition,
  to: ExportTarget,
  { path, command = "slh" }: { readonly path: string; readonly command?: string | undefined },
): readonly ExportedFile[] {
  if ((to === "cron" || to === "systemd") && pipeline.triggers.length === 0)
    throw invalidArgument(
      pipeline.name,
      `${pipeline.name} has nothing that begins its runs, so that ${to} would have nothing to do.`,
      'Give it triggers, as in triggers: [schedule("0 6 * * *")].',
    );
  const folder = dirname(path);
  return FILES[to]({ pipeline, folder, file: relative(folder, path), command });
}
