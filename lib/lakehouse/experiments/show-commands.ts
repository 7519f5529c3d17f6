import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { invalidArgument } from "../errors.js";
import { byteSize, columns, count, ink, printJson, printLine } from "../terminal/index.js";
import { importModule } from "../user-module.js";
import type { ListFlags, ReproduceFlags, ShowFlags } from "./commands.js";
import { noSuchRun, notReproducible } from "./errors.js";
import { Experiments, type ExperimentsContext, type RunWork } from "./experiments.js";
import { TAGS } from "./facts.js";
import type { Run } from "./model.js";

/** Runs that are looked through for one whose id begins so. */
const SEARCHED = 10_000;

/** What `slh experiments list` does. */
export async function listCommand(
  context: ExperimentsContext,
  experiment: string | undefined,
  { limit, json }: ListFlags,
): Promise<void> {
  await withExperiments(context, async (experiments) => {
    if (experiment === undefined) {
      const found = await experiments.list();
      if (json) return printJson(found as never);
      for (const { name } of found) printLine(name);
      if (found.length === 0) printLine("There are no experiments yet.");
      return undefined;
    }
    const runs = await experiments.runs(experiment, { limit });
    if (json) return printJson(runs.map(plain) as never);
    const lines = runs.map((run) => [
      run.id.slice(0, 8),
      run.status,
      run.startedAt.toISOString().slice(0, 19).replace("T", " "),
      run.name,
      metricsOf(run).slice(0, 4).join(" "),
    ]);
    for (const line of columns(lines, "<<<<<")) printLine(line);
    if (lines.length === 0) printLine(`There is no run of an experiment ${experiment}.`);
    return undefined;
  });
}

/** What `slh experiments show` does. */
export async function showCommand(
  context: ExperimentsContext,
  id: string,
  { json }: ShowFlags,
): Promise<void> {
  await withExperiments(context, async (experiments) => {
    const run = await runBy(experiments, id);
    const files = await experiments.artifacts({ run: run.id });
    if (json) return printJson({ ...plain(run), artifacts: files } as never);
    printLine(`${ink(run.name, "bold")}  ${run.status}`);
    const pairs: (readonly [string, string])[] = [
      ["run", run.id],
      ["started", run.startedAt.toISOString()],
      ["ended", run.endedAt?.toISOString() ?? ""],
      ["code", run.tags[TAGS.code] ?? ""],
      ["commit", run.tags[TAGS.commit] ?? ""],
      ...Object.entries(run.params).map(([key, value]) => [`param ${key}`, value] as const),
      ...Object.values(run.metrics).map(({ key, value }) => [`metric ${key}`, String(value)] as const),
      ...run.inputs.map(({ name, digest }) => ["data", `${name} ${digest}`] as const),
      ...run.models.map((model) => ["model", model] as const),
      ...files.map(({ path, size }) => ["file", `${path} (${byteSize(size)})`] as const),
    ];
    const said = pairs.filter(([, value]) => value !== "").map((pair) => [...pair]);
    for (const line of columns(said, "<<")) printLine(`  ${line}`);
    return undefined;
  });
}

/** What `slh reproduce` does. */
export async function reproduceCommand(
  context: ExperimentsContext,
  id: string,
  { task, json }: ReproduceFlags,
  signal: AbortSignal,
): Promise<void> {
  await withExperiments(context, async (experiments) => {
    const run = await runBy(experiments, id);
    const work = await functionOf(run, task ?? run.tags[TAGS.task]);
    const made = await experiments.reproduce(run.id, work, { signal });
    if (!made.same) process.exitCode = 1;
    const { code, metrics, models, same } = made;
    if (json) {
      const said = metrics.map((each) => ({ ...each, was: inJson(each.was), is: inJson(each.is) }));
      return printJson({ of: made.of.id, run: made.run.id, same, code, metrics: said, models } as never);
    }
    const rows = [
      ...metrics.map(({ key, step, was, is, same: isSame }) => [
        mark(isSame),
        isSame || step === 0 ? key : `${key}, step ${step}`,
        String(was ?? "none"),
        String(is ?? "none"),
      ]),
      ...models.map(({ name, was, is, same: isSame }) => [
        mark(isSame),
        `model ${name}`,
        (was ?? "none").slice(0, 12),
        (is ?? "none").slice(0, 12),
      ]),
    ];
    for (const line of columns([["", "", "was", "is"], ...rows], "<<<<")) printLine(line);
    if (code.was !== code.is)
      printLine(`The code was ${code.was ?? "in no repository"}, and is ${code.is ?? "in no repository"}.`);
    printLine(
      rows.length === 0
        ? "There is no metric and no model to compare."
        : same
          ? `The same: ${count(metrics.length, "metric")}, ${count(models.length, "model")}.`
          : "Not the same.",
    );
    return undefined;
  });
}

