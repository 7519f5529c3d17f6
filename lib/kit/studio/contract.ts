/**
 * What the studio's browser half and its server say to each other: every endpoint beside Jupyter's own (`/api/…`, see
 * `docs/studio.md`), with the shape of what goes in and comes out. Types alone: both halves compile against this file.
 *
 * All endpoints want the session's cookie, which `GET /?token=…` gives once; requests that change something want this
 * server's own `Origin`, which browsers send. Bodies are JSON. A refusal is a `Refusal` with a status of 400 or above.
 * `:milestone` is an id: `m03`, `streaming-log`.
 */
import type { Notebook } from "../notebook/index.js";

/** What every endpoint of `/studio` answers when it refuses: a stable code, what is wrong, and what to do. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** `GET /studio/milestones` → the milestones in order, those without a number last. */
export interface MilestoneSummary {
  readonly id: string;
  /** `M3`; for one without a number what its `milestone.yaml` says. */
  readonly label: string;
  readonly title: string;
  readonly oneLine: string;
  /** Path of its folder from the project's root, with `/`: where its kernel works, and `path` of `POST /api/sessions`. */
  readonly folder: string;
  readonly hasNotebook: boolean;
  /** As on the site: whether the outputs of its last run are those of its code; `planned` without a notebook. */
  readonly state: "fresh" | "stale" | "failed" | "missing" | "planned";
  /** There is a working copy, and it says something else than the committed notebook. */
  readonly isEdited: boolean;
  readonly progress: MilestoneProgress;
}

/**
 * `GET /studio/notebooks/:milestone` → what to show: the working copy, or else the committed notebook with the outputs of
 * this machine's last run.
 */
export interface NotebookState {
  readonly notebook: Notebook;
  /** Of what is stored; send it back with the next change. */
  readonly etag: string;
  readonly isWorkingCopy: boolean;
  /** The committed notebook has changed since the working copy was made from it. */
  readonly isBehind: boolean;
}

/**
 * `PUT /studio/notebooks/:milestone` with `NotebookChange` writes the working copy, never the committed notebook
 * → `NotebookSaved`; 409 with `NotebookConflict` where another tab has saved since: nothing is written then.
 */
export interface NotebookChange {
  readonly notebook: Notebook;
  /** Of the state that was edited. */
  readonly etag: string;
}

export interface NotebookSaved {
  readonly etag: string;
}

export interface NotebookConflict extends Refusal {
  readonly code: "WORKING_COPY_CHANGED";
  readonly current: NotebookState;
}

/**
 * `POST /studio/keep` writes the working copy's cells over the committed notebook, and ends the copy → `NotebookState`; 409
 * as above, also where `isBehind` and not `overwrite` (`COMMITTED_CHANGED`). Outputs stay as they are committed where the
 * code is the same, and go elsewhere: those that are committed come from a run, `slh run <milestone> --save`.
 *
 * `POST /studio/discard` removes the working copy → `NotebookState` of the committed notebook.
 */
export interface KeepRequest {
  readonly milestone: string;
  readonly etag: string;
  /** Also where the committed notebook has changed since the copy was made. */
  readonly overwrite?: boolean | undefined;
}

/** The `.ipynb` itself: `GET /studio/notebooks/:milestone/file` downloads, `PUT` there takes one in as the working copy. */
export type NotebookFile = string;

// ── Language ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The notebook's code as it stands in the editor, sent with each question: the server remembers what has not changed. */
export interface LanguageCells {
  readonly milestone: string;
  /** Code cells in order, Markdown left out. */
  readonly cells: readonly { readonly id: string; readonly source: string }[];
}

export interface LanguagePosition extends LanguageCells {
  /** Id of the cell that is asked about. */
  readonly cell: string;
  /** UTF-16 units from the start of the cell, as in CodeMirror. */
  readonly offset: number;
}

/** `POST /studio/language/complete` with `LanguagePosition`. */
export interface Completions {
  /** What the completion takes the place of. */
  readonly from: number;
  readonly to: number;
  readonly options: readonly {
    readonly label: string;
    /** TypeScript's word: `method`, `const`, `interface`, … */
    readonly kind: string;
    /** Lower comes first. */
    readonly rank: string;
  }[];
}

/** `POST /studio/language/hover` with `LanguagePosition` → this, or null where there is nothing to say. */
export interface Hover {
  readonly from: number;
  readonly to: number;
  /** The signature, in TypeScript. */
  readonly code: string;
  /** The docstring as Markdown text; empty where there is none. */
  readonly text: string;
}

