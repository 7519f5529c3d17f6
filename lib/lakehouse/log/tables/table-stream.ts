import type { RecordBatch } from "apache-arrow";
import type { Catalog, TableName } from "../../catalog/index.js";
import { closed, invalidArgument, unsupported } from "../../errors.js";
import {
  commitConflict,
  commitStateUnknown,
  invalidSchema,
  type Table,
  writeDataFiles,
} from "../../iceberg/index.js";
import { observe, outcomeOf } from "../../observability/index.js";
import { storageFailed } from "../../storage/index.js";
import type { LogCore } from "../core.js";
import { positionsLost } from "../errors.js";
import type { TopicRecord } from "../meta/log-meta.js";
import { topicTableStops, topicTables } from "../metrics.js";
import type { SchemaRegistry } from "../schemas/registry.js";
import { DeadLetters } from "./dead-letters.js";
import { type BadRecord, covering, RecordDecoder } from "./decode.js";
import { linkTo } from "./link.js";
import { openTable } from "./open-table.js";
import { type CheckedOptions, checkedOptions, type ToTableOptions } from "./options.js";
import { type Positions, type Progress, progressOf, progressSummary, sameProgress } from "./positions.js";
import { rowBatches } from "./row-batches.js";
import { type Chunk, TopicSource } from "./topic-source.js";

export interface StreamParts {
  readonly core: LogCore;
  readonly registry: SchemaRegistry;
  /** Where the table is, on one branch. */
  readonly catalog: Catalog;
}

/** How often partitions that were added are looked for. */
const REFRESH_MS = 5_000;
/** How often records that are on their way to the object store are looked for. */
const POLL_MS = 100;
/** Waits after a failure of the store: twice as long after each, so many times. */
const FIRST_WAIT_MS = 500;
const MOST_FAILURES = 8;

interface Flush {
  readonly ends: Positions;
  readonly go: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Takes a topic into a table, record by record, each once: how far it has come is in the same commit as the rows. Whoever
 * goes on, this process after a crash or another at the same time, begins where the table is; of two that commit the same
 * records, one does, and the other takes up what comes next.
 *
 * Lifecycle: `open`, which makes the table where there is none; then it follows the topic until `close`, or until it
 * fails: `done` says why.
 */
export class TableStream {
  /** The table's name. */
  readonly table: string;
  /** Resolves when it was closed; rejects where it cannot go on. */
  readonly done: Promise<void>;
  readonly #parts: StreamParts;
  readonly #options: CheckedOptions;
  readonly #topic: TopicRecord;
  readonly #decoder: RecordDecoder;
  readonly #letters: DeadLetters;
  #target: Table;
  #progress: Progress | undefined;
  #source: TopicSource | undefined;
  #held: Chunk | undefined;
  #flushes: Flush[] = [];
  #isClosing = false;
  #failure: unknown;
  /** Of the store, since the last commit. */
  #failures = 0;
  /** Ends the wait for records. */
  #wake = new AbortController();

  private constructor(
    parts: StreamParts,
    topic: TopicRecord,
    table: Table,
    decoder: RecordDecoder,
    options: CheckedOptions,
  ) {
    this.#parts = parts;
    this.#topic = topic;
    this.#target = table;
    this.table = table.name;
    this.#options = options;
    this.#decoder = decoder;
    this.#letters = new DeadLetters(parts.core, options.deadLetters ?? `${topic.name}.dead-letters`, topic);
    this.done = this.#run();
    this.done.catch(() => {});
  }

  /** @internal @throws LakehouseError NO_SUCH_TOPIC, NO_SUCH_SUBJECT, INVALID_ARGUMENT, UNSUPPORTED_FEATURE, INVALID_SCHEMA */
  static async open(
    parts: StreamParts,
    topicName: string,
    name: TableName,
    given: ToTableOptions,
  ): Promise<TableStream> {
    const options = checkedOptions(given);
    const topic = await parts.core.topic(topicName);
    if (options.deadLetters === topicName)
      throw invalidArgument(
        "deadLetters",
        `The dead letters of ${topicName} would be records of it, and become dead letters again.`,
        "Give them a topic of their own.",
      );
    const link = linkTo(topic, options);
    const decoder = new RecordDecoder(parts.registry, link);
    const rows = await decoder.refresh();
    const table = await openTable(parts.catalog, name, link, rows, options);
    return new TableStream(parts, topic, table, decoder, options);
  }

  /** For each partition, the offset behind the last record that the table has taken in. */
  get positions(): Positions {
    return this.#progress?.positions ?? new Map();
  }