const mark = (isSame: boolean) => (isSame ? ink("same", "green") : ink("differs", "red"));

async function withExperiments(
  context: ExperimentsContext,
  work: (experiments: Experiments) => Promise<void>,
): Promise<void> {
  const experiments = new Experiments(context);
  try {
    await work(experiments);
  } finally {
    await experiments.close();
  }
}

async function runBy(experiments: Experiments, id: string): Promise<Run> {
  if (/^[0-9a-f]{32}$/.test(id)) return experiments.get(id);
  if (id === "latest") return latestOf(experiments);
  const found: Run[] = [];
  for (const { name } of await experiments.list())
    found.push(...(await experiments.runs(name, { limit: SEARCHED })).filter((run) => run.id.startsWith(id)));
  const [run, second] = found;
  if (run === undefined)
    throw noSuchRun(id, `There is no run ${id}.`, "List the runs, by slh experiments list <experiment>.");
  if (second !== undefined)
    throw invalidArgument(
      id,
      `There are ${found.length} runs whose id begins with ${id}.`,
      "Write more of it.",
    );
  return run;
}

async function latestOf(experiments: Experiments): Promise<Run> {
  const names = (await experiments.list()).map(({ name }) => name);
  const newest = (await Promise.all(names.map((name) => experiments.runs(name, { limit: 1 })))).flat();
  const [run] = newest.sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  if (run === undefined) throw noSuchRun("latest", "There is no run.", "Make one, by lake.experiments.run.");
  return run;
}

async function functionOf({ id }: Run, task: string | undefined): Promise<RunWork> {
  const [, path, name] = /^(.+)#([\w$]+)$/.exec(task ?? "") ?? [];
  if (path === undefined || name === undefined)
    throw notReproducible(
      id,
      task === undefined
        ? `The run ${id} does not say by which function it was made.`
        : `${task} names no function.`,
      "Name it, by --task <module>#<export>.",
    );
  const file = resolve(path);
  if (!existsSync(file))
    throw notReproducible(
      id,
      `The module ${path} of the run's function is not there.`,
      "Go to the folder that the path is relative to, or name the module by --task.",
    );
  const module = await importModule(file, (why, remedy, cause) => notReproducible(id, why, remedy, cause));
  const found = module[name];
  if (typeof found !== "function")
    throw notReproducible(id, `${path} exports no function ${name}.`, "Name another, by --task.");
  return found as RunWork;
}

function metricsOf({ metrics }: Run): string[] {
  return Object.values(metrics).map(({ key, value }) => `${key}=${Number(value.toPrecision(5))}`);
}

/** As JSON has it: what is no number or infinite, as text. */
const inJson = (value: number | undefined): number | string | undefined =>
  value === undefined || Number.isFinite(value) ? value : String(value);

function plain(run: Run): Record<string, unknown> {
  const metrics = Object.values(run.metrics).map(({ key, value, step }) => [
    key,
    { value: inJson(value), step },
  ]);
  return {
    ...run,
    startedAt: run.startedAt.toISOString(),
    endedAt: run.endedAt?.toISOString(),
    metrics: Object.fromEntries(metrics),
  };
}
