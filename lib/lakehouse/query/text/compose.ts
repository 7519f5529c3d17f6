import type { EditedText } from "./edits.js";
import { toByteString } from "./tokens.js";

/** A stretch of a text: bytes `start` to `end`, half-open. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A part of a new text: SQL of ours, or a stretch of the text that is taken apart. */
export type Piece = string | Span;

/** Puts a text together of SQL of our own and stretches of another, which is a byte string, as the result is. */
export function compose(source: string, pieces: readonly Piece[]): EditedText {
  let text = "";
  const taken: { readonly at: number; readonly span: Span }[] = [];
  for (const piece of pieces) {
    if (typeof piece === "string") text += toByteString(piece);
    else {
      taken.push({ at: text.length, span: piece });
      text += source.slice(piece.start, piece.end);
    }
  }
  return {
    text,
    original: (position) => {
      const before = taken.filter(({ at }) => at <= position).at(-1) ?? taken[0];
      if (before === undefined) return 0;
      const { at, span } = before;
      return Math.max(span.start, Math.min(span.start + position - at, span.end));
    },
  };
}
