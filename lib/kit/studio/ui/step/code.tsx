/// <reference lib="dom" />
import type { EditorView, KeyBinding } from "@codemirror/view";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useWatched } from "../base/watched.js";
import { Editor } from "../editor/editor.js";
import { languageTools, showDiagnostics } from "../editor/language.js";
import { codeHtml } from "../editor/static.js";
import type { StudioCell } from "../notebook/cell.js";
import { type Studio, useStudio } from "../notebook/studio.js";
import { goTo, runAndAdvance, runAndInsert, runInPlace } from "./keys.js";

/** Keys in a cell's text. */
export function textKeys(studio: Studio, cell: StudioCell): readonly KeyBinding[] {
  const run = (how: (studio: Studio, cell: StudioCell) => void) => () => {
    how(studio, cell);
    return true;
  };
  return [
    { key: "Shift-Enter", run: run(runAndAdvance) },
    { key: "Ctrl-Enter", mac: "Cmd-Enter", run: run(runInPlace) },
    { key: "Alt-Enter", run: run(runAndInsert) },
    {
      key: "Mod-s",
      run: () => {
        void studio.notebook.saveNow();
        return true;
      },
    },
  ];
}

/** The cell's code: an editor where it is near the screen, and else the same words without one. */
export function Code({ cell, name }: { readonly cell: StudioCell; readonly name: string }) {
  const studio = useStudio();
  const { notebook } = studio;
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | undefined>(undefined);
  const [isNear, setNear] = useState(false);
  const selected = useWatched(notebook.selected);
  const mode = useWatched(notebook.mode);
  const isEdited = mode === "edit" && selected === cell.id;
  useEffect(() => {
    if (isNear || !box.current) return undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) setNear(true);
      },
      { rootMargin: "600px" },
    );
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [isNear]);
  // Before the next frame: the keys that come until then are meant for the text, and on the cell they would be commands.
  useLayoutEffect(() => {
    if (isEdited) view.current?.focus();
  }, [isEdited]);
  useEffect(
    () => cell.diagnostics.watch(() => view.current && showDiagnostics(view.current, cell.diagnostics.value)),
    [cell],
  );
  const tools = useMemo(() => languageTools(notebook, cell), [cell]);
  const keys = useMemo<readonly KeyBinding[]>(
    () => [
      ...textKeys(studio, cell),
      {
        // After what Escape closes first: completions, and the like.
        key: "Escape",
        run: () => {
          goTo(studio, cell);
          return true;
        },
      },
    ],
    [studio, cell],
  );
  return (
    <div class="code" ref={box}>
      {isNear || isEdited ? (
        <Editor
          source={cell.source}
          language="typescript"
          label={`Code of ${name}`}
          keys={keys}
          extensions={tools}
          onFocus={() => {
            notebook.selected.value = cell.id;
            notebook.mode.value = "edit";
          }}
          onView={(now) => {
            view.current = now;
            if (!now) return;
            showDiagnostics(now, cell.diagnostics.value);
            if (isEdited) now.focus();
          }}
        />
      ) : (
        <pre class="still" dangerouslySetInnerHTML={{ __html: codeHtml(cell.source.value) }} />
      )}
    </div>
  );
}
