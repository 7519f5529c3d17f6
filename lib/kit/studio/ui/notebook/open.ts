/// <reference lib="dom" />
import type { Cell, CellType, Notebook } from "../../../notebook/index.js";
import type { MilestoneSummary, NotebookSaved, NotebookState } from "../../contract.js";
import { ask, Refused } from "../base/server.js";
import { Watched } from "../base/watched.js";
import { KernelConnection } from "../kernel/connection.js";
import { StudioCell } from "./cell.js";

export type SaveState = "saved" | "waiting" | "saving" | "conflict" | "failed";

const SAVE_AFTER = 700;

/** The notebook of a milestone, open in the studio: its cells, what is selected, and how it is saved. */
export class OpenNotebook {
  readonly milestone: MilestoneSummary;
  readonly kernel: KernelConnection;
  readonly cells: Watched<readonly StudioCell[]>;
  readonly selected: Watched<string>;
  readonly mode = new Watched<"command" | "edit">("command");
  readonly save = new Watched<SaveState>("saved");
  readonly isWorkingCopy: Watched<boolean>;
  readonly isBehind: Watched<boolean>;
  #etag: string;
  #metadata: Notebook["metadata"];
  readonly #minor: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saving: Promise<void> | undefined;
  readonly #deleted: { readonly at: number; readonly cell: StudioCell }[] = [];

  constructor(milestone: MilestoneSummary, state: NotebookState) {
    this.milestone = milestone;
    this.kernel = new KernelConnection(milestone.folder);
    this.cells = new Watched(this.#watched(state.notebook.cells));
    this.selected = new Watched(this.cells.value[0]?.id ?? "");
    this.isWorkingCopy = new Watched(state.isWorkingCopy);
    this.isBehind = new Watched(state.isBehind);
    this.#etag = state.etag;
    this.#metadata = state.notebook.metadata;
    this.#minor = state.notebook.nbformat_minor;
  }

  get etag(): string {
    return this.#etag;
  }

  cell(id: string): StudioCell | undefined {
    return this.cells.value.find((cell) => cell.id === id);
  }

  index(id: string): number {
    return this.cells.value.findIndex((cell) => cell.id === id);
  }

  #watched(cells: readonly Cell[]): StudioCell[] {
    return cells.map((cell) => this.#watch(new StudioCell(cell)));
  }

  #watch(cell: StudioCell): StudioCell {
    for (const part of [cell.source, cell.outputs, cell.type]) part.watch(() => this.changed());
    return cell;
  }

  /** Something of the file has changed: it is saved when nothing more does for a moment. */
  changed(): void {
    if (this.save.value === "conflict") return;
    this.save.value = "waiting";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.saveNow(), SAVE_AFTER);
  }

  /** Writes the working copy. One save at a time: each needs the etag of the one before. */
  async saveNow(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#saving;
    if (this.save.value !== "waiting" && this.save.value !== "failed") return;
    this.save.value = "saving";
    this.#saving = this.#put();
    await this.#saving;
    this.#saving = undefined;
  }

  async #put(): Promise<void> {
    try {
      const change = { notebook: this.toJson(), etag: this.#etag };
      const saved = await ask<NotebookSaved>(`/studio/notebooks/${this.milestone.id}`, "PUT", change);
      this.#etag = saved.etag;
      this.isWorkingCopy.value = true;
      // What has changed in the meantime has set it to `waiting` already.
      if (this.save.value === "saving") this.save.value = "saved";
    } catch (error) {
      this.save.value = error instanceof Refused && error.status === 409 ? "conflict" : "failed";
      if (this.save.value === "failed") this.#timer = setTimeout(() => void this.saveNow(), 3000);
    }
  }

  /** Takes what the server has, in place of what is here. */
  take(state: NotebookState): void {
    clearTimeout(this.#timer);
    const before = this.selected.value;
    this.#etag = state.etag;
    this.#metadata = state.notebook.metadata;
    this.cells.value = this.#watched(state.notebook.cells);
    if (!this.cell(before)) this.selected.value = this.cells.value[0]?.id ?? "";
    this.isWorkingCopy.value = state.isWorkingCopy;
    this.isBehind.value = state.isBehind;
    this.save.value = "saved";
  }

  /** Saves what is here over what another tab has saved. */
  async overwrite(): Promise<void> {
    const now = await ask<NotebookState>(`/studio/notebooks/${this.milestone.id}`);
    this.#etag = now.etag;
    this.save.value = "waiting";
    await this.saveNow();
  }

  toJson(): Notebook {
    return {
      cells: this.cells.value.map((cell) => cell.toJson()),
      metadata: this.#metadata,
      nbformat: 4,
      nbformat_minor: this.#minor,
    };
  }

  /** A new cell above or below another, selected. */
  insert(beside: string, where: "above" | "below", type: CellType = "code"): StudioCell {
    const cell = this.#watch(
      new StudioCell({
        cell_type: type,
        id: crypto.randomUUID().slice(0, 8),
        metadata: {},
        source: "",
      }),
    );
    const at = this.index(beside) + (where === "below" ? 1 : 0);
    this.cells.value = [...this.cells.value.slice(0, at), cell, ...this.cells.value.slice(at)];
    this.selected.value = cell.id;
    this.changed();
    return cell;
  }

  /** Deletes a cell; `undelete` brings it back. A notebook keeps one cell at least. */
  delete(id: string): void {
    const at = this.index(id);
    const cell = this.cells.value[at];
    if (!cell || this.cells.value.length === 1) return;
    this.#deleted.push({ at, cell });
    this.cells.value = this.cells.value.filter((each) => each !== cell);
    this.selected.value = (this.cells.value[at] ?? this.cells.value.at(-1))?.id ?? "";
    this.changed();
  }

  undelete(): void {
    const last = this.#deleted.pop();
    if (!last) return;
    const cells = [...this.cells.value];
    cells.splice(last.at, 0, last.cell);
    this.cells.value = cells;
    this.selected.value = last.cell.id;
    this.changed();
  }

  move(id: string, by: -1 | 1): void {
    const at = this.index(id);
    const cells = [...this.cells.value];
    const [one, other] = [cells[at], cells[at + by]];
    if (!one || !other) return;
    cells[at] = other;
    cells[at + by] = one;
    this.cells.value = cells;
    this.changed();
  }

  close(): void {
    void this.saveNow();
    this.kernel.close();
  }
}
