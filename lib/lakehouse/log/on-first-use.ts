/**
 * What is opened when it is first asked for, once for all who ask. Where that fails, those who have asked hear of it, and
 * whoever asks next opens it anew.
 */
export class OnFirstUse<T> {
  readonly #open: () => Promise<T>;
  #opening: Promise<T> | undefined;

  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  /** @throws what opening it throws. */
  get(): Promise<T> {
    // Forgotten by the one that failed, and before anybody hears of it: so there is one at a time.
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** `undefined` where nobody has asked for it. @throws what opening it throws. */
  async ifUsed(): Promise<T | undefined> {
    return this.#opening;
  }

  /** What there is to close: the same, and `undefined` where opening it fails. */
  async toClose(): Promise<T | undefined> {
    return this.#opening?.catch(() => undefined);
  }
}
