/** Reading from several sources at once. */
interface Arrived<T> {
  readonly source: AsyncGenerator<T>;
  readonly result: Promise<IteratorResult<T>>;
}

/**
 * What comes first, from whichever source it comes; sources may be added meanwhile. Not by Promise.race: each race would
 * leave something with every source that is silent, for as long as it is.
 */
export class Merged<T> {
  readonly #arrived: Arrived<T>[] = [];
  /** Sources that have not ended. */
  #left = 0;
  #isComplete = false;
  #outcome: { readonly error?: unknown } | undefined;
  #wake = () => {};

  add(source: AsyncGenerator<T>): void {
    this.#left++;
    this.#ask(source);
  }

  /** No source is added any more: the end is where all have ended. */
  complete(): void {
    this.#isComplete = true;
    this.#wake();
  }

  /** Nothing more comes. @param outcome what failed, where it is to be thrown. */
  end(outcome: { readonly error?: unknown } = {}): void {
    this.#outcome ??= outcome;
    this.#wake();
  }

  /** The next, as soon as there is one; `undefined` at the end. */
  async next(): Promise<{ readonly value: T } | undefined> {
    for (;;) {
      if (this.#outcome !== undefined) {
        if ("error" in this.#outcome) throw this.#outcome.error;
        return undefined;
      }
      const one = this.#arrived.shift();
      if (one === undefined) {
        if (this.#isComplete && this.#left === 0) return undefined;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const { done, value } = await one.result;
      if (done) this.#left--;
      else {
        this.#ask(one.source);
        return { value };
      }
    }
  }

  #ask(source: AsyncGenerator<T>): void {
    const result = source.next();
    const arrive = () => {
      this.#arrived.push({ source, result });
      this.#wake();
    };
    // A failure of one that nobody waits for any more is of no use to anyone.
    result.then(arrive, arrive);
  }
}

/** What comes of a number of sources, until all have ended. */
export async function* merge<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const merged = new Merged<T>();
  for (const source of sources) merged.add(source);
  merged.complete();
  for (let next = await merged.next(); next !== undefined; next = await merged.next()) yield next.value;
}