/** `POST /studio/language/diagnostics` with `LanguageCells` → those of all cells. */
export interface LanguageDiagnostic {
  readonly cell: string;
  readonly from: number;
  readonly to: number;
  readonly severity: "error" | "warning" | "info";
  readonly message: string;
  /** TypeScript's number. */
  readonly code: number;
}

// ── See: the lakehouse as the cells change it ───────────────────────────────────────────────────────────────────────

/** `GET /studio/lake?ref=main` → what is there now. Read only, and opened for each request. */
export interface LakeState {
  /** False before the first cell has made one; then all lists are empty. */
  readonly exists: boolean;
  /** Its folder, from the project's root where it is inside. */
  readonly folder: string;
  readonly ref: string;
  readonly refs: readonly { readonly name: string; readonly kind: "branch" | "tag"; readonly hash: string }[];
  readonly tables: readonly LakeTable[];
}

export interface LakeTable {
  /** `silver.flights`. */
  readonly name: string;
  /** Rows and bytes by the current snapshot's summary; absent where it says nothing. */
  readonly rows?: string | undefined;
  readonly bytes?: string | undefined;
  readonly files?: string | undefined;
  readonly snapshots: number;
  /** Where it cannot be read: why. The other fields are empty then. */
  readonly trouble?: string | undefined;
}

/** `GET /studio/lake/commits?ref=main` → the newest commits of every branch, newest first, and the graph drawn. */
export interface LakeCommits {
  readonly commits: readonly {
    readonly hash: string;
    readonly parents: readonly string[];
    readonly message: string;
    /** ISO 8601, UTC. */
    readonly time: string;
    readonly refs: readonly string[];
  }[];
  /** True where older ones are left out. */
  readonly isCut: boolean;
}

/** `GET /studio/lake/tables/:name?ref=main` */
export interface TableDetail {
  readonly name: string;
  readonly schema: readonly {
    readonly id: number;
    readonly name: string;
    readonly type: string;
    readonly required: boolean;
    readonly doc?: string | undefined;
  }[];
  readonly partitioning: readonly string[];
  readonly sortOrder: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /** Newest first. 64-bit ids are texts. */
  readonly snapshots: readonly {
    readonly id: string;
    readonly parent?: string | undefined;
    readonly time: string;
    readonly operation: string;
    readonly summary: Readonly<Record<string, string>>;
    readonly isCurrent: boolean;
  }[];
  readonly files: readonly LakeFile[];
  /** True where more files are there than are listed: the largest are. */
  readonly filesCut: boolean;
  /** The metadata file itself, as JSON text. */
  readonly metadata: string;
}

export interface LakeFile {
  /** Give it to `GET /studio/lake/file?path=…`, which sends the file's bytes (ranges too) for the file page. */
  readonly path: string;
  readonly content: "data" | "position deletes" | "equality deletes" | "deletion vector";
  readonly rows: number;
  readonly bytes: number;
  readonly partition: string;
}

/** `GET /studio/lake/log` → topics and their segments. */
export interface LogState {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly start: string;
      readonly end: string;
      readonly segments: readonly {
        readonly key: string;
        readonly base: string;
        readonly records: number;
        readonly bytes: number;
      }[];
    }[];
  }[];
}

/** `POST /studio/sql` with `SqlRequest`: one statement that reads. At most `SQL_ROWS` rows come back. */
export interface SqlRequest {
  readonly sql: string;
  readonly ref?: string | undefined;
}

export interface SqlResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Texts, numbers, booleans and null; 64-bit integers, decimals and times are texts. */
  readonly rows: readonly (readonly unknown[])[];
  /** There were more. */
  readonly isCut: boolean;
  readonly milliseconds: number;
  /** Files that the plan reads of each table, and those that it could prove to hold no row. */
  readonly plan: readonly {
    readonly table: string;
    readonly filesRead: number;
    readonly filesSkipped: number;
    readonly bytesRead: number;
  }[];
}

// ── Learn ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Kept in `.lake/work/progress.json`. */
export interface MilestoneProgress {
  /** By the question's name: what was predicted, and when. The first answer stays. */
  readonly predictions: Readonly<Record<string, { readonly choice: string; readonly at: string }>>;
  /** By the exercise's name, as its check last said. */
  readonly exercises: Readonly<Record<string, "open" | "failing" | "solved">>;
  /** Ids of cells that have run without an error, ever. */
  readonly ran: readonly string[];
  /** The last cell that was looked at: where to go on. */
  readonly cell?: string | undefined;
}

