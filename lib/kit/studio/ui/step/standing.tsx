import type { NotebookState } from "../../contract.js";
import { notify } from "../base/notices.js";
import { ask, inWords } from "../base/server.js";
import { useWatched } from "../base/watched.js";
import { useStudio } from "../notebook/studio.js";

/** What the reader has to decide: two tabs that have both saved, or a notebook that has moved on below the copy. */
export function Standing() {
  const { notebook } = useStudio();
  const save = useWatched(notebook.save);
  const isBehind = useWatched(notebook.isBehind);
  if (save === "conflict")
    return (
      <div class="banner" role="alert">
        <p>Another tab has saved this notebook since. Nothing of either is lost yet.</p>
        <p class="actions">
          <button type="button" onClick={() => void notebook.overwrite().catch(say)}>
            Keep what is here
          </button>
          <button
            type="button"
            onClick={() =>
              void ask<NotebookState>(`/studio/notebooks/${notebook.milestone.id}`).then(
                (state) => notebook.take(state),
                say,
              )
            }
          >
            Take what the other has saved
          </button>
        </p>
      </div>
    );
  if (save === "failed")
    return (
      <div class="banner" role="alert">
        <p>The working copy could not be saved. The studio tries again every three seconds.</p>
      </div>
    );
  if (isBehind)
    return (
      <div class="banner">
        <p>
          The committed notebook has changed since you began to edit. Discard your copy to work on the new
          one, or keep yours over it.
        </p>
      </div>
    );
  return null;
}

const say = (error: unknown) => notify(inWords(error), "trouble");
