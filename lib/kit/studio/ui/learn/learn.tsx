import { useState } from "preact/hooks";
import type { MilestoneSummary } from "../../contract.js";
import { counted } from "../base/figures.js";
import { Icon } from "../base/icons.js";
import { showNotebook } from "../base/place.js";
import { useWatched } from "../base/watched.js";
import { Drill } from "../drill/drill.js";
import type { StudioCell } from "../notebook/cell.js";
import { recordIn } from "../notebook/records.js";
import { useStudio } from "../notebook/studio.js";
import { goTo } from "../step/keys.js";
import { rightLetter } from "../step/predict.js";
import { Bench } from "./bench.js";
import { type Exercise, exercisesOf } from "./exercises.js";

/** What there is to learn in this milestone, and how far the reader is in all of them. */
export function Learn({ milestones }: { readonly milestones: readonly MilestoneSummary[] }) {
  const studio = useStudio();
  const cells = useWatched(studio.notebook.cells);
  const progress = useWatched(studio.progress.state);
  const questions = cells.filter((cell) => cell.isPrediction && recordIn(cell.outputs.value, "predict"));
  const exercises = exercisesOf(cells);
  const small = exercises.filter(({ isSmall }) => isSmall);
  const others = exercises.filter(({ isSmall }) => !isSmall);
  const code = cells.filter((cell) => cell.isCode && !cell.folds);
  const ran = code.filter(({ id }) => progress.ran.includes(id)).length;
  return (
    <div class="learn">
      <Meter label="Cells you have run" done={ran} of={code.length} />
      <section>
        <h3>Predictions</h3>
        {questions.length === 0 && <p class="none">This notebook asks for none.</p>}
        <ol class="list">
          {questions.map((cell) => (
            <Question key={cell.id} cell={cell} />
          ))}
        </ol>
      </section>
      {small.length > 0 && (
        <section>
          <h3>Build it small</h3>
          <p class="none">
            A small lakehouse of your own, through all milestones. A step that needs an earlier one uses its
            solution.
          </p>
          <Exercises list={small} />
        </section>
      )}
      <section>
        <h3>Exercises</h3>
        {others.length === 0 && (
          <p class="none">This notebook has none{small.length > 0 ? " besides" : ""}.</p>
        )}
        <Exercises list={others} />
      </section>
      <Drill />
      <Overview milestones={milestones} />
    </div>
  );
}

/** Exercises, of which one at a time is open to be written. */
function Exercises({ list }: { readonly list: readonly Exercise[] }) {
  const studio = useStudio();
  const progress = useWatched(studio.progress.state);
  const [open, setOpen] = useState("");
  return (
    <ol class="list">
      {list.map((exercise) => {
        const { name } = exercise;
        const state = progress.exercises[name] ?? "open";
        return (
          <li key={exercise.check.id}>
            <button
              type="button"
              aria-expanded={open === name}
              onClick={() => setOpen(open === name ? "" : name)}
            >
              <span class={`mark ${state}`}>{state === "solved" && <Icon name="check" size={14} />}</span>
              <span class="what">
                <code>{name}</code>
              </span>
              <span class={`verdict ${state}`}>
                {state === "solved" ? "solved" : state === "failing" ? "not yet" : "not begun"}
              </span>
            </button>
            {open === name && <Bench exercise={exercise} />}
          </li>
        );
      })}
    </ol>
  );
}

function Question({ cell }: { readonly cell: StudioCell }) {
  const studio = useStudio();
  const { predictions } = useWatched(studio.progress.state);
  const record = recordIn(cell.outputs.value, "predict");
  if (!record) return null;
  const given = predictions[cell.id]?.choice;
  const right = rightLetter(record);
  const state =
    given === undefined
      ? "open"
      : given === "skipped"
        ? "skipped"
        : right === undefined
          ? "answered"
          : given === right
            ? "right"
            : "wrong";
  return (
    <li>
      <button
        type="button"
        onClick={() => {
          showNotebook();
          goTo(studio, cell);
        }}
      >
        <span class={`mark ${state}`}>
          {state === "right" && <Icon name="check" size={14} />}
          {state === "wrong" && <Icon name="close" size={14} />}
        </span>
        <span class="what">{record.question.replaceAll("`", "")}</span>
        <span class={`verdict ${state}`}>{state === "open" ? "" : state}</span>
      </button>
    </li>
  );
}

function Meter({ label, done, of }: { readonly label: string; readonly done: number; readonly of: number }) {
  return (
    <div class="meter">
      <p>
        <span>{label}</span>
        <span class="figure">
          {done} of {of}
        </span>
      </p>
      <progress value={done} max={Math.max(1, of)} aria-label={label} />
    </div>
  );
}

/** How far the reader is in all milestones, by what is kept on this machine. */
function Overview({ milestones }: { readonly milestones: readonly MilestoneSummary[] }) {
  const studio = useStudio();
  const own = useWatched(studio.progress.state);
  return (
    <section>
      <h3>All milestones</h3>
      <ul class="list overview">
        {milestones
          .filter(({ hasNotebook }) => hasNotebook)
          .map(({ id, label, title, progress: stored }) => {
            const progress = id === studio.notebook.milestone.id ? own : stored;
            const predictions = Object.keys(progress.predictions).length;
            const solved = Object.values(progress.exercises).filter((state) => state === "solved").length;
            const words = [
              ...(progress.ran.length > 0 ? [`${counted(progress.ran.length, "cell")} run`] : []),
              ...(predictions > 0 ? [counted(predictions, "prediction")] : []),
              ...(solved > 0 ? [`${solved} solved`] : []),
            ];
            return (
              <li key={id}>
                <a href={`#/${id}`} aria-current={id === studio.notebook.milestone.id ? "true" : undefined}>
                  <span class="num">{/^M\d+$/.test(label) ? label : "·"}</span>
                  <span class="what">{title}</span>
                  <span class="verdict">{words.join(", ")}</span>
                </a>
              </li>
            );
          })}
      </ul>
    </section>
  );
}
