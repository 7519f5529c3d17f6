import type { EditorView } from "@codemirror/view";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { markdownHtml } from "../base/markdown.js";
import { showNotebook } from "../base/place.js";
import { useWatched } from "../base/watched.js";
import { Editor } from "../editor/editor.js";
import { languageTools, showDiagnostics } from "../editor/language.js";
import { codeHtml } from "../editor/static.js";
import type { StudioCell } from "../notebook/cell.js";
import { useStudio } from "../notebook/studio.js";
import { Outputs } from "../outputs/outputs.js";
import { Standing } from "../step/cell.js";
import { goTo } from "../step/keys.js";
import { type Exercise, lastSection } from "./exercises.js";

/**
 * Where an exercise is written: what it asks for, its code, what tests it, and a solution for whoever wants to see one. The code
 * is the cell's own, so that the notebook shows the same.
 */
export function Bench({ exercise }: { readonly exercise: Exercise }) {
  const studio = useStudio();
  const { notebook, runner } = studio;
  const { name, text, starter, check, solution } = exercise;
  const view = useRef<EditorView | undefined>(undefined);
  const starts = useWatched(starter.run).kind;
  const checks = useWatched(check.run).kind;
  const asked = useWatched(runner.asked);
  const isBusy = [starts, checks].some((kind) => kind === "running" || kind === "queued");
  const { title, body } = useMemo(() => lastSection(text?.source.value ?? ""), [text]);
  const tools = useMemo(() => languageTools(notebook, starter), [notebook, starter]);
  const keys = useMemo(() => {
    const tryOut = () => {
      runner.tryOut(starter, check);
      return true;
    };
    return [
      { key: "Mod-Enter", run: tryOut },
      { key: "Shift-Enter", run: tryOut },
      {
        key: "Mod-s",
        run: () => {
          void notebook.saveNow();
          return true;
        },
      },
    ];
  }, [notebook, runner, starter, check]);
  useEffect(
    () =>
      starter.diagnostics.watch(
        () => view.current && showDiagnostics(view.current, starter.diagnostics.value),
      ),
    [starter],
  );
  const show = (cell: StudioCell | undefined) => {
    showNotebook();
    goTo(studio, cell);
  };
  return (
    <div class="bench">
      {title && <h4>{title}</h4>}
      {body.trim() && <div class="prose" dangerouslySetInnerHTML={{ __html: markdownHtml(body) }} />}
      <Editor
        source={starter.source}
        language="typescript"
        label={`Your code for ${name}`}
        keys={keys}
        extensions={tools}
        inTabOrder
        onView={(now) => {
          view.current = now;
          if (now) showDiagnostics(now, starter.diagnostics.value);
        }}
      />
      <p class="actions">
        <button
          type="button"
          class="main"
          disabled={isBusy}
          title="Run what has not run above it, the code and its check (Ctrl Enter)"
          onClick={() => runner.tryOut(starter, check)}
        >
          Check
        </button>
        <button type="button" class="quiet" onClick={() => show(starter)}>
          Show in the notebook
        </button>
      </p>
      {asked && (
        <p class="actions" role="status">
          <span>A cell above waits for your prediction.</span>
          <button type="button" onClick={() => show(notebook.cell(asked))}>
            Predict
          </button>
        </p>
      )}
      <Standing cell={isBusy && starts !== "ok" ? starter : check} />
      {starts === "failed" && <Outputs cell={starter} />}
      <Outputs cell={check} />
      <Fold title="What is tested" code={check.source.value} />
      {solution && <Fold title="Show a solution" code={solution.source.value} />}
    </div>
  );
}

function Fold({ title, code }: { readonly title: string; readonly code: string }) {
  return (
    <details>
      <summary>{title}</summary>
      <pre class="still" dangerouslySetInnerHTML={{ __html: codeHtml(code) }} />
    </details>
  );
}
