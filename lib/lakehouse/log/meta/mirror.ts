import {
  bytesOf,
  type Etcd,
  type EtcdCompare,
  type EtcdEvent,
  type EtcdKeyValue,
  type EtcdStep,
  keyOf,
  rangeOf,
  toBase64,
} from "../../etcd/index.js";

export interface Entry {
  readonly value: string;
  /** Of the last put: another put has a larger one. */
  readonly revision: number;
}

/** A key, below the prefix, and what it has now. */
export interface Change {
  readonly key: string;
  /** `undefined` where it is deleted. */
  readonly value: string | undefined;
  readonly revision: number;
}

/** What a key must be for a change to be made: of the revision that is known; 0 where it is not to be there. */
export interface Expected {
  readonly key: string;
  readonly revision?: number | undefined;
  readonly lease?: string | undefined;
}

export interface Put {
  readonly key: string;
  /** `undefined` deletes; with all that begins so where the key ends in a slash. */
  readonly value: string | undefined;
  readonly lease?: string | undefined;
}

export interface MirrorParts {
  readonly etcd: Etcd;
  /** What keys begin with: it ends in a slash. */
  readonly prefix: string;
  /** Until the time is over, in milliseconds, or the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Hears of each failure that is tried again. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** etcd takes 128 steps in a transaction, unless it is told otherwise. */
export const MOST_STEPS = 100;
const WATCH_MS = 2_000;
const RETRY_MS = 250;

/**
 * All that etcd has below a prefix, as this process knows it: it is read once, and a watch goes on from there. What this
 * process itself changes is known when the change is answered. So reading costs nothing, and may be a little behind.
 */
export class EtcdMirror {
  readonly #parts: MirrorParts;
  readonly #entries = new Map<string, Entry>();
  /** When keys were deleted that an older event may still speak of. */
  readonly #deleted = new Map<string, number>();
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  readonly #ending = new AbortController();
  /** What is known is all up to there. */
  #revision = 0;
  /** All was read as of there: what is older and not known is deleted, and an answer that was on its way may speak of it. */
  #listed = 0;
  #watching: Promise<void> | undefined;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Those that begin so. */
  *entries(prefix: string): IterableIterator<[string, Entry]> {
    for (const entry of this.#entries) if (entry[0].startsWith(prefix)) yield entry;
  }

  /** @param listener gets what has changed, right after it did. */
  onChange(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads all, and goes on with what changes. @throws LakehouseError STORAGE_FAILED */
  async start(): Promise<void> {
    await this.#list();
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#watching;
  }

  /** One key as it is now. */
  async read(key: string): Promise<Entry | undefined> {
    const { responses, header } = await this.#parts.etcd.transact({
      success: [{ request_range: { key: this.#keyOf(key) } }],
    });
    const kv = responses?.[0]?.response_range?.kvs?.[0];
    this.#apply([kv === undefined ? deletion(key, revisionOf(header)) : this.#changeOf(kv)]);
    return this.#entries.get(key);
  }

  /**
   * Changes all, or nothing where something is not as it is expected: then that is known from here on. Asked for twice, it
   * says the second time that nothing was as expected, though it was done: callers look at what is there.
   */
  async change(expected: readonly Expected[], puts: readonly Put[]): Promise<boolean> {
    const keys = expected.map(({ key }) => key);
    const { succeeded, responses, header } = await this.#parts.etcd.transact({
      compare: expected.map((one) => this.#compareOf(one)),
      success: puts.map((put) => this.#stepOf(put)),
      failure: keys.map((key) => ({ request_range: { key: this.#keyOf(key) } })),
    });
    const revision = revisionOf(header);
    if (succeeded === true) {
      this.#apply(puts.flatMap((put) => this.#madeBy(put, revision)));
      return true;
    }
    const found = keys.map((key, i): Change => {
      const kv = responses?.[i]?.response_range?.kvs?.[0];
      return kv === undefined ? deletion(key, revision) : this.#changeOf(kv);
    });
    this.#apply(found);
    return false;
  }

  #madeBy({ key, value }: Put, revision: number): Change[] {
    if (value !== undefined || !key.endsWith("/")) return [{ key, value, revision }];
    return [...this.entries(key)].map(([below]) => deletion(below, revision));
  }

  #apply(changes: readonly Change[]): void {
    const news = changes.filter((change) => this.#take(change));
    if (news.length > 0) for (const listener of this.#listeners) listener(news);
  }

  #take({ key, value, revision }: Change): boolean {
    const known = this.#entries.get(key);
    if (revision <= (known?.revision ?? this.#deleted.get(key) ?? this.#listed)) return false;
    if (value === undefined) {
      this.#deleted.set(key, revision);
      return this.#entries.delete(key);
    }
    this.#deleted.delete(key);
    this.#entries.set(key, { value, revision });
    return true;
  }

  async #watch(): Promise<void> {
    const { etcd, prefix, sleep, onFailure } = this.#parts;
    const { signal } = this.#ending;
    const onEvents = (events: readonly EtcdEvent[]) => {
      const changes = events.map(({ type, kv }) =>
        type === "DELETE" ? deletion(this.#nameOf(kv), Number(kv.mod_revision)) : this.#changeOf(kv),
      );
      this.#apply(changes);
      for (const { revision } of changes) this.#revision = Math.max(this.#revision, revision);
    };
    while (!signal.aborted) {
      try {
        if (await etcd.watch(rangeOf(prefix), this.#revision + 1, WATCH_MS, onEvents, signal)) continue;
        // What was between is no longer told.
        await this.#list();
      } catch (error) {
        if (signal.aborted) return;
        onFailure?.(error);
        await sleep(RETRY_MS, signal);
      }
    }
  }

  /** All of it, as of one revision. */
  async #list(): Promise<void> {
    const { etcd, prefix } = this.#parts;
    const { key, range_end } = rangeOf(prefix);
    const found: Change[] = [];
    let revision: number | undefined;
    for (let from = key; ; ) {
      const as = revision === undefined ? {} : { revision: String(revision) };
      const { responses, header } = await etcd.transact({
        success: [{ request_range: { key: from, range_end, limit: "1000", ...as } }],
      });
      revision ??= revisionOf(header);
      const { kvs = [], more } = responses?.[0]?.response_range ?? {};
      found.push(...kvs.map((kv) => this.#changeOf(kv)));
      const last = kvs.at(-1);
      if (more !== true || last === undefined) break;
      // The least key after the last one.
      from = toBase64(Buffer.concat([Buffer.from(last.key, "base64"), Buffer.of(0)]));
    }
    const as = revision;
    const there = new Set(found.map((one) => one.key));
    const gone = [...this.#entries].filter(([name, entry]) => !there.has(name) && entry.revision <= as);
    this.#apply([...found, ...gone.map(([name]) => deletion(name, as))]);
    for (const [name, at] of this.#deleted) if (at <= as) this.#deleted.delete(name);
    this.#listed = Math.max(this.#listed, as);
    this.#revision = Math.max(this.#revision, as);
  }

  #compareOf({ key, revision, lease }: Expected): EtcdCompare {
    const at = { key: this.#keyOf(key), result: "EQUAL" } as const;
    return lease === undefined
      ? { ...at, target: "MOD", mod_revision: String(revision) }
      : { ...at, target: "LEASE", lease };
  }

  #stepOf({ key, value, lease }: Put): EtcdStep {
    if (value !== undefined)
      return {
        request_put: {
          key: this.#keyOf(key),
          value: toBase64(value),
          ...(lease === undefined ? {} : { lease }),
        },
      };
    const { prefix } = this.#parts;
    return { request_delete_range: key.endsWith("/") ? rangeOf(prefix + key) : { key: this.#keyOf(key) } };
  }

  #changeOf(kv: EtcdKeyValue): Change {
    return { key: this.#nameOf(kv), value: bytesOf(kv).toString("utf8"), revision: Number(kv.mod_revision) };
  }

  #nameOf(kv: EtcdKeyValue): string {
    return keyOf(kv).slice(this.#parts.prefix.length);
  }

  #keyOf(key: string): string {
    return toBase64(this.#parts.prefix + key);
  }
}

function deletion(key: string, revision: number): Change {
  return { key, value: undefined, revision };
}

function revisionOf(header: { readonly revision?: string | undefined } | undefined): number {
  return Number(header?.revision ?? 0);
}
