/// <reference lib="dom" />
import type { Output } from "../../../notebook/index.js";
import { notify } from "../base/notices.js";
import { inWords } from "../base/server.js";
import { Watched } from "../base/watched.js";
import type { Listener, Pending } from "../kernel/connection.js";
import type { StudioCell } from "./cell.js";
import { withOutput } from "./collect.js";
import type { OpenNotebook } from "./open.js";
import type { ProgressKeeper } from "./progress.js";
import { recordIn } from "./records.js";

/** Milliseconds in which a cell that can be interrupted comes to rest. */
const HEEDS_WITHIN = 2000;

/** Runs cells one after another, and stops where one fails, or where a prediction is wanted first. */
export class Runner {
  /** The prediction that a run waits for. */
  readonly asked = new Watched<string | undefined>(undefined);
  readonly #notebook: OpenNotebook;
  readonly #progress: ProgressKeeper;
  #queue: StudioCell[] = [];
  #running: StudioCell | undefined;

  constructor(notebook: OpenNotebook, progress: ProgressKeeper) {
    this.#notebook = notebook;
    this.#progress = progress;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** Puts cells into the queue; blank ones and text have nothing to run. */
  run(cells: readonly StudioCell[]): void {
    const wanted = cells.filter(
      (cell) => cell.isCode && cell.source.value.trim() !== "" && !this.#queue.includes(cell),
    );
    for (const cell of wanted) if (cell !== this.#running) cell.run.value = { kind: "queued" };
    this.#queue.push(...wanted);
    void this.#next();
  }

  runAll(): void {
    this.run(this.#notebook.cells.value.filter((cell) => this.#belongsToAll(cell)));
  }

  /** All cells above that have not run in this kernel, and the cell itself. */
  runTo(cell: StudioCell): void {
    this.run([...this.#missingAbove(cell), cell]);
  }

  /** An exercise as it is written now: what it builds upon, as far as that has not run, its code, and its check. */
  tryOut(starter: StudioCell, check: StudioCell): void {
    this.run([...this.#missingAbove(starter), ...(starter === check ? [] : [starter]), check]);
  }

  #missingAbove(cell: StudioCell): StudioCell[] {
    const above = this.#notebook.cells.value.slice(0, this.#notebook.index(cell.id));
    return above.filter((each) => each.run.value.kind !== "ok" && this.#belongsToAll(each));
  }

  /** A solution would take the place of the reader's own code, which passes. */
  #belongsToAll(cell: StudioCell): boolean {
    const exercise = cell.solutionOf;
    return exercise === undefined || this.#progress.value.exercises[exercise] !== "solved";
  }

  /**
   * What waits runs no more; what runs is interrupted. A loop that never comes to rest hears no interrupt: its kernel is
   * restarted then, and the reader is told.
   */
  async interrupt(): Promise<void> {
    this.#dropQueue();
    const running = this.#running;
    await this.#notebook.kernel.interrupt().catch((error: unknown) => notify(inWords(error), "trouble"));
    await new Promise((resolve) => setTimeout(resolve, HEEDS_WITHIN));
    if (running === undefined || this.#running !== running) return;
    await this.restart();
    notify(
      "The cell did not heed the interrupt, so the kernel was restarted: what cells had declared is gone.",
    );
  }

  async restart(): Promise<void> {
    this.#dropQueue();
    try {
      await this.#notebook.kernel.restart();
      for (const { run } of this.#notebook.cells.value)
        if (run.value.kind === "ok" || run.value.kind === "failed") run.value = { kind: "recorded" };
    } catch (error) {
      notify(inWords(error), "trouble");
    }
  }

  /** The prediction that has to come before the cell: asked just above it, and not answered. */
  predictionBefore(cell: StudioCell): StudioCell | undefined {
    if (!cell.isCode || cell.folds) return undefined;
    const cells = this.#notebook.cells.value;
    for (let at = this.#notebook.index(cell.id) - 1; at >= 0; at--) {
      const above = cells[at] as StudioCell;
      if (!above.isCode) continue;
      if (above.isPrediction) {
        const isKnown = recordIn(above.outputs.value, "predict") !== undefined;
        return isKnown && !(above.id in this.#progress.value.predictions) ? above : undefined;
      }
      if (!above.folds) return undefined;
    }
    return undefined;
  }

  /** After a reload: what an earlier page has sent and not seen the end of. */
  async resume(): Promise<void> {
    const pending = this.#remembered();
    const isThere = await this.#notebook.kernel.resume().catch(() => false);
    if (!isThere) return this.#remember(undefined);
    for (const cell of this.#notebook.cells.value)
      if (cell.isCode && cell.outputs.value.length > 0 && this.#progress.value.ran.includes(cell.id))
        cell.run.value = { kind: "ok", milliseconds: 0 };
    const cell = pending && this.#notebook.cell(pending.cell);
    if (!pending || !cell || this.#notebook.kernel.state.value !== "busy") return this.#remember(undefined);
    this.#running = cell;
    cell.run.value = { kind: "running", since: pending.since };
    this.#notebook.kernel.adopt(pending, this.#listener(cell, pending.since, cell.outputs.value));
  }

  async #next(): Promise<void> {
    if (this.#running) return;
    const cell = this.#queue.shift();
    if (!cell) return;
    const prediction = this.predictionBefore(cell);
    if (prediction) {
      this.#queue.unshift(cell);
      this.#dropQueue();
      this.asked.value = prediction.id;
      this.#notebook.selected.value = prediction.id;
      return;
    }
    this.asked.value = undefined;
    this.#running = cell;
    const since = Date.now();
    cell.run.value = { kind: "running", since };
    cell.count.value = null;
    try {
      const listener = this.#listener(cell, since);
      this.#remember(await this.#notebook.kernel.execute(cell.id, cell.source.value, listener));
    } catch (error) {
      this.#running = undefined;
      cell.run.value = { kind: "aborted" };
      this.#dropQueue();
      notify(inWords(error), "trouble");
    }
  }

  /** @param before what the cell has put out already, in an earlier page */
  #listener(cell: StudioCell, since: number, before: readonly Output[] = []): Listener {
    // Messages come by the thousand: they are put together once a frame.
    let outputs = before;
    let isDrawn = false;
    let frame: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      clearTimeout(frame);
      frame = undefined;
      if (isDrawn) cell.outputs.value = outputs;
    };
    return {
      message: (message) => {
        if (message.header.msg_type === "execute_reply" || message.header.msg_type === "execute_input") {
          const { execution_count: number } = message.content;
          if (typeof number === "number") cell.count.value = number;
          return;
        }
        outputs = withOutput(outputs, message);
        isDrawn = true;
        frame ??= setTimeout(draw, 30);
      },
      done: (outcome) => {
        isDrawn = true;
        draw();
        this.#running = undefined;
        this.#remember(undefined);
        const milliseconds = Date.now() - since;
        if (outcome === "ok") {
          cell.run.value = { kind: "ok", milliseconds };
          this.#progress.ran(cell);
          void this.#next();
        } else {
          cell.run.value = outcome === "error" ? { kind: "failed", milliseconds } : { kind: "aborted" };
          this.#dropQueue();
        }
      },
    };
  }

  #dropQueue(): void {
    for (const cell of this.#queue)
      cell.run.value = { kind: cell.outputs.value.length > 0 ? "recorded" : "new" };
    this.#queue = [];
  }

  get #key(): string {
    return `pending:${this.#notebook.milestone.id}`;
  }

  #remember(pending: Pending | undefined): void {
    if (pending) sessionStorage.setItem(this.#key, JSON.stringify(pending));
    else sessionStorage.removeItem(this.#key);
  }

  #remembered(): Pending | undefined {
    const stored = sessionStorage.getItem(this.#key);
    return stored ? (JSON.parse(stored) as Pending) : undefined;
  }
}
