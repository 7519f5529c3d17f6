interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

/** Memory for what is not in the object store yet. Who would take more than there is waits, in order. */
export class Budget {
  readonly #limit: number;
  readonly #onShort: () => void;
  #taken = 0;
  #waiters: Waiter[] = [];

  /**
   * @param limit in bytes.
   * @param onShort called when somebody begins to wait: who has taken is to give back what it can.
   */
  constructor(limit: number, onShort: () => void) {
    this.#limit = limit;
    this.#onShort = onShort;
  }

  /** Somebody waits. */
  get isShort(): boolean {
    return this.#waiters.length > 0;
  }

  /** Resolves when there is room. What is larger than the whole budget waits until it is alone. */
  take(bytes: number): Promise<void> | undefined {
    if (this.#waiters.length === 0 && this.#fits(bytes)) {
      this.#taken += bytes;
      return undefined;
    }
    return new Promise((go) => {
      this.#waiters.push({ bytes, go });
      if (this.#waiters.length === 1) this.#onShort();
    });
  }

  give(bytes: number): void {
    this.#taken -= bytes;
    for (
      let first = this.#waiters[0];
      first !== undefined && this.#fits(first.bytes);
      first = this.#waiters[0]
    ) {
      this.#waiters.shift();
      this.#taken += first.bytes;
      first.go();
    }
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#limit;
  }
}
