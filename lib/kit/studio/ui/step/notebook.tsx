/// <reference lib="dom" />
import { useEffect } from "preact/hooks";
import { useWatched } from "../base/watched.js";
import { useStudio } from "../notebook/studio.js";
import { CellView } from "./cell.js";
import { Standing } from "./standing.js";
import { Toolbar } from "./toolbar.js";

/** The notebook: what can be done with it, and its cells. */
export function NotebookView() {
  const { notebook, runner, types } = useStudio();
  const cells = useWatched(notebook.cells);
  const asked = useWatched(runner.asked);
  useEffect(() => {
    types.soon(300);
    const stops = cells.map((cell) => cell.source.watch(() => types.soon()));
    return () => {
      for (const stop of stops) stop();
    };
  }, [cells]);
  useEffect(() => {
    if (!asked) return;
    const card = document.querySelector<HTMLElement>(`[data-cell="${CSS.escape(asked)}"]`);
    card?.scrollIntoView({ block: "center" });
    card?.querySelector<HTMLElement>("input")?.focus();
  }, [asked]);
  return (
    <div class="notebook">
      <Toolbar />
      <Standing />
      <div class="cells">
        {cells.map((cell, index) => (
          <CellView key={cell.id} cell={cell} number={index + 1} />
        ))}
      </div>
    </div>
  );
}
