/// <reference lib="dom" />
import { useEffect, useState } from "preact/hooks";
import type { PieceState, PiecesState } from "../../contract.js";
import { Icon } from "../base/icons.js";
import { notify } from "../base/notices.js";
import { scrolls } from "../base/scrolls.js";
import { ask, inWords } from "../base/server.js";
import { useStudio } from "../notebook/studio.js";
import { Frame } from "../outputs/frame.js";
import { Draft } from "./draft.js";
import { Writing } from "./writing.js";

const TITLES: Readonly<Record<string, string>> = {
  doc: "Page",
  blog: "Post",
  linkedin: "LinkedIn",
  video: "Video",
  slides: "Slides",
};

/** What a copy is for, by the name of its file. */
const COPIES: Readonly<Record<string, string>> = {
  "linkedin.txt": "Copy as LinkedIn text",
  "linkedin.api.txt": "Copy for LinkedIn's API",
  "blog.md": "Copy for dev.to",
  "blog.hashnode.md": "Copy for Hashnode",
  "blog.medium.html": "Copy as Medium HTML",
};

/** The texts of the milestone, as they will be published. */
export function Write() {
  const { notebook } = useStudio();
  const { id } = notebook.milestone;
  const [state, setState] = useState<PiecesState | undefined>(undefined);
  const [trouble, setTrouble] = useState("");
  const [kind, setKind] = useState("blog");
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isGone = false;
    ask<PiecesState>(`/studio/pieces/${id}`).then(
      (found) => {
        if (isGone) return;
        setState(found);
        setTrouble("");
      },
      (error: unknown) => !isGone && setTrouble(inWords(error)),
    );
    return () => {
      isGone = true;
    };
  }, [id, turn]);
  if (trouble)
    return (
      <div class="write">
        <p class="trouble">{trouble}</p>
      </div>
    );
  if (!state)
    return (
      <div class="write">
        <p class="none">Reading …</p>
      </div>
    );
  const piece = state.pieces.find((each) => each.kind === kind) ?? state.pieces[0];
  if (!piece)
    return (
      <div class="write">
        <p class="none">This milestone has no text yet.</p>
      </div>
    );
  return (
    <div class="write">
      <div class="tabs">
        {state.pieces.map((each) => (
          <button
            key={each.kind}
            type="button"
            aria-pressed={each === piece}
            onClick={() => setKind(each.kind)}
          >
            {TITLES[each.kind] ?? each.kind}
            {each.checks.some((check) => check.breaks) && <span class="dot failed" title="Breaks a rule" />}
          </button>
        ))}
        <button
          type="button"
          class="bare again"
          aria-label="Read the texts again"
          title="Read the texts again"
          onClick={() => setTurn(turn + 1)}
        >
          <Icon name="restart" size={16} />
        </button>
      </div>
      {state.stale.length > 0 && (
        <details class="stale">
          <summary>The numbers are of an earlier run</summary>
          <ul>
            {state.stale.slice(0, 12).map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </details>
      )}
      <Piece
        key={`${id}/${piece.kind}`}
        piece={piece}
        onState={setState}
        onChanged={() => setTurn((before) => before + 1)}
      />
    </div>
  );
}

interface PieceProps {
  readonly piece: PieceState;
  readonly onState: (state: PiecesState) => void;
  readonly onChanged: () => void;
}

function Piece({ piece, onState, onChanged }: PieceProps) {
  const { notebook } = useStudio();
  const { id } = notebook.milestone;
  const { kind, html, file, copies, checks } = piece;
  const [draft, setDraft] = useState(() => Draft.found(id, kind));
  const plain = copies.find(({ name }) => name === "linkedin.txt")?.text;
  const title = TITLES[kind] ?? kind;
  return (
    <>
      <p class="foot">
        <code>{file}</code>
      </p>
      {draft ? (
        <Writing
          piece={piece}
          draft={draft}
          onChanged={onChanged}
          onEnd={(state) => {
            setDraft(undefined);
            if (state) onState(state);
          }}
        />
      ) : (
        <p class="actions">
          <button type="button" onClick={() => setDraft(Draft.begin(id, piece))}>
            Edit
          </button>
        </p>
      )}
      {copies.length > 0 && (
        <p class="actions">
          {copies.map((copy) => (
            <button key={copy.name} type="button" onClick={() => void copyOut(copy.text, copy.name)}>
              {COPIES[copy.name] ?? `Copy ${copy.name}`}
            </button>
          ))}
        </p>
      )}
      {html === "" && plain !== undefined ? (
        <article class="post" {...scrolls("The LinkedIn post")}>
          <pre>{plain}</pre>
        </article>
      ) : (
        <Frame type="html" content={html} title={`${title} as it will be published`} tallest={5200} />
      )}
      <Checks checks={checks} />
    </>
  );
}

async function copyOut(text: string, name: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify(`${name} is on the clipboard: ${[...text].length.toLocaleString("en-US")} characters.`);
  } catch {
    notify("The browser did not let the studio copy. Select the text, and copy it by hand.", "trouble");
  }
}

/** What the rules of its channel say; limits are counted there. */
function Checks({ checks }: { readonly checks: PieceState["checks"] }) {
  const broken = checks.filter(({ ok }) => !ok);
  const held = checks.filter(({ ok }) => ok);
  return (
    <section class="rules">
      <h3>Rules</h3>
      <ul>
        {[...broken, ...held].map(({ rule, ok, message, line }, index) => (
          <li key={index} class={ok ? "held" : "broken"}>
            <span class={`mark ${ok ? "solved" : "failing"}`}>
              <Icon name={ok ? "check" : "close"} size={14} />
            </span>
            <span>
              {message} <code>{rule}</code>
              {!ok && <span class="where"> line {line}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