/** `GET /studio/progress` → by milestone's id. */
export type Progress = Readonly<Record<string, MilestoneProgress>>;

/** `POST /studio/progress/:milestone` adds to it → `MilestoneProgress`. Two tabs at once lose nothing of each other. */
export interface ProgressChange {
  readonly prediction?: { readonly name: string; readonly choice: string } | undefined;
  readonly exercise?: { readonly name: string; readonly state: "open" | "failing" | "solved" } | undefined;
  readonly ran?: readonly string[] | undefined;
  readonly cell?: string | undefined;
}

// ── Write ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `GET /studio/pieces/:milestone` → its texts as they will be published, with the facts of the last run. */
export interface PieceState {
  /** `doc`, `blog`, `linkedin`, `video`, … */
  readonly kind: string;
  /** From the project's root. */
  readonly file: string;
  /** The text as it is written. */
  readonly source: string;
  readonly etag: string;
  /** As the site shows it; links lead to nowhere. Show it in the frame. Empty where it has no page. */
  readonly html: string;
  /** Every rule of its channel, held or not, with its place; limits are counted in the message. */
  readonly checks: readonly PieceCheck[];
  /** To copy, by name: `linkedin.txt`, `devto.md`, `medium.html`, … */
  readonly copies: readonly { readonly name: string; readonly text: string }[];
}

export interface PieceCheck {
  readonly rule: string;
  readonly ok: boolean;
  /** False for what is only missing yet. */
  readonly breaks: boolean;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface PiecesState {
  readonly milestone: string;
  /** Why outputs are older than their code; empty where they are fresh. */
  readonly stale: readonly string[];
  readonly pieces: readonly PieceState[];
}

/**
 * `PUT /studio/pieces/:milestone/:kind` writes the text into its file, which is what an editor would do → `PiecesState`;
 * 409 where the file has changed since.
 */
export interface PieceChange {
  readonly source: string;
  readonly etag: string;
}

// ── Drill ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A question of a `drills.yaml`, with its figures in place. */
export interface DrillCard {
  /** `m03/second-partition-key`. */
  readonly id: string;
  /** Of its milestone: `M3`. */
  readonly label: string;
  readonly ask: string;
  readonly answer: string;
  /** A question that usually follows, and what to say to it. */
  readonly follows: string;
  readonly evidence: readonly {
    readonly kind: "fact" | "cell" | "decision";
    readonly name: string;
    /** Where the notebook has it: `m03/append`. */
    readonly cell?: string | undefined;
  }[];
}

/** `GET /studio/drills?milestone=m03` → the question to ask next, of all milestones where none is named. */
export interface DrillState {
  readonly all: number;
  /** Answered at least once. */
  readonly seen: number;
  /** Of those, how many are to be asked again now. */
  readonly due: number;
  /** Milestones whose figures are of a run that is older than their code. */
  readonly older: readonly string[];
  /** Nothing where all have been answered and none is due. */
  readonly card?: DrillCard | undefined;
  /** When the question that was just answered comes again: ISO 8601, UTC. */
  readonly again?: string | undefined;
}

/** `POST /studio/drills` notes how well an answer was known, as `slh interview drill` does → `DrillState` of the same milestone. */
export interface DrillAnswer {
  readonly card: string;
  readonly grade: "again" | "hard" | "good" | "easy";
  readonly milestone?: string | undefined;
}

// ── The frame of outputs ────────────────────────────────────────────────────────────────────────────────────────────

/**
 * `GET /frame` is a page of its own for HTML and SVG that cells put out, to be loaded in
 * `<iframe sandbox="allow-scripts" src="/frame">`: its origin is opaque, it may connect to nothing, and nothing that is put
 * into it as HTML can run script. The program is `ui/frame.ts`, which the server puts into the page; it is told what to
 * show by `postMessage` and answers with its height.
 */
export type ToFrame =
  | { readonly type: "html"; readonly html: string; readonly theme: "light" | "dark" }
  | { readonly type: "svg"; readonly svg: string; readonly theme: "light" | "dark" };

export type FromFrame =
  | { readonly type: "ready" }
  | { readonly type: "size"; readonly height: number }
  | { readonly type: "link"; readonly href: string };
