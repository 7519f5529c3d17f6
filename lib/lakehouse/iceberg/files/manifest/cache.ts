import type { ObjectStore } from "../../../storage/index.js";

/** Bytes of decoded metadata that one store keeps in memory. */
const CAPACITY = 128 * 1024 * 1024;

interface Cached {
  readonly value: Promise<unknown>;
  weight: number;
}

/**
 * Keeps what was decoded from immutable files, the least recently used going first. Manifests and manifest lists
 * are never rewritten under one name, so an entry never turns stale.
 */
class ImmutableCache {
  readonly #entries = new Map<string, Cached>();
  #weight = 0;

  /**
   * @param load gives the value and about how many bytes it holds. Runs once for callers that ask together; a
   *   failure is not kept.
   */
  get<T>(key: string, load: () => Promise<{ value: T; weight: number }>): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.value as Promise<T>;
    }
    const loading = load();
    const entry: Cached = { value: loading.then((loaded) => loaded.value), weight: 0 };
    this.#entries.set(key, entry);
    entry.value.catch(() => {}); // the caller gets the failure; this branch only keeps it from being unhandled
    loading.then(
      ({ weight }) => {
        if (this.#entries.get(key) !== entry) return;
        entry.weight = weight;
        this.#weight += weight;
        this.#evict();
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry.value as Promise<T>;
  }

  /** What `get` would give without loading. */
  peek<T>(key: string): Promise<T> | undefined {
    return this.#entries.get(key)?.value as Promise<T> | undefined;
  }

  set(key: string, value: unknown, weight: number): void {
    const old = this.#entries.get(key);
    if (old !== undefined) this.#weight -= old.weight;
    this.#entries.delete(key);
    this.#entries.set(key, { value: Promise.resolve(value), weight });
    this.#weight += weight;
    this.#evict();
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#weight <= CAPACITY) return;
      if (entry.weight === 0) continue; // still loading
      this.#entries.delete(key);
      this.#weight -= entry.weight;
    }
  }
}

const caches = new WeakMap<ObjectStore, ImmutableCache>();

/** The cache of one store; it goes when the store goes. */
export function cacheOf(store: ObjectStore): ImmutableCache {
  let cache = caches.get(store);
  if (cache === undefined) {
    cache = new ImmutableCache();
    caches.set(store, cache);
  }
  return cache;
}
