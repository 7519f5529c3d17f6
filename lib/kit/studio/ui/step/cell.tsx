/// <reference lib="dom" />
import { useEffect, useState } from "preact/hooks";
import { counted, seconds } from "../base/figures.js";
import { Icon } from "../base/icons.js";
import { useWatched } from "../base/watched.js";
import type { StudioCell } from "../notebook/cell.js";
import { useStudio } from "../notebook/studio.js";
import { Outputs } from "../outputs/outputs.js";
import { Code } from "./code.js";
import { commandKey, enter, goTo, runInPlace } from "./keys.js";
import { PredictCard } from "./predict.js";
import { Text } from "./text.js";

/** A cell of the notebook. In command mode the keyboard is on it, and its keys are Jupyter's. */
export function CellView({ cell, number }: { readonly cell: StudioCell; readonly number: number }) {
  const studio = useStudio();
  const { notebook } = studio;
  const type = useWatched(cell.type);
  const isSelected = useWatched(notebook.selected) === cell.id;
  const mode = useWatched(notebook.mode);
  const { kind } = useWatched(cell.run);
  const name = `cell ${number}`;
  const classes = ["cell", type, isSelected ? "selected" : "", isSelected ? mode : "", `is-${kind}`];
  return (
    <section
      class={classes.filter(Boolean).join(" ")}
      data-cell={cell.id}
      aria-label={`${type === "code" ? "Code" : "Text"}, ${name}`}
      tabIndex={isSelected ? 0 : -1}
      onFocus={({ target, currentTarget }) => {
        notebook.selected.value = cell.id;
        if (target === currentTarget) notebook.mode.value = "command";
      }}
      onKeyDown={(event) => {
        if (event.target === event.currentTarget && commandKey(studio, cell, event)) event.preventDefault();
      }}
      onDblClick={({ target }) => {
        if ((target as HTMLElement).closest(".prose") && !cell.isCode) enter(studio, cell);
      }}
      onClick={({ target, currentTarget }) => {
        const isText = (target as HTMLElement).closest("a, button, input, summary, .cm-editor, iframe");
        if (!isText && getSelection()?.isCollapsed) {
          notebook.selected.value = cell.id;
          (currentTarget as HTMLElement).focus({ preventScroll: true });
        }
      }}
    >
      {type === "code" ? <CodeCell cell={cell} name={name} /> : <Text cell={cell} name={name} />}
    </section>
  );
}

function CodeCell({ cell, name }: { readonly cell: StudioCell; readonly name: string }) {
  const studio = useStudio();
  const isOpen = useWatched(cell.isOpen);
  const outputs = useWatched(cell.outputs);
  const { folds } = cell;
  return (
    <>
      <div class="gutter">
        <RunButton cell={cell} name={name} />
      </div>
      <div class="body">
        {folds && (
          <button
            type="button"
            class="fold"
            aria-expanded={isOpen}
            onClick={() => {
              cell.isOpen.value = !isOpen;
              goTo(studio, cell);
            }}
          >
            {summary(cell)}
          </button>
        )}
        {(!folds || isOpen) && <Code cell={cell} name={name} />}
        <Problems cell={cell} />
        <Standing cell={cell} />
        {outputs.length > 0 && cell.isPrediction && <PredictCard cell={cell} />}
        <Outputs cell={cell} />
      </div>
    </>
  );
}

/** The one line under which a cell's code is folded, as on the site. */
function summary(cell: StudioCell): string {
  if (cell.solutionOf) return `Solution of ${cell.solutionOf}`;
  if (cell.isPrediction) return "The question's code, with its answer";
  const lines = cell.source.value.trim().split("\n");
  const said = /^\/\/ (.+)/.exec(lines[0] ?? "")?.[1] ?? "Code";
  return `${said}, ${counted(lines.length, "line")}`;
}

function RunButton({ cell, name }: { readonly cell: StudioCell; readonly name: string }) {
  const studio = useStudio();
  const { kind } = useWatched(cell.run);
  const count = useWatched(cell.count);
  const isRunning = kind === "running" || kind === "queued";
  return (
    <>
      <button
        type="button"
        class="run"
        tabIndex={-1}
        aria-label={isRunning ? `Interrupt ${name}` : `Run ${name}`}
        onClick={() => (isRunning ? void studio.runner.interrupt() : runInPlace(studio, cell))}
      >
        <Icon name={isRunning ? "stop" : "run"} size={14} />
      </button>
      <span class={`count ${kind}`}>{isRunning ? "[*]" : count === null ? "[ ]" : `[${count}]`}</span>
    </>
  );
}

/** What TypeScript says of the cell before it runs. */
function Problems({ cell }: { readonly cell: StudioCell }) {
  const errors = useWatched(cell.diagnostics).filter(({ severity }) => severity === "error");
  if (errors.length === 0) return null;
  const line = (offset: number) => cell.source.value.slice(0, offset).split("\n").length;
  return (
    <ul class="problems" aria-label="Type errors">
      {errors.slice(0, 3).map(({ from, message, code }, index) => (
        <li key={index}>
          <span class="where">line {line(from)}</span> {message} <span class="code">TS{code}</span>
        </li>
      ))}
      {errors.length > 3 && <li>{counted(errors.length - 3, "more error", "more errors")}</li>}
    </ul>
  );
}

/** How long a cell has been at it, once that is worth saying; and how it ended, where that was long or bad. */
export function Standing({ cell }: { readonly cell: StudioCell }) {
  const run = useWatched(cell.run);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (run.kind !== "running") return undefined;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [run]);
  if (run.kind === "running") {
    const passed = now - run.since;
    return (
      <div class="standing running">
        <span class="bar" aria-hidden="true" />
        <span>{passed < 1000 ? "running" : `running for ${seconds(passed)}`}</span>
      </div>
    );
  }
  if (run.kind === "queued") return <p class="standing">waits for its turn</p>;
  if (run.kind === "aborted") return <p class="standing failed">stopped</p>;
  if (run.kind === "failed") return <p class="standing failed">failed after {seconds(run.milliseconds)}</p>;
  if (run.kind === "ok" && run.milliseconds >= 1000)
    return <p class="standing ok">{seconds(run.milliseconds)}</p>;
  return null;
}
