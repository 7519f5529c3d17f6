/// <reference lib="dom" />
import { useMemo, useRef } from "preact/hooks";
import { markdownHtml } from "../base/markdown.js";
import { useWatched } from "../base/watched.js";
import { Editor } from "../editor/editor.js";
import type { StudioCell } from "../notebook/cell.js";
import { useStudio } from "../notebook/studio.js";
import { goTo } from "./keys.js";

/** A text of the notebook: as it reads, or while it is edited as it is written. */
export function Text({ cell, name }: { readonly cell: StudioCell; readonly name: string }) {
  const studio = useStudio();
  const { notebook } = studio;
  const source = useWatched(cell.source);
  const mode = useWatched(notebook.mode);
  const selected = useWatched(notebook.selected);
  const isEdited = mode === "edit" && selected === cell.id;
  const html = useMemo(
    () => markdownHtml(source, cell.attachments as Record<string, Record<string, string>> | undefined),
    [source],
  );
  const keys = useRef(
    ["Escape", "Shift-Enter", "Ctrl-Enter"].map((key) => ({
      key,
      run: () => {
        const next = key === "Shift-Enter" ? notebook.cells.value[notebook.index(cell.id) + 1] : undefined;
        goTo(studio, next ?? cell);
        return true;
      },
    })),
  );
  if (isEdited)
    return (
      <div class="body writing">
        <Editor
          source={cell.source}
          language="markdown"
          label={`Text of ${name}`}
          keys={keys.current}
          onView={(view) => view?.focus()}
        />
      </div>
    );
  return (
    <div
      class="body prose"
      dangerouslySetInnerHTML={{ __html: html || '<p class="empty">An empty text. Enter writes in it.</p>' }}
    />
  );
}
