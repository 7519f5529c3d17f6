interface Waiter {
  readonly bytes: number;
  readonly go: () => void;
}

/**
 * Memory for what is not in the object store yet. Who would take more than there is waits, in order; and what is done with
 * it is done in that order too, since it is done the moment that there is room.
 */
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

  /**
   * Does the work when there is room for so many bytes, which is now unless others wait. What is larger than the whole
   * budget waits until it is alone. Where the work throws, the bytes are given back.
   */
  take<Result>(bytes: number, work: () => Result): Result | Promise<Result> {
    if (this.#waiters.length === 0 && this.#fits(bytes)) return this.#do(bytes, work);
    return new Promise((resolve, reject) => {
      const go = () => {
        try {
          resolve(this.#do(bytes, work));
        } catch (error) {
          reject(error);
        }
      };
      this.#waiters.push({ bytes, go });
      if (this.#waiters.length === 1) this.#onShort();
    });
  }

  /** Takes what is there already, be there room for it or not. */
  owe(bytes: number): void {
    this.#taken += bytes;
  }

  #do<Result>(bytes: number, work: () => Result): Result {
    this.#taken += bytes;
    try {
      return work();
    } catch (error) {
      this.give(bytes);
      throw error;
    }
  }

  give(bytes: number): void {
    this.#taken -= bytes;
    for (
      let first = this.#waiters[0];
      first !== undefined && this.#fits(first.bytes);
      first = this.#waiters[0]
    ) {
      this.#waiters.shift();
      first.go();
    }
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#limit;
  }
}
