import type { Milestone, PieceKind } from "./milestone.js";
import type { Project } from "./project.js";

/** One line of a milestone's Definition of Done. */
export interface DoneItem {
  readonly piece: PieceKind;
  /** What holds when it is done: "the doc page has every section". */
  readonly what: string;
  readonly done: boolean;
  /** True for what is of this machine alone, such as a run on it: the project as committed may be done without. */
  readonly here?: boolean | undefined;
  /** When it is not done, or only just: what is off, in words. */
  readonly why?: string | undefined;
}

/**
 * Computes some lines of the checklist. Each room gives one such function for the pieces that it looks after, and
 * `slh status` puts them together.
 */
export type DoneCheck = (milestone: Milestone, project: Project) => Promise<readonly DoneItem[]>;
