import type { StudioCell } from "../notebook/cell.js";

/** The cells of an exercise. */
export interface Exercise {
  readonly name: string;
  /** What it asks for, where a text says so. */
  readonly text: StudioCell | undefined;
  /** The code that the reader completes. */
  readonly starter: StudioCell;
  readonly check: StudioCell;
  readonly solution: StudioCell | undefined;
  /** Its solution becomes a part of the small lakehouse that later milestones build upon. */
  readonly isSmall: boolean;
}

/** Exercises in the notebook's order. The starter is the code above the check, the solution has the check's name in a tag. */
export function exercisesOf(cells: readonly StudioCell[]): Exercise[] {
  return cells.flatMap((check, at) => {
    const name = check.checkOf;
    if (name === undefined) return [];
    const above = cells.slice(0, at).reverse();
    const starter = above.find((cell) => cell.isCode) ?? check;
    const solution = cells.find(({ solutionOf }) => solutionOf === name);
    return [
      {
        name,
        text: textAbove(cells, starter),
        starter,
        check,
        solution,
        isSmall: solution?.tags.some((tag) => tag.startsWith("module:")) ?? false,
      },
    ];
  });
}

/** The text nearest to the starter; between them is at most the code that an exercise is given. */
function textAbove(cells: readonly StudioCell[], starter: StudioCell): StudioCell | undefined {
  const above = cells.slice(0, cells.indexOf(starter)).reverse();
  const text = above.findIndex((cell) => !cell.isCode);
  const isOther = above.slice(0, text).some((cell) => cell.checkOf !== undefined);
  return text === -1 || isOther ? undefined : above[text];
}

/** A text's last section, which is the one that stands before the code: its heading, and what it says. */
export function lastSection(markdown: string): { readonly title: string; readonly body: string } {
  const [, before = "", title = "", body = markdown] =
    /^((?:[\s\S]*\n)?)#{1,6} (.+)\n?([\s\S]*)$/.exec(markdown) ?? [];
  // A heading's sign inside a block of code is a comment's, not a heading's.
  const isInCode = (before.match(/^```/gm) ?? []).length % 2 === 1;
  return isInCode ? { title: "", body: markdown } : { title: title.replaceAll("`", ""), body };
}