  /**
   * Waits until the table has all that the topic has now.
   *
   * @throws LakehouseError what `done` rejects with; CLOSED
   */
  async flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosing) throw closed("stream");
    await this.#parts.core.flush();
    const source = await TopicSource.open(this.#parts.core, this.#topic, new Map(), "stored");
    const ends = await source.ends();
    await new Promise<void>((go, fail) => {
      if (this.#failure !== undefined) return fail(this.#failure);
      this.#flushes.push({ ends, go, fail });
      this.#wake.abort();
    });
  }

  /** Commits what was read, and ends. @throws LakehouseError what `done` rejects with. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#wake.abort();
    await this.done;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isClosing) {
        try {
          await this.#resume();
          while (!this.#isClosing) await this.#round();
        } catch (error) {
          const isOvertaken = commitConflict.is(error) || commitStateUnknown.is(error);
          if (isOvertaken) continue;
          if (!storageFailed.is(error) || this.#failures >= MOST_FAILURES) throw error;
          await this.#pause(FIRST_WAIT_MS * 2 ** this.#failures++);
        }
      }
      this.#end(closed("stream"));
    } catch (error) {
      this.#end(error);
      const outcome = outcomeOf(error);
      // The log was closed: that is no error of the stream's.
      if (topicTableStops.hasSubscribers && outcome !== "CLOSED")
        topicTableStops.publish({ topic: this.#topic.name, table: this.table, outcome });
      throw error;
    }
  }

  #end(reason: unknown): void {
    this.#failure = reason;
    for (const { fail } of this.#flushes.splice(0)) fail(reason);
  }

  /** Begins where the table is. */
  async #resume(): Promise<void> {
    const { core } = this.#parts;
    this.#held = undefined;
    this.#target = await this.#target.refresh();
    this.#progress = await this.#progressIn(this.#target);
    const positions = await this.#beginning();
    this.#source = await TopicSource.open(core, this.#topic, positions, "stored");
    await this.#source.check();
    await this.#letters.resume(this.#progress?.letters ?? 0n, positions);
    // Where it begins has to be the same after a crash.
    const isMoved = positions !== this.#progress?.positions && positions.size > 0;
    if (isMoved) await this.#commit([], { positions, letters: this.#letters.horizon(positions) });
  }

