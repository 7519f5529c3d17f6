import type { Cell, CellMetadata, CellType, Output } from "../../../notebook/index.js";
import type { LanguageDiagnostic } from "../../contract.js";
import { Watched } from "../base/watched.js";
import { recordIn } from "./records.js";

/** Where a cell stands. `recorded`: its outputs are of an earlier run, whose kernel is gone. */
export type RunState =
  | { readonly kind: "new" | "recorded" | "queued" | "aborted" }
  | { readonly kind: "running"; readonly since: number }
  | { readonly kind: "ok" | "failed"; readonly milliseconds: number };

/** A cell in the studio: what of it changes is watched part by part, so that an output redraws no editor. */
export class StudioCell {
  readonly id: string;
  readonly type: Watched<CellType>;
  readonly source: Watched<string>;
  readonly outputs: Watched<readonly Output[]>;
  readonly count: Watched<number | null>;
  readonly run: Watched<RunState>;
  readonly diagnostics = new Watched<readonly LanguageDiagnostic[]>([]);
  /** Whether the code is shown; folded cells open on demand. */
  readonly isOpen: Watched<boolean>;
  readonly metadata: CellMetadata;
  readonly attachments: Cell["attachments"];

  constructor(cell: Cell) {
    this.id = cell.id;
    this.type = new Watched(cell.cell_type);
    this.source = new Watched(cell.source);
    this.outputs = new Watched(cell.outputs ?? []);
    this.count = new Watched(cell.execution_count ?? null);
    this.run = new Watched<RunState>({ kind: (cell.outputs ?? []).length > 0 ? "recorded" : "new" });
    this.metadata = cell.metadata;
    this.attachments = cell.attachments;
    this.isOpen = new Watched(!this.folds);
  }

  get tags(): readonly string[] {
    return this.metadata.tags ?? [];
  }

  get isCode(): boolean {
    return this.type.value === "code";
  }

  /** It asks for a prediction: its code has the answer in it. */
  get isPrediction(): boolean {
    return (
      this.isCode &&
      (recordIn(this.outputs.value, "predict") !== undefined || /^\s*predict\(/.test(this.source.value))
    );
  }

  /** Exercises whose solution it is. */
  get solutionOf(): string | undefined {
    return this.tags.find((tag) => tag.startsWith("solution:"))?.slice("solution:".length);
  }

  /** The exercise whose check it is. */
  get checkOf(): string | undefined {
    return this.isCode ? /\bcheck\(\s*["']([^"']+)["']/.exec(this.source.value)?.[1] : undefined;
  }

  /** Bookkeeping, solutions and predictions are folded, as on the site. */
  get folds(): boolean {
    const { jupyter } = this.metadata as { jupyter?: { source_hidden?: unknown } };
    return (
      this.isCode &&
      (jupyter?.source_hidden === true ||
        this.tags.includes("hide-input") ||
        this.solutionOf !== undefined ||
        this.isPrediction)
    );
  }

  /** As the file has it. */
  toJson(): Cell {
    const type = this.type.value;
    return {
      cell_type: type,
      id: this.id,
      metadata: this.metadata,
      source: this.source.value,
      ...(this.attachments ? { attachments: this.attachments } : {}),
      ...(type === "code" ? { execution_count: this.count.value, outputs: this.outputs.value } : {}),
    };
  }
}
