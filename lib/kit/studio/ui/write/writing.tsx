import { useMemo, useRef, useState } from "preact/hooks";
import type { PieceChange, PieceState, PiecesState } from "../../contract.js";
import { notify } from "../base/notices.js";
import { ask, inWords, Refused } from "../base/server.js";
import { useWatched } from "../base/watched.js";
import { Editor } from "../editor/editor.js";
import { useStudio } from "../notebook/studio.js";
import type { Draft } from "./draft.js";

interface WritingProps {
  readonly piece: PieceState;
  readonly draft: Draft;
  /** With the texts as they are after saving; without them where the draft was thrown away. */
  readonly onEnd: (state?: PiecesState) => void;
  /** The file is not the one that the draft was begun from. */
  readonly onChanged: () => void;
}

/** A text as it is written. Saving writes its file, as an editor would. */
export function Writing({ piece, draft, onEnd, onChanged }: WritingProps) {
  const { notebook } = useStudio();
  const { id } = notebook.milestone;
  const source = useWatched(draft.source);
  const [isSaving, setSaving] = useState(false);
  const isBehind = draft.etag !== piece.etag;
  const isSame = source === piece.source;

  async function save(): Promise<void> {
    setSaving(true);
    try {
      // What the reader has been told of is what is written over, and nothing that came later.
      const change: PieceChange = { source: draft.source.value, etag: piece.etag };
      const state = await ask<PiecesState>(`/studio/pieces/${id}/${piece.kind}`, "PUT", change);
      draft.end();
      notify(`${piece.file} is saved.`);
      onEnd(state);
    } catch (error) {
      notify(inWords(error), "trouble");
      if (error instanceof Refused && error.status === 409) onChanged();
    } finally {
      setSaving(false);
    }
  }

  // The editor keeps the keys that it was made with.
  const latest = useRef(save);
  latest.current = save;
  const keys = useMemo(
    () => [
      {
        key: "Mod-s",
        run: () => {
          void latest.current();
          return true;
        },
      },
    ],
    [],
  );
  return (
    <div class="draft">
      {isBehind && !isSame && (
        <div class="banner" role="alert">
          <p>{piece.file} has changed since you began. Saving writes your text over it.</p>
        </div>
      )}
      <Editor
        source={draft.source}
        language="markdown"
        label={`Text of ${piece.file}`}
        keys={keys}
        inTabOrder
      />
      <p class="actions">
        <button type="button" class="main" disabled={isSaving || isSame} onClick={() => void save()}>
          Save
        </button>
        <button
          type="button"
          onClick={() => {
            draft.end();
            onEnd();
          }}
        >
          {isSame ? "Close" : "Throw the changes away"}
        </button>
      </p>
    </div>
  );
}
