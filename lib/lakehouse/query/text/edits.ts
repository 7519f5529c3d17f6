/** Replaces bytes `start` to `end`, half-open, of a byte string. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface EditedText {
  readonly text: string;
  /** Where a position of the edited text was in the original; inside a replacement, its start. */
  original(position: number): number;
}

/** Applies edits that do not overlap, in any order. */
export function applyEdits(source: string, edits: readonly Edit[]): EditedText {
  const ordered = [...edits].sort((a, b) => a.start - b.start);
  let text = "";
  let at = 0;
  const moved: { readonly edit: Edit; readonly position: number }[] = [];
  for (const edit of ordered) {
    text += source.slice(at, edit.start);
    moved.push({ edit, position: text.length });
    text += edit.text;
    at = edit.end;
  }
  text += source.slice(at);
  return {
    text,
    original: (position) => {
      const before = moved.filter((move) => move.position <= position).at(-1);
      if (!before) return position;
      const past = position - before.position - before.edit.text.length;
      return past < 0 ? before.edit.start : before.edit.end + past;
    },
  };
}
