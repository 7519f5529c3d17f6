import { existsSync } from "node:fs";
import type { Lakehouse } from "sololakehouse";
import { columns, type Ink, ink, printJson } from "sololakehouse/terminal";
import { contentDone } from "../content/index.js";
import {
  type DoneCheck,
  type DoneItem,
  findProject,
  listMilestones,
  type Milestone,
  type Project,
  selectMilestones,
} from "../milestones/index.js";
import {
  type FreshnessState,
  type NotebookPlace,
  type NotebookStatus,
  notebookDone,
  notebookStatus,
  placeOf,
  readRecorded,
  steadily,
} from "../notebook/index.js";

/** Every room that looks after pieces of a milestone computes their lines. */
const CHECKS: readonly DoneCheck[] = [notebookDone, contentDone];

/** What the last run on this machine recorded. */
interface Recorded {
  readonly cells: number;
  readonly facts: number;
  readonly milliseconds: number;
}

interface MilestoneStatus {
  readonly milestone: Milestone;
  readonly notebook: NotebookStatus;
  readonly recorded: Recorded | undefined;
  /** The Definition of Done, line by line; none for a milestone that is not started. */
  readonly done: readonly DoneItem[];
}

async function milestoneStatus(milestone: Milestone, project: Project): Promise<MilestoneStatus> {
  const place = placeOf(milestone, project);
  const notebook = await notebookStatus(place);
  if (notebook.machine.state === "not started") return { milestone, notebook, recorded: undefined, done: [] };
  const done = await Promise.all(CHECKS.map((check) => check(milestone, project)));
  return { milestone, notebook, recorded: await recordedIn(place), done: done.flat() };
}

async function recordedIn({ executed }: NotebookPlace): Promise<Recorded | undefined> {
  if (!existsSync(executed)) return undefined;
  const { cells, facts, run } = await readRecorded(executed);
  return {
    cells: cells.filter(({ ref }) => ref.executionCount !== null).length,
    facts: facts.size,
    milliseconds: run?.milliseconds ?? 0,
  };
}

/** Prints the state of milestones: those that are named with their whole Definition of Done. */
export async function reportStatus(words: readonly string[], json: boolean): Promise<void> {
  const project = findProject();
  const all = await listMilestones(project);
  const chosen = words.length > 0 ? selectMilestones(all, words) : all;
  const statuses: MilestoneStatus[] = [];
  await steadily(async () => {
    for (const milestone of chosen) statuses.push(await milestoneStatus(milestone, project));
  });
  if (json) printJson(statuses.map(asJson));
  else if (words.length > 0) for (const status of statuses) printChecklist(status);
  else {
    printOverview(statuses);
    await printUpkeep();
  }
}

const asJson = ({ milestone, notebook, recorded, done }: MilestoneStatus) => ({
  id: milestone.id,
  slug: milestone.slug,
  title: milestone.title,
  machine: notebook.machine,
  committed: notebook.committed,
  recorded,
  done,
});

const COLOURS: Readonly<Record<FreshnessState, Ink>> = {
  fresh: "green",
  stale: "amber",
  missing: "amber",
  failed: "red",
  "not started": "grey",
};

function printOverview(statuses: readonly MilestoneStatus[]): void {
  const rows = statuses.map(({ milestone, notebook: { machine }, done }) => [
    milestone.id,
    milestone.slug,
    ink(machine.state, COLOURS[machine.state]),
    done.length > 0 ? `${done.filter((item) => item.done).length} of ${done.length} done` : "",
    machine.reasons[0] ?? "",
    machine.reasons.length > 1 ? ink(`and ${machine.reasons.length - 1} more`, "grey") : "",
  ]);
  for (const line of columns(rows, "<<<><<")) console.log(line);
}

/** The tables that want upkeep; nothing where there is no lakehouse. */
async function printUpkeep(): Promise<void> {
  const { isLakehouseError, openLakehouse } = await import("sololakehouse");
  const { wantedUpkeep } = await import("sololakehouse/maintenance");
  let lake: Lakehouse;
  try {
    lake = await openLakehouse({ create: false });
  } catch (error) {
    // There is none, or it does not open: then a command that needs it says why.
    if (isLakehouseError(error)) return;
    throw error;
  }
  try {
    // What is elsewhere may not answer, and this is no command to wait in.
    if (lake.profile.name !== "embedded") return;
    const rows: string[][] = [];
    for (const { namespace, name } of await lake.tables()) {
      const table = await lake.table({ namespace, name });
      const wants = await wantedUpkeep(table);
      if (wants.length > 0) rows.push([ink(table.name, "bold"), wants.join(", ")]);
    }
    if (rows.length === 0) return;
    console.log(ink("\ntables that want upkeep, which slh maintain does", "grey"));
    for (const line of columns(rows, "<<")) console.log(line);
  } finally {
    await lake.close();
  }
}

/** Reasons that a checklist names. */
const REASONS = 8;

function printChecklist({ milestone, notebook: { machine, committed }, done }: MilestoneStatus): void {
  console.log(ink(`${milestone.id}  ${milestone.title}`, "bold"));
  if (machine.state === "not started") {
    console.log(`     ${ink(machine.state, COLOURS[machine.state])}\n`);
    return;
  }
  console.log(
    `     on this machine ${ink(machine.state, COLOURS[machine.state])}, as committed ${committed.state}`,
  );
  for (const [state, { reasons }] of Object.entries({
    "on this machine": machine,
    "as committed": committed,
  })) {
    for (const reason of reasons.slice(0, REASONS)) console.log(`     ${ink(`${state}: ${reason}`, "grey")}`);
    const more = reasons.length - REASONS;
    if (more > 0) console.log(`     ${ink(`${state}: and ${more} more; --json shows all`, "grey")}`);
  }
  const rows = done.map(({ piece, what, done: ok, why }) => [
    ok ? ink("✔", "green") : ink("✖", "red"),
    piece,
    what,
    why ? ink(why, "grey") : "",
  ]);
  for (const line of columns(rows, "<<<<")) console.log(`  ${line}`);
  console.log();
}
