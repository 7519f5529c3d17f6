import type {
  Etcd,
  EtcdCompare,
  EtcdEvent,
  EtcdOutcome,
  EtcdRange,
  EtcdStep,
  EtcdTransaction,
} from "../../../lib/lakehouse/etcd/index.js";
import { storageFailed } from "../../../lib/lakehouse/storage/index.js";

interface Stored {
  readonly value: string;
  readonly revision: number;
  readonly version: number;
  readonly lease: string;
}

interface Lease {
  readonly seconds: number;
  endsAt: number;
}

/** How a client's request gets to etcd and its answer back: at once, where a test has no world. */
export type Link = <T>(what: string, work: () => T) => Promise<T>;

/** Until the time is over, or the signal is aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** An etcd by its rules, as far as the log uses them: revisions, transactions, leases and watches. */
export class FakeEtcd {
  readonly #now: () => number;
  readonly #keys = new Map<string, Stored>();
  readonly #leases = new Map<string, Lease>();
  readonly #history: { readonly revision: number; readonly event: EtcdEvent }[] = [];
  readonly #watchers = new Set<() => void>();
  #revision = 1;
  #compacted = 0;
  #ids = 0;

  /** @param now in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Forgets what was before: who watches from there is to read anew. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history.length = 0;
  }

  /** Keys in clear, with their values. */
  dump(): Map<string, string> {
    this.#expire();
    return new Map([...this.#keys].map(([key, { value }]) => [plain(key), plain(value)]));
  }

  client(link: Link, sleep: Sleep): Etcd {
    const call = <T>(what: string, work: () => T) =>
      link(what, () => {
        this.#expire();
        return work();
      });
    return {
      transact: (transaction) => call("transact", () => this.#transact(transaction)),
      grantLease: (seconds) =>
        call("grant", () => {
          const id = String(7_000 + this.#ids++);
          this.#leases.set(id, { seconds, endsAt: this.#now() + seconds * 1000 });
          return id;
        }),
      keepAlive: (id) =>
        call("keep alive", () => {
          const lease = this.#leases.get(id);
          if (lease === undefined) return 0;
          lease.endsAt = this.#now() + lease.seconds * 1000;
          return lease.seconds;
        }),
      revokeLease: (id) => call("revoke", () => this.#end(id)),
      watch: (range, from, ms, onEvents, signal) =>
        this.#watch(link, sleep, range, from, ms, onEvents, signal),
      close: () => undefined,
    };
  }

  async #watch(
    link: Link,
    sleep: Sleep,
    range: EtcdRange,
    from: number,
    ms: number,
    onEvents: (events: readonly EtcdEvent[]) => void,
    signal: AbortSignal,
  ): Promise<boolean> {
    const until = this.#now() + ms;
    let next = from;
    while (!signal.aborted) {
      this.#expire();
      // Each answer has its own way back.
      const found = await link("watch", () => {
        if (next <= this.#compacted) return undefined;
        return this.#history.filter(({ revision, event }) => revision >= next && isIn(event.kv.key, range));
      });
      if (found === undefined) return false;
      if (found.length > 0) {
        onEvents(found.map(({ event }) => event));
        next = Math.max(...found.map(({ revision }) => revision)) + 1;
      }
      if (this.#now() >= until) return true;
      const wake = new AbortController();
      const go = () => wake.abort();
      this.#watchers.add(go);
      signal.addEventListener("abort", go);
      await sleep(Math.min(100, ms), wake.signal);
      this.#watchers.delete(go);
      signal.removeEventListener("abort", go);
    }
    return true;
  }

  #expire(): void {
    for (const [id, { endsAt }] of this.#leases) if (endsAt <= this.#now()) this.#end(id);
  }

  #end(id: string): void {
    if (!this.#leases.delete(id)) return;
    const keys = [...this.#keys].filter(([, { lease }]) => lease === id).map(([key]) => key);
    if (keys.length === 0) return;
    this.#revision++;
    for (const key of keys) this.#remove(key);
    this.#wake();
  }

  #transact({ compare = [], success, failure = [] }: EtcdTransaction): EtcdOutcome {
    const isTrue = compare.every((one) => this.#holds(one));
    const steps = isTrue ? success : failure;
    if ([compare, success, failure].some(({ length }) => length > 128))
      throw new Error("too many operations");
    const isChange = steps.some((step) => !("request_range" in step));
    if (isChange) this.#revision++;
    const responses = steps.map((step) => this.#apply(step));
    if (isChange) this.#wake();
    return { succeeded: isTrue, responses, header: { revision: String(this.#revision) } };
  }

  #holds(compare: EtcdCompare): boolean {
    const found = this.#keys.get(compare.key);
    if (compare.target === "MOD") return String(found?.revision ?? 0) === (compare.mod_revision ?? "0");
    if (compare.target === "LEASE") return (found?.lease ?? "0") === compare.lease;
    if (compare.target === "VERSION") return String(found?.version ?? 0) === compare.version;
    return found?.value === compare.value;
  }

  #apply(step: EtcdStep) {
    if ("request_put" in step) {
      const { key, value, lease = "0" } = step.request_put;
      if (lease !== "0" && !this.#leases.has(lease))
        throw storageFailed("etcd", "Simulated: requested lease not found.");
      const version = (this.#keys.get(key)?.version ?? 0) + 1;
      this.#keys.set(key, { value, revision: this.#revision, version, lease });
      const kv = { key, value, mod_revision: String(this.#revision) };
      this.#history.push({ revision: this.#revision, event: { kv } });
      return {};
    }
    const range = "request_range" in step ? step.request_range : step.request_delete_range;
    const found = [...this.#keys.keys()].filter((key) => isIn(key, range)).sort(byBytes);
    if ("request_delete_range" in step) {
      for (const key of found) this.#remove(key);
      return {};
    }
    const limit = Number(step.request_range.limit ?? found.length);
    const kvs = found.slice(0, limit).map((key) => {
      const { value, revision } = this.#keys.get(key) as Stored;
      return { key, value, mod_revision: String(revision) };
    });
    return { response_range: { kvs, more: found.length > limit } };
  }

  #remove(key: string): void {
    this.#keys.delete(key);
    const kv = { key, mod_revision: String(this.#revision) };
    this.#history.push({ revision: this.#revision, event: { type: "DELETE", kv } });
  }

  #wake(): void {
    for (const go of [...this.#watchers]) go();
  }
}

function isIn(key: string, { key: from, range_end: to }: EtcdRange): boolean {
  if (to === undefined) return key === from;
  const bytes = Buffer.from(key, "base64");
  return (
    Buffer.compare(bytes, Buffer.from(from, "base64")) >= 0 &&
    Buffer.compare(bytes, Buffer.from(to, "base64")) < 0
  );
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "base64"), Buffer.from(b, "base64"));
}

function plain(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}
