import { relative } from "node:path";
import { columns, count, duration, ink, ProgressLine, printJson } from "sololakehouse/terminal";
import type { Project } from "../../milestones/index.js";
import { recordedIn } from "../file/recorded.js";
import { readNotebook } from "../file/store.js";
import { ensureBuilt } from "../fresh/build.js";
import { notebookStatus } from "../fresh/freshness.js";
import { currentFingerprint, type NotebookPlace, onStackPlace } from "../fresh/place.js";
import { onStack } from "../fresh/stack-freshness.js";
import { type Execution, executeNotebook, refreshText, saveExecuted } from "../run/execute.js";
import type { RunProgress } from "../run/runner.js";

export interface RunFlags {
  /** Where it runs: on the services of `slh stack`; as the environment says where not given. */
  readonly profile?: "stack" | undefined;
  readonly all?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly save?: boolean | undefined;
  readonly volatile?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** A notebook to run, and how it is called. */
export interface Target {
  /** `m03`, or the path of a notebook of one's own. */
  readonly id: string;
  readonly slug: string;
  readonly place: NotebookPlace;
}

interface Row {
  readonly milestone: string;
  readonly slug: string;
  readonly outcome: "ok" | "failed" | "fresh";
  readonly cells: number;
  readonly milliseconds: number;
  readonly facts: number;
  readonly failure?: Execution["run"]["failure"] | undefined;
}

/**
 * Runs notebooks one after the other: they share one lakehouse; on the stack each has its own.
 *
 * @returns the exit code: 1 when a cell failed, 130 when the run was stopped.
 */
export async function runCommand(
  project: Project,
  targets: readonly Target[],
  flags: RunFlags & { readonly named: boolean },
): Promise<number> {
  const progress = new ProgressLine();
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, interrupt);
  const rows: Row[] = [];
  try {
    for (const target of targets) {
      const row = await runOne(project, target, flags, progress, stop.signal);
      if (!row) continue;
      rows.push(row);
      if (!flags.json) print(row, project, target.place, flags);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    progress.clear();
    console.error("Stopped. Outputs are those of the runs before.");
    return 130;
  } finally {
    progress.clear();
    for (const signal of signals) process.off(signal, interrupt);
  }
  if (flags.json) printJson(rows);
  else if (rows.length === 0) console.log("There is no notebook to run.");
  return rows.some(({ outcome }) => outcome === "failed") ? 1 : 0;
}

async function runOne(
  project: Project,
  { id, slug, place }: Target,
  flags: RunFlags & { readonly named: boolean },
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<Row | undefined> {
  const source = await readNotebook(place.source);
  // A milestone without a notebook is an error only when it was asked for by name.
  if (!source && !flags.named) return undefined;
  const known = { milestone: id, slug };
  const isOnStack = flags.profile === "stack";
  const shown = isOnStack ? onStackPlace(place, project) : place;
  if (!flags.all && !flags.force && (await isFresh(place, isOnStack))) {
    if (!isOnStack) await refreshText(place);
    if (!isOnStack && flags.save) await saveExecuted(place, flags.volatile);
    return { ...known, outcome: "fresh", ...(await recordedNumbers(shown)) };
  }
  if (source) {
    progress.update(`${id}  checking the build`);
    await ensureBuilt(project.root, Object.keys(currentFingerprint(place, source).library));
  }
  const { ticking, onProgress } = ticker(id, progress);
  try {
    const { save = false, volatile = false } = flags;
    const options = { onProgress, signal, save, volatile };
    const execution = isOnStack
      ? await (await import("../run/execute-on-stack.js")).executeOnStack(project, place, options)
      : await executeNotebook(place, options);
    const { run, cells, milliseconds, facts } = execution;
    return {
      ...known,
      outcome: run.status,
      cells,
      milliseconds: Math.round(milliseconds),
      facts,
      failure: run.failure,
    };
  } finally {
    clearInterval(ticking);
    progress.clear();
  }
}

async function isFresh(place: NotebookPlace, isOnStack: boolean): Promise<boolean> {
  const { state } = isOnStack ? await onStack(place) : (await notebookStatus(place)).machine;
  return state === "fresh";
}

/** On a terminal the seconds go on while a cell takes its time. */
function ticker(id: string, progress: ProgressLine) {
  const started = performance.now();
  let step = `${id}  starting the kernel`;
  const show = () => progress.update(step, duration(performance.now() - started));
  const ticking = setInterval(() => process.stderr.isTTY && show(), 200);
  const onProgress = (event: RunProgress) => {
    if (event.type === "cell") step = `${id}  cell ${event.number} of ${event.of}`;
    show();
  };
  return { ticking, onProgress };
}

async function recordedNumbers(place: NotebookPlace) {
  const executed = await readNotebook(place.executed);
  if (!executed) return { cells: 0, milliseconds: 0, facts: 0 };
  const { run, facts } = recordedIn(executed, place.executed);
  const cells = executed.cells.filter(({ execution_count }) => typeof execution_count === "number").length;
  return { cells, milliseconds: run?.milliseconds ?? 0, facts: facts.size };
}

function print(row: Row, project: Project, place: NotebookPlace, { profile }: RunFlags): void {
  const mark = { ok: ink("✔", "green"), failed: ink("✖", "red"), fresh: ink("·", "grey") }[row.outcome];
  const numbers = [count(row.cells, "cell"), duration(row.milliseconds), count(row.facts, "fact")];
  const told = row.outcome === "fresh" ? ["fresh, not run again", "", ""] : numbers;
  const [text = ""] = columns(
    [[mark, row.milestone, row.slug.padEnd(20), ...told.map((text) => text.padStart(9))]],
    "<<<>>>",
  );
  console.log(text.trimEnd());
  const { failure } = row;
  if (!failure) return;
  const line = failure.line === undefined ? "" : `, line ${failure.line}`;
  const { executed } = profile === "stack" ? onStackPlace(place, project) : place;
  console.error(`
${relative(project.root, place.source)}, cell [${failure.cell.executionCount}] (${failure.cell.id})${line}
${ink(`${failure.name}: ${failure.message}`, "red", process.stderr)}
What it printed and the whole trace: ${relative(project.root, executed)}
Correct the cell, then: npx slh run ${row.milestone}${profile === undefined ? "" : ` --profile ${profile}`}
`);
}
