import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { invalidConfig, nearNames } from "../../errors.js";
import { importModule } from "../../user-module.js";
import { isPipeline, type PipelineDefinition } from "../model/definition.js";

const FILES = ["ts", "mts", "mjs", "js", "cjs"].map((extension) => `slh.pipelines.${extension}`);

/** A file of pipelines, and those that it exports. */
export interface PipelineFile {
  readonly path: string;
  readonly pipelines: readonly PipelineDefinition[];
}

/**
 * The pipelines of a file: of `slh.pipelines.mjs` (`.js`, `.cjs`, `.ts`) in the working folder or above it, where none is named.
 *
 * @throws LakehouseError INVALID_CONFIG where there is none, or it does not load, or exports no pipeline.
 */
export async function loadPipelines(
  given: string | undefined,
  from: string = process.cwd(),
): Promise<PipelineFile> {
  const path = given === undefined ? findFile(from) : resolve(from, given);
  if (path === undefined)
    throw invalidConfig(
      "slh.pipelines.mjs",
      `There is no file of pipelines in ${from} or above it.`,
      "Write slh.pipelines.mjs, which exports what definePipeline makes, or name a file by --file.",
    );
  if (!existsSync(path))
    throw invalidConfig(path, `There is no file ${path}.`, "Name a module that exports pipelines.");
  const loaded = await importModule(path, (why, remedy, cause) => invalidConfig(path, why, remedy, cause));
  const byName = new Map<string, PipelineDefinition>();
  const exported = Object.values(loaded).flatMap((each) =>
    Array.isArray(each) || (each !== null && typeof each === "object" && !isPipeline(each))
      ? Object.values(each)
      : [each],
  );
  for (const each of exported.filter(isPipeline)) {
    const other = byName.get(each.name);
    if (other !== undefined && other !== each)
      throw invalidConfig(
        path,
        `${path} exports two pipelines of the name ${each.name}.`,
        "Call one of them another.",
      );
    byName.set(each.name, each);
  }
  if (byName.size === 0)
    throw invalidConfig(path, `${path} exports no pipeline.`, "Export what definePipeline makes.");
  return { path, pipelines: [...byName.values()] };
}

/** The one of a name; the only one where none is said. @throws LakehouseError INVALID_CONFIG */
export function pickPipeline(
  { path, pipelines }: PipelineFile,
  name: string | undefined,
): PipelineDefinition {
  const [only] = pipelines;
  if (name === undefined && only !== undefined && pipelines.length === 1) return only;
  const found = pipelines.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = pipelines.map((each) => each.name);
  const [near] = name === undefined ? [] : nearNames(name, names);
  throw invalidConfig(
    path,
    name === undefined
      ? `${path} has several pipelines.`
      : `${path} has no pipeline ${JSON.stringify(name)}.`,
    near === undefined ? `Name one of ${names.join(", ")}.` : `Did you mean ${near}?`,
  );
}

function findFile(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = FILES.map((name) => join(folder, name)).filter((path) => existsSync(path));
    const [path, second] = found;
    if (path !== undefined && second !== undefined)
      throw invalidConfig(
        path,
        `There are two files of pipelines, ${path} and ${second}.`,
        "Keep one of them.",
      );
    if (path !== undefined || dirname(folder) === folder) return path;
  }
}
