/** Producers' ids. None is given twice. */
import type { StateFormat, StateTopic } from "../state/state-topic.js";

/** As many as Kafka's controller gives a broker at once. */
const BLOCK = 1000n;
const KEY = "next";

export const PRODUCER_IDS: StateFormat<bigint> = {
  version: 1,
  write: (next) => ({ next: String(next) }),
  read: (fields) => fields.bigint("next"),
};

/**
 * A block is in the object store before it is given: so it is not given again where the metadata is lost, or the machine
 * with its disk. Where two processes take blocks, one is fenced by the put.
 */
export class ProducerIdBlocks {
  readonly #state: StateTopic<bigint>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(state: StateTopic<bigint>) {
    this.#state = state;
  }

  /** @returns the first of its ids. @throws LakehouseError STORAGE_FAILED, FENCED */
  take(): Promise<bigint> {
    const block = this.#last.then(async () => {
      const first = this.#state.get(KEY) ?? 0n;
      await this.#state.set(KEY, first + BLOCK, "stored");
      return first;
    });
    this.#last = block.catch(() => undefined);
    return block;
  }
}

/** Gives ids out of blocks. What is left of a block when the process ends is never used. */
export class ProducerIds {
  readonly #takeBlock: () => Promise<bigint>;
  #next = 0n;
  #end = 0n;
  #taking: Promise<void> | undefined;

  constructor(takeBlock: () => Promise<bigint>) {
    this.#takeBlock = takeBlock;
  }

  /** @throws LakehouseError as taking a block does. */
  async take(): Promise<bigint> {
    while (this.#next === this.#end) {
      this.#taking ??= this.#refill().finally(() => {
        this.#taking = undefined;
      });
      await this.#taking;
    }
    return this.#next++;
  }

  async #refill(): Promise<void> {
    this.#next = await this.#takeBlock();
    this.#end = this.#next + BLOCK;
  }
}
