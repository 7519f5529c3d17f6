import type { DuckDBConnection } from "@duckdb/node-api";
import { aborted, type LakehouseError } from "../../errors.js";
import type { QueriedTable } from "./query-result.js";

/** Milliseconds between two interrupts of what was cut: one that comes just before a statement starts is lost on it. */
const INTERRUPT_EVERY = 20;

/** What one query holds until its result was read: a connection, files, relations. */
export class Use {
  readonly tables: QueriedTable[] = [];
  readonly #ends: (() => void)[] = [];
  readonly #busy = new Set<Promise<unknown>>();
  readonly #cut: Promise<never>;
  #reject: (error: LakehouseError) => void = () => {};
  #cause: (() => LakehouseError) | undefined;
  #released = false;

  constructor(readonly connection: DuckDBConnection) {
    this.#ends.push(() => connection.closeSync());
    this.#cut = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.#cut.catch(() => {});
  }

  /** Why what is still to come never will: the engine or the result was closed, or the caller's signal was aborted. */
  get stopped(): LakehouseError | undefined {
    return this.#cause?.();
  }

  /** @throws LakehouseError CLOSED, ABORTED once it was cut. */
  check(): void {
    if (this.#cause) throw this.#cause();
  }

  /** Stops what runs on the connection, now and whenever more of it comes. The first cause stays. */
  cut(cause: () => LakehouseError): void {
    if (this.#released || this.#cause) return;
    this.#cause = cause;
    this.connection.interrupt();
    const again = setInterval(() => this.connection.interrupt(), INTERRUPT_EVERY);
    this.onRelease(() => clearInterval(again));
    this.#reject(cause());
  }

  /** Cuts it when the signal says so. */
  cutBy(signal: AbortSignal): void {
    const stop = () => this.cut(() => aborted(signal));
    signal.addEventListener("abort", stop);
    this.onRelease(() => signal.removeEventListener("abort", stop));
    if (signal.aborted) stop();
  }

  /** Work that uses the connection or the files: they stay until it has ended. */
  during<T>(work: Promise<T>): Promise<T> {
    const done = (): void => {
      this.#busy.delete(work);
    };
    this.#busy.add(work);
    work.then(done, done);
    return work;
  }

  /** In use from now on until it is released, whatever its holder does in between. */
  hold(): this {
    this.during(new Promise<void>((resolve) => this.onRelease(resolve)));
    return this;
  }

  /** The outcome of work that only reads: who waits for it is sent away by a cut at once, and it ends on its own. */
  reading<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.during(work), this.#cut]);
  }

  onRelease(end: () => void): void {
    this.#ends.unshift(end);
  }

  /** Gives everything back, once. Nothing may use it any more. */
  readonly release = (): void => {
    this.#released = true;
    for (const end of this.#ends.splice(0)) end();
  };

  /** Gives everything back when what uses it has ended. */
  async end(cause: () => LakehouseError): Promise<void> {
    this.cut(cause);
    while (this.#busy.size > 0) await Promise.allSettled(this.#busy);
    this.release();
  }
}
