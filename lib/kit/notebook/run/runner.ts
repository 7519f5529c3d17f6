import { type ChildProcess, fork } from "node:child_process";
import { notebookFailed } from "../../errors.js";
import type { RunFailure } from "../file/metadata.js";
import { type Cell, type Notebook, type Output, solutionsOf } from "../file/nbformat.js";
import { namedIn } from "../file/recorded.js";
import { builtModule } from "../kernel/built.js";
import type { FromKernel, KernelFailure, ToKernel } from "../kernel/protocol.js";
import { OutputCollector } from "./outputs.js";

export type RunProgress =
  | { readonly type: "starting"; readonly cells: number }
  | {
      readonly type: "cell";
      /** From 1, among the cells that run. */
      readonly number: number;
      readonly of: number;
      readonly id: string;
      /** Milliseconds since the run began. */
      readonly elapsed: number;
    }
  | { readonly type: "finished"; readonly elapsed: number };

export interface RunOptions {
  /** The working directory of the cells: the notebook's folder. */
  readonly folder: string;
  /** Paths below it come out relative, in errors and outputs alike. */
  readonly root: string;
  /** Milliseconds that one cell may take; 5 minutes when left out. */
  readonly cellTimeout?: number | undefined;
  /** Milliseconds that the cells together may take; 10 minutes when left out. */
  readonly notebookTimeout?: number | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Aborting kills the child process; the run then has failed with the name `Aborted`. */
  readonly signal?: AbortSignal | undefined;
}

export interface NotebookRun {
  /** With the outputs and execution counts of this run; metadata as given. */
  readonly notebook: Notebook;
  readonly failure: RunFailure | undefined;
  /** Cells that were run, the failing one included. */
  readonly cells: number;
  readonly milliseconds: number;
  /** Data sets that cells asked for: name to path. */
  readonly datasets: Readonly<Record<string, string>>;
  /** Data files below the root or the folder that cells have read: absolute paths. */
  readonly files: readonly string[];
  /** Files there that cells have written: no data that was given to them. */
  readonly written: readonly string[];
  readonly tslab: string;
}

const NOTHING_READ: Pick<NotebookRun, "datasets" | "files" | "written"> = {
  datasets: {},
  files: [],
  written: [],
};

const MINUTE = 60_000;

/** The kernel loads a TypeScript of its own before it answers: a second or two, more on a busy machine. */
const START_LIMIT = 2 * MINUTE;

/**
 * Runs a notebook headless: every code cell in order, in one child process. Stops at the first cell that fails,
 * with its error among the cell's outputs, as Jupyter does.
 *
 * @throws LakehouseError `NOTEBOOK_FAILED` when the kernel cannot start at all. A cell that fails is no exception:
 *   see `failure`.
 */
export async function runNotebook(notebook: Notebook, options: RunOptions): Promise<NotebookRun> {
  const supervisor = new Supervisor(notebook, options);
  try {
    return await supervisor.run();
  } finally {
    supervisor.kill();
  }
}

/** Blank cells do not run, and get no number. */
const runs = (cell: Cell): boolean => cell.cell_type === "code" && cell.source.trim() !== "";

const TIMEOUT_TAG = /^timeout:(\d+)$/;

/** How long one cell may take, in milliseconds: a tag `timeout:900` gives it its own number of seconds. */
function timeoutOf(cell: Cell, usual: number): number {
  const tagged = (cell.metadata.tags ?? []).map((tag) => TIMEOUT_TAG.exec(tag)?.[1]).find(Boolean);
  return tagged ? Number(tagged) * 1000 : usual;
}

class Supervisor {
  readonly #notebook: Notebook;
  readonly #options: RunOptions;
  readonly #child: ChildProcess;
  readonly #outputs: OutputCollector;
  /** Names that were recorded, and in which cell. */
  readonly #names = new Map<string, number>();
  readonly #started = performance.now();
  #ready = 0;
  #tslab = "";
  #failure: RunFailure | undefined;
  /** Position of the cell that runs, or −1 before the first. */
  #current = -1;
  #settle: ((message: FromKernel | KernelFailure) => void) | undefined;
  #death: KernelFailure | undefined;

