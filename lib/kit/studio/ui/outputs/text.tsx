/// <reference lib="dom" />
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { ansiSpans } from "../base/ansi.js";
import { count } from "../base/figures.js";
import { scrolls } from "../base/scrolls.js";

const CHUNK_LINES = 200;
/** The most that is drawn of one text; the file keeps all of it. */
const MOST_CHUNKS = 250;
/** Longer texts scroll in a box of their own. */
const BOX_LINES = 18;

/** Text in parts of so many lines, each with its last newline but the last. */
function chunksOf(text: string): { chunks: string[]; lines: number } {
  const chunks: string[] = [];
  let [from, lines] = [0, 0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
    lines++;
    if (lines % CHUNK_LINES === 0) {
      chunks.push(text.slice(from, at));
      from = at + 1;
    }
  }
  if (from < text.length) chunks.push(text.slice(from).replace(/\n$/, ""));
  return { chunks, lines: text.endsWith("\n") ? lines : lines + 1 };
}

/** One part: drawn once, and skipped by the browser while it is off the screen. */
function Chunk({ text }: { readonly text: string }) {
  return useMemo(
    () => (
      <pre class="chunk">
        {ansiSpans(text).map(({ text: part, look }, index) =>
          look ? (
            <span key={index} class={look}>
              {part}
            </span>
          ) : (
            part
          ),
        )}
      </pre>
    ),
    [text],
  );
}

interface TextOutputProps {
  readonly text: string;
  readonly kind?: "plain" | "stderr" | "error";
  /** More comes: the box follows its end while the reader has not scrolled up. */
  readonly isGrowing?: boolean;
}

/** What a cell prints, with terminal colours; ten thousand lines as smoothly as ten. */
export function TextOutput({ text, kind = "plain", isGrowing = false }: TextOutputProps) {
  const { chunks, lines } = useMemo(() => chunksOf(text), [text]);
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    const { current } = box;
    if (isGrowing && follows.current && current) current.scrollTop = current.scrollHeight;
  }, [text]);
  if (text === "") return null;
  const hidden = Math.max(0, chunks.length - MOST_CHUNKS);
  const isLong = lines > BOX_LINES;
  const label = kind === "plain" ? "Output" : kind === "stderr" ? "Messages on stderr" : "Error";
  return (
    <div class={`output text ${kind}`}>
      {isLong && (
        <p class="lines">
          {count(lines)} lines
          {hidden > 0 ? `, of which the last ${count(MOST_CHUNKS * CHUNK_LINES)} are shown` : ""}
        </p>
      )}
      <div
        ref={box}
        class={isLong ? "lines-box" : ""}
        {...(isLong ? scrolls(`${label}, ${count(lines)} lines`) : {})}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          follows.current = scrollTop + clientHeight >= scrollHeight - 40;
        }}
      >
        {chunks.slice(hidden).map((chunk, index) => (
          <Chunk key={hidden + index} text={chunk} />
        ))}
      </div>
    </div>
  );
}
