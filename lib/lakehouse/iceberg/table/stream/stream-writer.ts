import { aborted, closed, invalidArgument } from "../../../errors.js";
import { checkObject } from "../../../options.js";
import { schemaMismatch } from "../../../parquet/index.js";
import { PutsAhead } from "../../files/data/puts-ahead.js";
import { numberProperty } from "../../model/metadata/properties.js";
import type { Table } from "../table.js";
import { commitRound } from "./commit-round.js";
import { type CheckedOptions, checkedOptions, checkOffset, type StreamOptions } from "./options.js";
import { positionOf } from "./position.js";
import { Round } from "./round.js";

/** Where rows stand in their source. */
export interface StreamPlace {
  /** It grows from row to row, by 1 or more: those up to the last that was taken are skipped. */
  readonly offset?: bigint | undefined;
}

/** How long rows wait for their commit where `write.target-file-age-ms` is not set. */
const AGE_MS = 60_000;
/** After so many writes the time is looked at: a loop that never waits lets no timer run. */
const LOOK_EVERY = 256;

const TAKEN = Promise.resolve(true);
const SKIPPED = Promise.resolve(false);

/**
 * Brings rows that come one by one into a table: in files by size (`write.target-file-size-bytes`) and one commit an interval
 * (`write.target-file-age-ms`, 60,000 where it is not set, and never where it is 0), also when no more rows come. With a
 * source, each row is in the table once: how far it has come in the source's offsets is in the commit of the rows.
 *
 * Lifecycle: `table.stream`, then `write` as often as you like, `flush` where rows have to be in the table now, `close`. A
 * writer that fails takes no more rows, and its last rows are not in the table: open another one, and go on behind its
 * `position`. Rows that wait keep the process alive until their interval is over; closing the lakehouse closes its streams.
 *
 * @example
 * await using writer = await readings.stream({ source: "sensor-7" });
 * for await (const { offset, ...row } of sensor.readFrom(writer.position)) await writer.write(row, { offset });
 */
export class StreamWriter<Row = Record<string, unknown>> implements AsyncDisposable {
  readonly #options: CheckedOptions;
  #table: Table<Row>;
  #position: bigint | undefined;
  /** The last offset that was taken. */
  #last: bigint | undefined;
  #round: Round | undefined;
  /** The commit under way. */
  #commit: Promise<void> | undefined;
  #cancelTimer = () => {};
  /** Calls of `write` that took something, and those of them that are in the table. */
  #taken = 0;
  #committed = 0;
  /** Rows that were given. */
  #rows = 0;
  #failure: { readonly error: unknown } | undefined;
  /** Whether a call has ended in the failure. */
  #isTold = false;
  #aborting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  readonly #onAbort = () => this.#fail(aborted(this.#options.signal as AbortSignal));

  private constructor(table: Table<Row>, position: bigint | undefined, options: CheckedOptions) {
    this.#table = table;
    this.#options = options;
    this.#position = position;
    this.#last = position ?? (options.from === undefined ? undefined : options.from - 1n);
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
  }

  /** @internal */
  static async open<Row>(table: Table<Row>, given: StreamOptions): Promise<StreamWriter<Row>> {
    const options = checkedOptions(given);
    if (table.transaction !== undefined)
      throw invalidArgument(
        "stream",
        "A stream commits as time goes by, and a transaction at its end.",
        "Open the stream on the table itself.",
      );
    const now = await table.refresh();
    const { source, from } = options;
    const position = source === undefined ? undefined : await positionOf(now, source, from);
    const writer = new StreamWriter(now, position, options);
    table.engine?.streams?.add(writer);
    return writer;
  }

  /** The last offset whose rows are in the table; `undefined` where none is. */
  get position(): bigint | undefined {
    return this.#position;
  }

  /** The table as of the last commit. */
  get table(): Table<Row> {
    return this.#table;
  }