  constructor(notebook: Notebook, options: RunOptions) {
    this.#notebook = notebook;
    this.#options = options;
    this.#outputs = new OutputCollector(notebook.cells.length, options.root);
    this.#child = fork(builtModule("main"), [options.root], {
      cwd: options.folder,
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, ...options.env },
      // Loading the library with require() is what tslab does, and no news to the reader of a notebook.
      execArgv: ["--disable-warning=ExperimentalWarning", "--enable-source-maps"],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // A group of its own: a server that a cell started ends with the run.
      detached: process.platform !== "win32",
    });
    this.#child.on("message", (message: FromKernel) => this.#receive(message));
    this.#child.on("error", (error) => this.#die(`The kernel cannot be started: ${error.message}.`));
    this.#child.on("exit", (code, signal) =>
      this.#die(`The kernel ended by itself (${signal ?? `exit code ${code}`}).`),
    );
    // What native code prints goes past the kernel's own streams.
    for (const name of ["stdout", "stderr"] as const) {
      this.#child[name]?.setEncoding("utf8").on("data", (text: string) => {
        this.#outputs.add(Math.max(0, this.#current), { output_type: "stream", name, text });
      });
    }
    options.signal?.addEventListener("abort", this.#abort);
  }

  async run(): Promise<NotebookRun> {
    const { cells } = this.#notebook;
    const positions = cells.flatMap((cell, index) => (runs(cell) ? [index] : []));
    this.#options.onProgress?.({ type: "starting", cells: positions.length });
    const ready = await this.#next(START_LIMIT);
    this.#ready = performance.now();
    if ("type" in ready && ready.type === "ready") this.#tslab = ready.tslab;
    else {
      throw notebookFailed(
        "kernel",
        `The notebook kernel did not start: ${(ready as KernelFailure).message}`,
        "Install @sololakehouse/kit anew (npm install), or in its checkout run npm start once: it builds what the kernel needs.",
      );
    }
    let done = 0;
    for (const position of positions) {
      if (this.#failure) break;
      await this.#runCell(position, ++done, positions.length);
    }
    const { datasets, files, written } = this.#failure ? NOTHING_READ : await this.#finish();
    const milliseconds = performance.now() - this.#started;
    this.#options.onProgress?.({ type: "finished", elapsed: milliseconds });
    return {
      notebook: this.#executed(positions.slice(0, done)),
      failure: this.#failure,
      cells: done,
      milliseconds,
      datasets,
      files,
      written,
      tslab: this.#tslab,
    };
  }

  async #runCell(position: number, number: number, of: number): Promise<void> {
    const cell = this.#notebook.cells[position] as Cell;
    this.#current = position;
    this.#options.onProgress?.({ type: "cell", number, of, id: cell.id, elapsed: this.#elapsed() });
    this.#send({ type: "execute", cell: position, source: cell.source, solutions: solutionsOf(cell) });
    const cellTimeout = timeoutOf(cell, this.#options.cellTimeout ?? 5 * MINUTE);
    const limit = Math.min(cellTimeout, this.#remaining());
    const answer = await this.#next(limit, () =>
      limit === cellTimeout
        ? `The cell ran longer than ${seconds(cellTimeout)}.`
        : `The notebook ran longer than ${seconds(this.#options.notebookTimeout ?? 10 * MINUTE)}.`,
    );
    if (!("type" in answer)) this.#fail(position, answer);
  }

  async #finish(): Promise<Pick<NotebookRun, "datasets" | "files" | "written">> {
    this.#send({ type: "finish" });
    const answer = await this.#next(this.#remaining());
    if ("type" in answer) return answer.type === "finished" ? answer : NOTHING_READ;
    this.#fail(this.#current, answer);
    return NOTHING_READ;
  }

  #receive(message: FromKernel): void {
    switch (message.type) {
      case "output":
        this.#refuseSecond(message.cell, message.output);
        this.#outputs.add(message.cell, message.output, message.displayId);
        break;
      case "update":
        this.#outputs.update(message.displayId, message.data, message.metadata);
        break;
      case "failed":
        this.#fail(message.cell, message.failure);
        break;
      default:
        this.#settle?.(message);
    }
  }

  /** A name is recorded once: a second value would silently take the place of the first in every text. */
  #refuseSecond(cell: number, output: Output): void {
    const named = namedIn(output);
    if (!named) return;
    const key = `${named.kind} "${named.name}"`;
    const first = this.#names.get(key);
    this.#names.set(key, first ?? cell);
    if (first === undefined) return;
    const at = (position: number) =>
      `cell [${this.#count(position)}] (${this.#notebook.cells[position]?.id})`;
    const where = first === cell ? `twice in ${at(cell)}` : `in ${at(first)} and again in ${at(cell)}`;
    this.#fail(cell, {
      name: "RecordedTwice",
      message: `The ${key} is recorded ${where}. Give one of them another name.`,
      frames: [],
    });
  }

  /** The next message that ends a step, or why there is none. */
  #next(
    limit: number,
    late = () => `The kernel gave no answer within ${seconds(limit)}.`,
  ): Promise<FromKernel | KernelFailure> {
    if (this.#death) return Promise.resolve(this.#death);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const death = { name: "Timeout", message: late(), frames: [] };
        this.#death ??= death;
        this.kill();
        settle(death);
      }, limit);
      const settle = (message: FromKernel | KernelFailure) => {
        clearTimeout(timer);
        this.#settle = undefined;
        resolve(message);
      };
      this.#settle = settle;
    });
  }

  #die(message: string): void {
    this.#death ??= { name: "KernelDied", message, frames: [] };
    this.#settle?.(this.#death);
  }

  readonly #abort = () => {
    this.#death ??= { name: "Aborted", message: "The run was stopped.", frames: [] };
    this.kill();
    this.#settle?.(this.#death);
  };

  /** Writes an error into its cell; the first one is why the run failed. */
  #fail(position: number, failure: KernelFailure): void {
    const cell = this.#notebook.cells[position] as Cell;
    const executionCount = this.#count(position);
    const line = failure.line === undefined ? undefined : cell.source.split("\n")[failure.line - 1]?.trim();
    this.#outputs.add(position, {
      output_type: "error",
      ename: failure.name,
      evalue: failure.message,
      traceback: [
        `${failure.name}: ${failure.message}`,
        ...(line === undefined ? [] : [`  line ${failure.line}: ${line}`]),
        ...failure.frames.map((frame) => `    ${frame}`),
      ],
    });
    this.#failure ??= {
      cell: { id: cell.id, index: position, executionCount },
      name: failure.name,
      message: failure.message,
      line: failure.line,
    };
  }

  /** `[n]`: the position among the cells that run, from 1. */
  #count(position: number): number {
    return this.#notebook.cells.slice(0, position + 1).filter(runs).length;
  }

  #executed(ran: readonly number[]): Notebook {
    const cells = this.#notebook.cells.map((cell, index): Cell => {
      if (cell.cell_type !== "code") return cell;
      const count = ran.includes(index) ? this.#count(index) : null;
      return { ...cell, execution_count: count, outputs: this.#outputs.of(index, count) };
    });
    return { ...this.#notebook, cells };
  }

  #send(message: ToKernel): void {
    // A child that has died in between is reported by its exit.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #elapsed(): number {
    return performance.now() - this.#started;
  }

  #remaining(): number {
    return Math.max(1, (this.#options.notebookTimeout ?? 10 * MINUTE) - (performance.now() - this.#ready));
  }

  kill(): void {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (process.platform === "win32") this.#child.kill("SIGKILL");
      else process.kill(-pid, "SIGKILL");
    } catch (error) {
      // ESRCH: the whole group is gone already.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 100) / 10} s`;
