import { closed, unsupported } from "../../errors.js";
import type { PipelineContext } from "../pipeline.js";
import { checkSparkOptions, type SparkOptions } from "./options.js";
import { Past } from "./past.js";
import type { SparkSession } from "./session.js";

/** Spark, as the engine of pipelines: it is started when a task first has something for it, and stays until `close`. */
export class Spark implements AsyncDisposable {
  readonly #context: PipelineContext;
  readonly #options: SparkOptions;
  /** @internal */
  readonly past = new Past();
  #session: Promise<SparkSession> | undefined;
  #isClosed = false;

  /** `lake.pipeline.spark` makes one. */
  constructor(context: PipelineContext, options: SparkOptions) {
    checkSparkOptions(options);
    this.#context = context;
    this.#options = options;
  }

  /** @internal Whether it reads and writes the tables of this lakehouse. */
  serves({ store }: Pick<PipelineContext, "store">): boolean {
    return store !== undefined && store === this.#context.store;
  }

  /** @internal Has the driver do something. */
  async call(
    name: string,
    args: Readonly<Record<string, unknown>>,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    if (this.#isClosed) throw closed("Spark");
    if (this.#session !== undefined && !(await this.#isOpen(this.#session))) this.#session = undefined;
    this.#session ??= this.#open();
    return (await this.#session).call(name, args, signal);
  }

  async #open(): Promise<SparkSession> {
    const [{ SparkSession }, { branchingOf }] = await Promise.all([
      import("./session.js"),
      import("../../catalog/index.js"),
    ]);
    const { catalog, store } = this.#context;
    if (store === undefined)
      throw unsupported(
        "spark",
        "Spark is not told here where the tables' files are.",
        "Use lake.pipeline.spark().",
      );
    return SparkSession.open({ catalog: this.past.shown(branchingOf(catalog)), store }, this.#options);
  }

  /** One that has ended is started anew for the next call. */
  async #isOpen(session: Promise<SparkSession>): Promise<boolean> {
    try {
      const opened = await session;
      if (opened.isOpen) return true;
      await opened.close();
      return false;
    } catch {
      return false;
    }
  }

  /** Ends it. Closing the lakehouse does so, too. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    await session?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