  /**
   * Takes a row, or all rows of an offset: in one commit, or none of them. `[]` takes the offset alone, as that of a message
   * that becomes no row. Await it, and memory stays flat: it resolves when there is room for more.
   *
   * @returns false for an offset that is in the table, or was taken, before: it is skipped.
   * @throws LakehouseError SCHEMA_MISMATCH for a row that does not fit, of which nothing is taken: go on with others;
   *   INVALID_ARGUMENT for an offset that is missing or is none; CLOSED; and what the last commit failed with.
   */
  write(row: Row | readonly Row[], place: StreamPlace = {}): Promise<boolean> {
    try {
      return this.#write(row, place);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #write(row: Row | readonly Row[], place: StreamPlace): Promise<boolean> {
    this.#checkOpen();
    const offset = this.#offsetOf(place);
    if (offset !== undefined && this.#last !== undefined && offset <= this.#last) return SKIPPED;
    const isMany = Array.isArray(row);
    const rows: readonly unknown[] = isMany ? row : [row];
    if (rows.length === 0 && offset === undefined) return TAKEN;
    const round = this.#round ?? this.#newRound();
    try {
      round.take(rows, offset === undefined ? this.#rows : 0);
    } catch (error) {
      throw this.#refused(error, offset);
    }
    this.#rows += rows.length;
    this.#taken += 1;
    this.#last = offset;
    if (this.#round === undefined) {
      this.#round = round;
      this.#setTimer(round);
    }
    if (round.isFull) {
      round.push();
      return this.#room(round);
    }
    if (this.#taken % LOOK_EVERY === 0) this.#commitIfDue();
    return TAKEN;
  }

  /**
   * Commits what was taken, and resolves when it is in the table.
   *
   * @throws LakehouseError COMMIT_CONFLICT where another writer has gone on with the source, or the table went back;
   *   STORAGE_FAILED, COMMIT_STATE_UNKNOWN, CLOSED
   */
  async flush(): Promise<void> {
    this.#checkOpen();
    await this.#flush();
  }

  /** Commits what was taken, and ends. Resolves when all of it is in the table. Throws as `flush` does. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes. Does not throw again what a call has ended in. */
  async [Symbol.asyncDispose](): Promise<void> {
    const wasTold = this.#isTold;
    await this.close().catch((error: unknown) => {
      if (!wasTold) throw error;
    });
  }

  async #close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#aborting;
      this.#table.engine?.streams?.delete(this);
      this.#options.signal?.removeEventListener("abort", this.#onAbort);
    }
  }

  async #flush(): Promise<void> {
    const all = this.#taken;
    while (this.#committed < all) {
      this.#throwFailure();
      await this.#commitRound().catch(() => {}); // told by the next turn
    }
  }

  #checkOpen(): void {
    this.#throwFailure();
    if (this.#closing !== undefined) throw closed("stream");
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return;
    this.#isTold = true;
    this.#table.engine?.streams?.delete(this);
    throw this.#failure.error;
  }

  #offsetOf(place: StreamPlace): bigint | undefined {
    checkObject("write", "options", place);
    const { offset } = place;
    const { source } = this.#options;
    if (source !== undefined) {
      checkOffset("offset", offset);
      return offset;
    }
    if (offset === undefined) return undefined;
    throw invalidArgument(
      "offset",
      "A row has an offset, and the stream no source whose offset it is.",
      "Name the source: table.stream({ source }).",
    );
  }

  #refused(error: unknown, offset: bigint | undefined): unknown {
    if (!schemaMismatch.is(error) || offset === undefined) return error;
    const { message, subject } = error;
    return schemaMismatch(
      subject,
      `Of ${JSON.stringify(this.#options.source)}, offset ${offset}: ${message}`,
      "Nothing of it was taken: correct it, or go on with the next.",
      error,
    );
  }

  #newRound(): Round {
    const { clock, bufferBytes, signal } = this.#options;
    const { store, metadata } = this.#table;
    // What becomes of files is told by the round's time, not by theirs.
    const options = { signal, windowBytes: bufferBytes, clock: () => 0 };
    return new Round(metadata, new PutsAhead(store), clock.now(), options, (error) => this.#fail(error));
  }

  get #ageMs(): number {
    const { metadata } = this.#table;
    if (metadata.properties["write.target-file-age-ms"] === undefined) return AGE_MS;
    return numberProperty(metadata, "write.target-file-age-ms") || Number.POSITIVE_INFINITY;
  }

  #setTimer(round: Round): void {
    const left = round.began + this.#ageMs - this.#options.clock.now();
    if (left === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#options.clock.after(Math.max(0, left), () => {
      if (round !== this.#round) return;
      if (this.#isDue(round)) this.#commitIfDue();
      // It went off early, as that of a very long age does.
      else this.#setTimer(round);
    });
  }

  #isDue({ began }: Round): boolean {
    return this.#options.clock.now() - began >= this.#ageMs;
  }

  /** While a commit is under way, the next waits: it takes up what has come meanwhile. */
  #commitIfDue(): void {
    if (this.#round === undefined || this.#commit !== undefined || !this.#isDue(this.#round)) return;
    // Why it failed is told by the next call.
    this.#commitRound().catch(() => {});
  }

  /** Commits the rows at hand, or waits for the commit that is under way. */
  #commitRound(): Promise<void> {
    this.#commit ??= this.#commitNow().finally(() => {
      this.#commit = undefined;
      if (this.#failure === undefined) this.#commitIfDue();
    });
    return this.#commit;
  }

  async #commitNow(): Promise<void> {
    const round = this.#round as Round;
    const [taken, last] = [this.#taken, this.#last];
    this.#cancelTimer();
    this.#round = undefined;
    try {
      const { source, from, message, audit, signal } = this.#options;
      const progress =
        source === undefined ? undefined : { source, from, expected: this.#position, last: last as bigint };
      this.#table = await commitRound(this.#table, round, progress, { message, audit, signal });
      this.#position = last;
      this.#committed = taken;
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#cancelTimer();
    this.#aborting = this.#round?.abort(error);
    this.#round = undefined;
  }

  /** Waits until there is room for more rows. */
  async #room(round: Round): Promise<boolean> {
    // In a loop over rows at hand nothing else would run: neither timers nor what writes the files.
    await new Promise((go) => setImmediate(go));
    this.#commitIfDue();
    while (round.waiting > this.#options.bufferBytes && this.#failure === undefined) await round.drained();
    this.#throwFailure();
    return true;
  }
}
