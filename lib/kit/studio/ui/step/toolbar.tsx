/// <reference lib="dom" />
import { useState } from "preact/hooks";
import type { NotebookState } from "../../contract.js";
import { Icon } from "../base/icons.js";
import { Menu } from "../base/menu.js";
import { notify } from "../base/notices.js";
import { ask, inWords } from "../base/server.js";
import { useWatched } from "../base/watched.js";
import type { KernelState } from "../kernel/connection.js";
import { useStudio } from "../notebook/studio.js";
import { helpShown, runAndAdvance } from "./keys.js";

const KERNEL: Readonly<Record<KernelState, string>> = {
  off: "kernel not started",
  starting: "kernel starts",
  idle: "kernel ready",
  busy: "kernel busy",
  restarting: "kernel restarts",
  dead: "kernel ended",
  lost: "connection lost",
};

/** What can be done with the whole notebook, and how its kernel and its working copy stand. */
export function Toolbar() {
  const studio = useStudio();
  const { notebook, runner } = studio;
  const kernel = useWatched(notebook.kernel.state);
  const selected = useWatched(notebook.selected);
  const isBusy = kernel === "busy" || kernel === "starting";
  const here = () => notebook.cell(selected);
  return (
    <div class="toolbar" role="toolbar" aria-label="Notebook">
      <button
        type="button"
        title="Run the cell, and go to the next (Shift Enter)"
        onClick={() => {
          const cell = here();
          if (cell) runAndAdvance(studio, cell);
        }}
      >
        <Icon name="run" size={16} />
        <span>Run</span>
      </button>
      <button
        type="button"
        class="roomy"
        title="Run what has not run above the selected cell, and the cell"
        onClick={() => {
          const cell = here();
          if (cell) runner.runTo(cell);
        }}
      >
        Run to here
      </button>
      <button type="button" title="Run all cells in their order" onClick={() => runner.runAll()}>
        <Icon name="runAll" size={16} />
        <span>Run all</span>
      </button>
      <span class="rule" aria-hidden="true" />
      <button
        type="button"
        class="bare"
        aria-label="Interrupt"
        title="Interrupt (i i)"
        disabled={!isBusy}
        onClick={() => void runner.interrupt()}
      >
        <Icon name="stop" size={16} />
      </button>
      <button
        type="button"
        class="bare"
        aria-label="Restart the kernel"
        title="Restart the kernel (0 0)"
        disabled={kernel === "off"}
        onClick={() => void runner.restart()}
      >
        <Icon name="restart" size={16} />
      </button>
      <p class={`kernel ${kernel}`} role="status">
        <span class="dot" aria-hidden="true" />
        <span>{KERNEL[kernel]}</span>
      </p>
      <CopyState />
      <More />
    </div>
  );
}

/** The working copy: saved by itself, kept or discarded by the reader. */
function CopyState() {
  const { notebook } = useStudio();
  const isCopy = useWatched(notebook.isWorkingCopy);
  const save = useWatched(notebook.save);
  if (!isCopy && save === "saved") return <p class="copy-state">as committed</p>;
  const words = save === "saved" ? "working copy" : save === "failed" ? "not saved" : "saving";
  return <p class="copy-state mine">{words}</p>;
}

function More() {
  const { notebook } = useStudio();
  const isCopy = useWatched(notebook.isWorkingCopy);
  const [isAsked, setAsked] = useState<"keep" | "discard" | undefined>(undefined);
  const { id } = notebook.milestone;

  async function settle(what: "keep" | "discard"): Promise<void> {
    setAsked(undefined);
    try {
      await notebook.saveNow();
      const overwrite = notebook.isBehind.value ? { overwrite: true } : {};
      const body = { milestone: id, etag: notebook.etag, ...(what === "keep" ? overwrite : {}) };
      notebook.take(await ask<NotebookState>(`/studio/${what}`, "POST", body));
      notify(
        what === "keep"
          ? `Kept: ${notebook.milestone.folder}/notebook.ipynb is as your copy.`
          : "Discarded: the notebook is as committed.",
      );
    } catch (error) {
      notify(inWords(error), "trouble");
    }
  }

  async function bringIn(file: File | undefined): Promise<void> {
    if (!file) return;
    try {
      const text = await file.text();
      await ask(`/studio/notebooks/${id}/file`, "PUT", JSON.parse(text));
      notebook.take(await ask<NotebookState>(`/studio/notebooks/${id}`));
      notify(`${file.name} is now your working copy.`);
    } catch (error) {
      notify(`${file.name} could not be taken in: ${inWords(error)}`, "trouble");
    }
  }

  return (
    <>
      <Menu label="More">
        <a href={`/studio/notebooks/${id}/file`} download={`${id}.ipynb`}>
          Export as .ipynb
        </a>
        <label class="file">
          Import an .ipynb
          <input
            type="file"
            accept=".ipynb,application/json"
            onChange={({ currentTarget }) => void bringIn(currentTarget.files?.[0])}
          />
        </label>
        <button type="button" disabled={!isCopy} onClick={() => setAsked("keep")}>
          Keep the working copy
        </button>
        <button type="button" disabled={!isCopy} onClick={() => setAsked("discard")}>
          Discard the working copy
        </button>
        <button
          type="button"
          onClick={() => {
            for (const cell of notebook.cells.value) {
              cell.outputs.value = [];
              cell.run.value = { kind: "new" };
            }
          }}
        >
          Clear all outputs
        </button>
        <button
          type="button"
          onClick={() => {
            helpShown.value = true;
          }}
        >
          Keyboard shortcuts
        </button>
      </Menu>
      {isAsked && (
        <div class="confirm" role="alertdialog" aria-label={isAsked === "keep" ? "Keep" : "Discard"}>
          <p>
            {isAsked === "keep"
              ? `Write your copy over ${notebook.milestone.folder}/notebook.ipynb? Git still has what was there.`
              : "Throw your edits and outputs away? They cannot be brought back."}
          </p>
          <p class="actions">
            <button type="button" class="main" onClick={() => void settle(isAsked)}>
              {isAsked === "keep" ? "Keep" : "Discard"}
            </button>
            <button type="button" onClick={() => setAsked(undefined)}>
              Cancel
            </button>
          </p>
        </div>
      )}
    </>
  );
}
