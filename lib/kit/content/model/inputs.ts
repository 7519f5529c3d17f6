import { existsSync, readdirSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { type Milestone, PIECE_KINDS, type PieceKind, type Project } from "../../milestones/index.js";
import type { OnStack, RecordedNotebook } from "../../notebook/index.js";
import { frontMatter } from "../text/front-matter.js";
import { parseSource, readSource, type Source } from "../text/source.js";

/** What stands behind a milestone's numbers. Only `fresh` outputs are built from. */
export type OutputState =
  | { readonly kind: "not-started" }
  | { readonly kind: "missing" }
  | { readonly kind: "failed"; readonly reasons: readonly string[] }
  | { readonly kind: "stale"; readonly reasons: readonly string[] }
  | { readonly kind: "fresh" };

/** The pieces that are written as Markdown, in a file of that name. */
export type PieceName = Exclude<PieceKind, "notebook" | "diagram">;
export const PIECE_NAMES = PIECE_KINDS.filter(
  (kind): kind is PieceName => kind !== "notebook" && kind !== "diagram",
);

/** A written piece: its source and its front matter, which may be empty. */
export interface Piece extends Source {
  readonly name: PieceName;
  readonly front: Readonly<Record<string, unknown>>;
}

/** A milestone with all that content is made from. */
export interface MilestoneContent {
  readonly milestone: Milestone;
  readonly state: OutputState;
  /** Its executed notebook, when there is one, fresh or not. */
  readonly recorded: RecordedNotebook | undefined;
  /** What it recorded on the stack; undefined where it does not run there. */
  readonly onStack?: OnStack | undefined;
  readonly pieces: Readonly<Partial<Record<PieceName, Piece>>>;
  /** Path of `diagram.d2`, when there is one. */
  readonly diagram: string | undefined;
  /** Paths of all diagrams, that one among them: the picture `lineage.svg` is drawn from `lineage.d2`. */
  readonly diagrams: readonly string[];
}

/** Where a text stands: what it may show without saying where from, and what its links start from. */
export interface Standing {
  /** Its milestone, whose names need no prefix; a text of the site as a whole has none. */
  readonly own: MilestoneContent | undefined;
  readonly folder: string;
  /** The page that it is on, from the site's root. */
  readonly page: string;
}

/** Reads the written pieces of a milestone; the caller knows the state of its outputs. */
export function readContent(
  project: Project,
  milestone: Milestone,
  outputs: Pick<MilestoneContent, "state" | "recorded" | "onStack">,
): MilestoneContent {
  const pieces: Partial<Record<PieceName, Piece>> = {};
  for (const name of PIECE_NAMES) {
    const path = join(milestone.folder, `${name}.md`);
    if (existsSync(path)) pieces[name] = toPiece(name, readSource(path, relative(project.root, path)));
  }
  const diagrams = readdirSync(milestone.folder)
    .filter((name) => name.endsWith(".d2"))
    .sort()
    .map((name) => join(milestone.folder, name));
  const diagram = diagrams.find((path) => basename(path) === "diagram.d2");
  return { milestone, ...outputs, pieces, diagram, diagrams };
}

/** The diagram that a picture is drawn from; undefined for a picture that is a file. */
export function diagramOf(
  { diagrams }: Pick<MilestoneContent, "diagrams">,
  picture: string,
): string | undefined {
  return diagrams.find((path) => `${basename(path, ".d2")}.svg` === picture);
}

/** A piece from text, as a file of that name would give it. */
export function pieceFromText(name: PieceName, text: string, file = `${name}.md`): Piece {
  return toPiece(name, parseSource(text, file));
}

function toPiece(name: PieceName, source: Source): Piece {
  return { ...source, name, front: frontMatter(source) };
}

/** True when a milestone has anything to show: a notebook or a written piece. */
export function isStarted({ recorded, pieces, milestone }: MilestoneContent): boolean {
  return recorded !== undefined || Object.keys(pieces).length > 0 || existsSync(milestone.notebookPath);
}

/** `m03-writing-iceberg`: the folder, and the stem of the milestone's pages. */
export function stemOf(milestone: Milestone): string {
  return basename(milestone.folder);
}
