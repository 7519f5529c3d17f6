import type { DoneCheck, DoneItem } from "../milestones/index.js";
import { compareProfiles, profileProblems } from "./file/compare-profiles.js";
import { RECORD_MIME, recordedIn } from "./file/recorded.js";
import { readNotebook } from "./file/store.js";
import { type Freshness, notebookStatus } from "./fresh/freshness.js";
import { placeOf } from "./fresh/place.js";
import { onStack } from "./fresh/stack-freshness.js";

/** The notebook's lines of a milestone's Definition of Done. */
export const notebookDone: DoneCheck = async (milestone, project) => {
  if (!milestone.definitionOfDone.includes("notebook")) return [];
  const place = placeOf(milestone, project);
  const { machine, committed } = await notebookStatus(place);
  const ran = machine.run?.status === "ok";
  const here = (line: DoneItem): DoneItem => ({ ...line, here: true });
  const items: DoneItem[] = [
    here(
      item(
        "the notebook runs from top to bottom",
        ran,
        machine.state === "failed" ? first(machine) : first(machine, "not run here"),
      ),
    ),
    here(item("its outputs on this machine are fresh", machine.state === "fresh", first(machine))),
    item("its committed outputs are fresh", committed.state === "fresh", first(committed)),
  ];
  const stack = milestone.profiles.includes("stack") ? await onStack(place) : undefined;
  if (stack) items.push(item("its facts on the stack are fresh", stack.state === "fresh", first(stack)));
  const notebook = (await readNotebook(place.executed)) ?? (await readNotebook(place.source));
  if (!notebook) return items;

  const { facts, figures, checks } = recordedIn(notebook, place.executed);
  if (stack?.state === "fresh" && stack.recorded) {
    const compared = compareProfiles(facts, stack.recorded.facts, milestone.differs);
    const [problem] = profileProblems(compared, milestone.differs);
    items.push(item("both profiles record the same, where they have to", problem === undefined, problem));
  }
  const outputs = notebook.cells.flatMap((cell) => cell.outputs ?? []);
  const predictions = outputs.filter(
    (output) => "data" in output && RECORD_MIME.predict in output.data,
  ).length;
  const exercises = new Set(checks.map(({ name }) => name));
  const proven = new Set(checks.filter(({ state }) => state === "reference").map(({ name }) => name));
  const unproven = [...exercises].filter((name) => !proven.has(name));
  return [
    ...items,
    item("it records facts by name", facts.size > 0, "it has none"),
    item("it shows a chart", figures.size > 0, "it has none"),
    item("it asks for predictions", predictions > 0, "it has none"),
    ...(milestone.exercises === 0 && exercises.size === 0
      ? []
      : [
          item(
            `it has ${milestone.exercises} exercises or more, each with a solution that passes`,
            exercises.size >= milestone.exercises && unproven.length === 0,
            unproven.length > 0 ? `no solution for ${unproven.join(", ")}` : `it has ${exercises.size}`,
          ),
        ]),
  ];
};

const item = (what: string, done: boolean, why: string | undefined): DoneItem => ({
  piece: "notebook",
  what,
  done,
  why: done ? undefined : why,
});

/** The first reason, and how many more there are. */
function first({ reasons, state }: Pick<Freshness, "reasons" | "state">, otherwise: string = state): string {
  const [reason, ...more] = reasons;
  if (reason === undefined) return otherwise;
  return more.length > 0 ? `${reason} (and ${more.length} more)` : reason;
}
