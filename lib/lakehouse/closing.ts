import { closed } from "./errors.js";

/** What is open and ends together: what was opened last is closed first. */
export class Closing {
  readonly #what: string;
  readonly #closes: (() => Promise<void>)[];
  #ended: Promise<void> | undefined;

  /**
   * @param what the name of it all, for the error of who opens something afterwards.
   * @param opened what is open already, in the order of its opening.
   */
  constructor(what: string, opened: readonly { close(): Promise<void> }[] = []) {
    this.#what = what;
    this.#closes = opened.map((one) => () => one.close());
  }

  /** Opens something that `close` will end. */
  open<Opened>(make: () => Opened, close: (opened: Opened) => Promise<void>): Opened {
    if (this.#ended !== undefined) throw closed(this.#what);
    const opened = make();
    this.#closes.push(() => close(opened));
    return opened;
  }

  /** Closes everything, also where some of it fails; then throws the first failure. A second call waits for the first. */
  close(): Promise<void> {
    this.#ended ??= this.#closeAll();
    return this.#ended;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closes.reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