  async #progressIn(table: Pick<Table, "store" | "metadata" | "name">): Promise<Progress | undefined> {
    try {
      return await progressOf(table, this.#topic.id);
    } catch (error) {
      // Who says where to go on knows better than nobody.
      if (positionsLost.is(error) && typeof this.#options.from === "object") return undefined;
      throw error;
    }
  }

  /** Where the table is; of a partition that has no such offset any more, where it was told to go on. */
  async #beginning(): Promise<Positions> {
    const known = this.#progress?.positions;
    const { from } = this.#options;
    if (known === undefined) return this.#first();
    if (typeof from !== "object") return known;
    const source = await TopicSource.open(this.#parts.core, this.#topic, known, "stored");
    const told = (await source.misplaced()).filter((number) => from[number] !== undefined);
    if (told.length === 0) return known;
    return new Map([...known, ...told.map((number) => [number, from[number] as bigint] as const)]);
  }

  async #first(): Promise<Positions> {
    const { from } = this.#options;
    if (typeof from === "object")
      return new Map(Object.entries(from).map(([number, offset]) => [Number(number), offset]));
    if (from === "beginning") return new Map();
    const source = await TopicSource.open(this.#parts.core, this.#topic, new Map(), "stored");
    return source.ends();
  }

  /** From the first record to a commit. */
  async #round(): Promise<void> {
    const source = this.#source as TopicSource;
    const first = this.#held ?? (await this.#firstChunk(source));
    this.#held = undefined;
    if (first === undefined) return;
    await this.#cover(first);
    const bad: BadRecord[] = [];
    const taken = new Map(this.#progress?.positions);
    const files = await writeDataFiles(
      this.#target.store,
      this.#target.metadata,
      this.#batches(first, source, taken, bad),
    );
    const held = this.#heldPartition();
    for (const [number, next] of source.positions)
      if (!taken.has(number) && number !== held) taken.set(number, next);
    await this.#letters.write(bad);
    const progress = { positions: taken, letters: this.#letters.horizon(taken) };
    const asked = [...this.#flushes];
    await observe(
      topicTables,
      () => this.#commit(files, progress),
      ({ outcome, milliseconds }) => ({
        rows: files.reduce((sum, { recordCount }) => sum + Number(recordCount), 0),
        deadLetters: bad.length,
        outcome,
        milliseconds,
      }),
    );
    this.#letters.passed(taken);
    this.#settle(asked);
  }

  #heldPartition(): number | undefined {
    return this.#held?.partition;
  }

  async #commit(files: Awaited<ReturnType<typeof writeDataFiles>>, progress: Progress): Promise<void> {
    const expected = this.#progress;
    this.#target = await this.#target.commitFiles(
      {
        operation: "append",
        addedDataFiles: files,
        // On every attempt: a commit of the same records that was faster is one too many.
        validate: async (metadata) => {
          const { store, name } = this.#target;
          if (!sameProgress(await this.#progressIn({ store, metadata, name }), expected))
            throw commitConflict(name, `Another has taken records of ${this.#topic.name} into ${name}.`);
        },
      },
      { summary: progressSummary(this.#topic.id, progress) },
    );
    this.#progress = progress;
    this.#failures = 0;
  }

  async *#batches(
    first: Chunk,
    source: TopicSource,
    taken: Map<number, bigint>,
    bad: BadRecord[],
  ): AsyncGenerator<RecordBatch> {
    const { commitIntervalMs, commitBytes } = this.#options;
    const until = performance.now() + commitIntervalMs;
    let bytes = 0;
    for (let chunk: Chunk | undefined = first; chunk !== undefined; ) {
      yield* await rowBatches(this.#decoder, this.#target.schema, chunk, bad, this.#options.judge);
      taken.set(chunk.partition, chunk.next);
      bytes += chunk.bytes;
      if (bytes >= commitBytes || this.#isClosing) return;
      chunk = await this.#nextChunk(source, until, taken);
      if (chunk !== undefined && (await this.#needsCover(chunk))) {
        this.#held = chunk;
        return;
      }
    }
  }

  async #firstChunk(source: TopicSource): Promise<Chunk | undefined> {
    for (;;) {
      await source.refresh();
      const chunk = await source.next();
      if (chunk !== undefined || this.#isClosing) return chunk;
      // All that was read is committed, where nobody has taken it back since.
      const asked = [...this.#flushes];
      await this.#checkTable();
      this.#settle(asked);
      await this.#wait(source, this.#flushes.length > 0 ? POLL_MS : REFRESH_MS);
    }
  }

  /** `undefined` when it is time to commit. */
  async #nextChunk(source: TopicSource, until: number, taken: Positions): Promise<Chunk | undefined> {
    for (;;) {
      const left = until - performance.now();
      const isDue = left <= 0 || this.#isClosing || this.#flushes.some(({ ends }) => isReached(ends, taken));
      if (isDue) return undefined;
      const chunk = await source.next();
      if (chunk !== undefined) return chunk;
      if (!this.#flushes.some(({ ends }) => isReached(ends, taken))) await this.#wait(source, left);
    }
  }

  /** For more records, a flush or the end, but no longer than `ms`. */
  async #wait(source: TopicSource, ms: number): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    if (this.#isClosing) return;
    const isBehind = await source.isBehind();
    const timer = setTimeout(() => wake.abort(), isBehind ? Math.min(ms, POLL_MS) : ms);
    try {
      await (isBehind ? untilAborted(wake.signal) : source.untilMore(wake.signal));
    } finally {
      clearTimeout(timer);
    }
  }

  async #pause(ms: number): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    if (this.#isClosing) return;
    const timer = setTimeout(() => wake.abort(), ms);
    await untilAborted(wake.signal);
    clearTimeout(timer);
  }

  /** A rollback takes rows away, and no commit of this stream needs to come that would notice. */
  async #checkTable(): Promise<void> {
    const table = await this.#target.refresh();
    if (!sameProgress(await this.#progressIn(table), this.#progress))
      throw commitConflict(table.name, `Another has changed what ${table.name} has of ${this.#topic.name}.`);
  }

  /**
   * Ends those flushes whose records the table has.
   *
   * @param asked before the table was last looked at: what was taken back before a flush is not there for it.
   */
  #settle(asked: readonly Flush[]): void {
    // Where nothing of a partition is held, the source is where the table is.
    const positions = new Map([...(this.#source?.positions ?? []), ...(this.#progress?.positions ?? [])]);
    const done = asked.filter(({ ends }) => isReached(ends, positions));
    this.#flushes = this.#flushes.filter((flush) => !done.includes(flush));
    for (const { go } of done) go();
  }

  async #needsCover(chunk: Chunk): Promise<boolean> {
    await this.#refresh();
    for (const { fields } of await this.#decoder.schemasOf(chunk.records)) {
      const update = attempt(() => covering(this.#target.schema, fields).propose(this.#target.metadata));
      if (update === undefined || (await update).updates.length > 0) return true;
    }
    return false;
  }

  /** Records came after the schema that they are of: after they were read, it is known. */
  async #refresh(): Promise<void> {
    await this.#decoder.refresh().catch((error: unknown) => {
      if (!unsupported.is(error) || this.#options.onIncompatible === "stop") throw error;
    });
  }

  /** Widens the table for all that the records of a chunk may have. */
  async #cover(chunk: Chunk): Promise<void> {
    await this.#refresh();
    for (const rows of await this.#decoder.schemasOf(chunk.records)) {
      try {
        this.#target = await this.#target.update([covering(this.#target.schema, rows.fields)]);
      } catch (error) {
        if (!invalidSchema.is(error) || this.#options.onIncompatible === "stop") throw error;
        this.#decoder.refuse(rows, error.message);
      }
    }
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((go) => {
    if (signal.aborted) go();
    else signal.addEventListener("abort", () => go(), { once: true });
  });
}

function isReached(ends: Positions, positions: Positions): boolean {
  return [...ends].every(([number, end]) => end === 0n || (positions.get(number) ?? 0n) >= end);
}

function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (invalidSchema.is(error)) return undefined;
    throw error;
  }
}
