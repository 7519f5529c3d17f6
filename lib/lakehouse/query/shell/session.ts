import { branchingOf, type Catalog, isBranchingCatalog } from "../../catalog/index.js";
import { duration, ink, printLine, reportError } from "../../terminal/index.js";
import type { QueryEngine } from "../engine/query-engine.js";
import type { ResultFormat } from "../result/format.js";
import type { QueryResult } from "../result/query-result.js";
import type { QueryContext } from "../room.js";
import { splitStatements } from "../text/statements.js";
import { runDotCommand } from "./dot-commands.js";
import { type Names, namesOf, onRef } from "./names.js";
import { fileFormat, writeResultFile, writtenLine } from "./output-file.js";
import { printResult } from "./print.js";

/**
 * A session of `slh shell`, without its terminal: lines come in, results go out. A statement ends with a semicolon, on
 * whatever line; a line that begins with a dot, between statements, is a command. Lines that come while something runs
 * wait for it. An error is shown, and the session goes on.
 */
export class Session {
  readonly context: QueryContext;
  mode: ResultFormat = "table";
  timing = false;
  /** The file that takes the rows of the next statement. */
  file: string | undefined;
  /** True once something failed. */
  hasFailed = false;
  /** True after `.quit`: nothing runs any more. */
  hasQuit = false;
  #ref: string | undefined;
  #names: Names;
  /** The statement that is not through yet. */
  #pending = "";
  #running: AbortController | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(context: QueryContext) {
    this.context = context;
    this.#names = namesOf(this.catalog);
  }

  get engine(): QueryEngine {
    return this.context.engine;
  }

  /** As the session sees it. */
  get catalog(): Catalog {
    return onRef(this.context.catalog, this.#ref);
  }

  get names(): Names {
    return this.#names;
  }

  get pending(): string {
    return this.#pending;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** The branch, tag or commit that names are looked up on; `undefined` where the catalog has none. */
  get ref(): string | undefined {
    const { catalog } = this.context;
    return this.#ref ?? (isBranchingCatalog(catalog) ? catalog.ref : undefined);
  }

  /** @throws LakehouseError NO_SUCH_REF, UNSUPPORTED_FEATURE where there are no branches. */
  async switchTo(ref: string): Promise<void> {
    await branchingOf(this.context.catalog).on(ref).hash();
    this.#ref = ref;
    this.#names = namesOf(this.catalog);
  }

  /** What is typed next, after all that was typed before. */
  line(text: string): Promise<void> {
    this.#queue = this.#queue.then(() => this.#take(text));
    return this.#queue;
  }

  /** The end of what is typed: a statement without its semicolon is one as well. */
  end(): Promise<void> {
    return this.line(";");
  }

  /** Ends what runs; where nothing does, what is half typed is forgotten. */
  interrupt(): void {
    if (this.#running === undefined) this.#pending = "";
    else this.#running.abort();
  }

  /** Runs a text, as typed here. */
  async run(text: string): Promise<void> {
    const { statements, rest } = splitStatements(text);
    for (const statement of rest.trim() === "" ? statements : [...statements, rest])
      await this.#statement(statement);
  }

  async #take(text: string): Promise<void> {
    if (this.hasQuit) return;
    try {
      if (this.#pending === "" && text.trimStart().startsWith(".")) {
        await runDotCommand(this, text.trim());
        return;
      }
      const { statements, rest } = splitStatements(this.#pending === "" ? text : `${this.#pending}\n${text}`);
      this.#pending = rest.trim() === "" ? "" : rest;
      for (const statement of statements) await this.#statement(statement);
    } catch (error) {
      this.#pending = "";
      this.#failed(error);
    }
  }

  async #statement(statement: string): Promise<void> {
    const running = new AbortController();
    const { signal } = running;
    this.#running = running;
    const started = performance.now();
    try {
      const result = await this.engine.sql(statement, { ref: this.#ref, signal });
      await this.#put(result, signal);
      signal.throwIfAborted();
      if (this.timing) console.log(ink(duration(performance.now() - started), "grey"));
    } catch (error) {
      if (signal.aborted) console.error("Interrupted.");
      else this.#failed(error);
    } finally {
      this.#running = undefined;
      this.#names = namesOf(this.catalog);
    }
  }

  async #put(result: QueryResult, signal: AbortSignal): Promise<void> {
    const { file } = this;
    if (file === undefined) return printResult(result, this.mode, { signal });
    this.file = undefined;
    printLine(writtenLine(file, await writeResultFile(result, file, fileFormat(file))));
  }

  #failed(error: unknown): void {
    this.hasFailed = true;
    reportError(error);
  }
}
