/// <reference lib="dom" />
import { Watched } from "../base/watched.js";
import type { StudioCell } from "../notebook/cell.js";
import type { Studio } from "../notebook/studio.js";

/** Whether the list of shortcuts is shown. */
export const helpShown = new Watched(false);

/** The shortcuts, as the list of them says. The handlers below are held to it by the browser test. */
export const SHORTCUTS: readonly (readonly [
  title: string,
  readonly (readonly [keys: string, does: string])[],
])[] = [
  [
    "Anywhere in the notebook",
    [
      ["Shift Enter", "Run the cell, and go to the next"],
      ["Ctrl Enter", "Run the cell"],
      ["Alt Enter", "Run the cell, and add one below"],
      ["Ctrl S", "Save the working copy now (it saves itself)"],
    ],
  ],
  [
    "On a cell (Esc leads here from its text)",
    [
      ["j  k", "The next cell, the one before; arrows do as well"],
      ["Enter", "Into the cell's text"],
      ["o", "Open or fold the cell's code"],
      ["a  b", "Add a cell above, below"],
      ["d d", "Delete the cell"],
      ["z", "Bring back the cell deleted last"],
      ["m  y", "Make it text, make it code"],
      ["J  K", "Move the cell down, up"],
      ["i i", "Interrupt what runs"],
      ["0 0", "Restart the kernel"],
      ["?", "This list"],
    ],
  ],
];

export function focusCell(id: string): void {
  document.querySelector<HTMLElement>(`.notebook [data-cell="${CSS.escape(id)}"]`)?.focus();
}

/** Selects a cell and puts the keyboard on it. */
export function goTo({ notebook }: Studio, cell: StudioCell | undefined): void {
  if (!cell) return;
  notebook.mode.value = "command";
  notebook.selected.value = cell.id;
  // A cell that has just been added or moved is drawn first, in the microtask that was queued for it. A later frame would
  // lose the keys that come before it: the cell that had the keyboard may be the one that was deleted.
  queueMicrotask(() => focusCell(cell.id));
}

/** Cells that are there for the keyboard: those that are drawn. */
function beside({ notebook }: Studio, by: -1 | 1): StudioCell | undefined {
  return notebook.cells.value[notebook.index(notebook.selected.value) + by];
}

export function runAndAdvance(studio: Studio, cell: StudioCell): void {
  const { notebook, runner } = studio;
  const next = runner.predictionBefore(cell) ?? notebook.cells.value[notebook.index(cell.id) + 1];
  runner.run([cell]);
  goTo(studio, next ?? notebook.insert(cell.id, "below"));
}

export function runInPlace(studio: Studio, cell: StudioCell): void {
  const waits = studio.runner.predictionBefore(cell);
  studio.runner.run([cell]);
  if (waits) goTo(studio, waits);
}

export function runAndInsert(studio: Studio, cell: StudioCell): void {
  studio.runner.run([cell]);
  goTo(studio, studio.notebook.insert(cell.id, "below"));
}

let before: { readonly key: string; readonly at: number } = { key: "", at: 0 };

/** Two of the same key, one after the other. */
function isSecond(key: string): boolean {
  const now = Date.now();
  const second = before.key === key && now - before.at < 800;
  before = second ? { key: "", at: 0 } : { key, at: now };
  return second;
}

/** Keys on a cell, outside of its text. Says whether the key was meant for it. */
export function commandKey(studio: Studio, cell: StudioCell, event: KeyboardEvent): boolean {
  const { notebook, runner } = studio;
  const { key } = event;
  if (event.metaKey || (event.ctrlKey && key !== "Enter") || (event.altKey && key !== "Enter")) return false;
  const actions: Readonly<Record<string, () => void>> = {
    Enter: () => {
      if (event.shiftKey) runAndAdvance(studio, cell);
      else if (event.ctrlKey) runInPlace(studio, cell);
      else if (event.altKey) runAndInsert(studio, cell);
      else enter(studio, cell);
    },
    j: () => goTo(studio, beside(studio, 1)),
    ArrowDown: () => goTo(studio, beside(studio, 1)),
    k: () => goTo(studio, beside(studio, -1)),
    ArrowUp: () => goTo(studio, beside(studio, -1)),
    o: () => {
      if (cell.folds) cell.isOpen.value = !cell.isOpen.value;
    },
    a: () => goTo(studio, notebook.insert(cell.id, "above")),
    b: () => goTo(studio, notebook.insert(cell.id, "below")),
    d: () => {
      if (!isSecond("d")) return;
      notebook.delete(cell.id);
      goTo(studio, notebook.cell(notebook.selected.value));
    },
    z: () => {
      notebook.undelete();
      goTo(studio, notebook.cell(notebook.selected.value));
    },
    m: () => {
      cell.type.value = "markdown";
    },
    y: () => {
      cell.type.value = "code";
    },
    J: () => move(studio, cell, 1),
    K: () => move(studio, cell, -1),
    i: () => {
      if (isSecond("i")) void runner.interrupt();
    },
    "0": () => {
      if (isSecond("0")) void runner.restart();
    },
    "?": () => {
      helpShown.value = true;
    },
  };
  const action = Object.hasOwn(actions, key) ? actions[key] : undefined;
  if (!action) return false;
  action();
  return true;
}

function move(studio: Studio, cell: StudioCell, by: -1 | 1): void {
  studio.notebook.move(cell.id, by);
  goTo(studio, cell);
}

/** Into a cell's text. */
export function enter({ notebook }: Studio, cell: StudioCell): void {
  cell.isOpen.value = true;
  notebook.selected.value = cell.id;
  notebook.mode.value = "edit";
}
