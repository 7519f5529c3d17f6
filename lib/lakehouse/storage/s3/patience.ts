import { AsyncLocalStorage } from "node:async_hooks";

/** How long a service is waited for. */
export interface Waits {
  /** Milliseconds for which an operation waits for a service that it does not hear. 0: nothing is sent again. */
  readonly limitMs: number;
  /** Milliseconds in which a request that nobody answers has failed. */
  readonly timeoutMs: number;
}

/** Milliseconds that a request has to be answered, at least, however late it is sent: a look that has none sees nothing. */
const LEAST_MS = 5_000;

/** Milliseconds for which a service counts as away after it was given up. Later nobody knows. */
const AWAY_MS = 60_000;

const current = new AsyncLocalStorage<Deadline>();

/** What a store remembers of its service between operations, and how long each of these may wait for it. */
export class Patience {
  readonly limitMs: number;
  readonly #timeoutMs: number;
  readonly now: () => number;
  #gaveUp: number | undefined;

  /** @param now milliseconds from any beginning on. */
  constructor({ limitMs, timeoutMs }: Waits, now = () => performance.now()) {
    this.limitMs = limitMs;
    this.#timeoutMs = timeoutMs;
    this.now = now;
  }

  begin(): Deadline {
    return new Deadline(this, undefined);
  }

  /** For a deletion: where an operation gave the service up just now, it is tried once. What stays is garbage. */
  beginDelete(): Deadline {
    const isAway = this.#gaveUp !== undefined && this.now() - this.#gaveUp < AWAY_MS;
    return new Deadline(this, isAway ? Number.NEGATIVE_INFINITY : undefined);
  }

  /** The one that a request under way belongs to. */
  current(): Deadline {
    return current.getStore() ?? this.begin();
  }

  answered(): void {
    this.#gaveUp = undefined;
  }

  gaveUp(): void {
    this.#gaveUp = this.now();
  }

  /** Milliseconds that a request has to be answered in, with so many left to its operation. */
  timeoutWith(leftMs: number): number {
    return Math.min(this.#timeoutMs, Math.max(leftMs, LEAST_MS));
  }

  /** Milliseconds that the first request of an operation has to be answered in, and any has to go on in. */
  get silenceMs(): number {
    return this.limitMs === 0 ? this.#timeoutMs : this.timeoutWith(this.limitMs);
  }
}

/**
 * The end of an operation's patience, which all its requests share: those that are sent again, and those that look at
 * what became of them. It is counted from when the service was not heard any more, so that an upload may take as long as
 * it goes on.
 */
export class Deadline {
  readonly #patience: Patience;
  /** Since when the service is not heard; `undefined` where nothing failed. */
  #since: number | undefined;

  constructor(patience: Patience, since: number | undefined) {
    this.#patience = patience;
    this.#since = since;
  }

  /** Sends a request of this operation. */
  send<T>(request: () => Promise<T>): Promise<T> {
    return current.run(this, request);
  }

  now(): number {
    return this.#patience.now();
  }

  /** Milliseconds that are left; none or fewer: nothing is sent again. */
  left(): number {
    const { limitMs } = this.#patience;
    return this.#since === undefined ? limitMs : limitMs - (this.now() - this.#since);
  }

  /** Milliseconds in which the next request has to be answered. */
  timeoutMs(): number {
    return this.#since === undefined ? this.#patience.silenceMs : this.#patience.timeoutWith(this.left());
  }

  /** Bytes or answers came: the patience is whole again. */
  heard(): void {
    this.#since = undefined;
  }

  /**
   * Something failed that was waited for since `sent`. A request that ends is silent for no longer than its timeout: what
   * it took before that, it went on.
   *
   * @returns the milliseconds that are left.
   */
  failed(sent: number): number {
    this.#since ??= Math.max(sent, this.now() - this.#patience.silenceMs);
    const left = this.left();
    if (left <= 0) this.#patience.gaveUp();
    return left;
  }
}
