import { useLayoutEffect, useReducer } from "preact/hooks";

/** A value that components watch: who uses it is drawn anew when it is another one. */
export class Watched<T> {
  #value: T;
  readonly #watchers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(next: T) {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    for (const tell of [...this.#watchers]) tell();
  }

  watch(tell: () => void): () => void {
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }
}

/** The value now, and again whenever it changes. */
export function useWatched<T>(watched: Watched<T>): T {
  const [, draw] = useReducer<number, void>((count) => count + 1, 0);
  const drawn = watched.value;
  // As soon as it is drawn: a key that comes before the next frame may change it.
  useLayoutEffect(() => {
    // A child may have changed it while it was drawn.
    if (!Object.is(drawn, watched.value)) draw();
    return watched.watch(() => draw());
  }, [watched]);
  return drawn;
}
