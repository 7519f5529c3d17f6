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
 * Ids are taken in blocks, and a block is in the object store before the first of it is given: so they are not given again
 * where the metadata is lost, or the machine with its disk. Where two processes take blocks, one is fenced by the put. What
 * is left of a block when the process ends is never used.
 */
export class ProducerIds {
  readonly #state: StateTopic<bigint>;
  #next = 0n;
  #end = 0n;
  #taking: Promise<void> | undefined;

  constructor(state: StateTopic<bigint>) {
    this.#state = state;
  }

  /** @throws LakehouseError STORAGE_FAILED, FENCED */
  async take(): Promise<bigint> {
    while (this.#next === this.#end) {
      this.#taking ??= this.#takeBlock().finally(() => {
        this.#taking = undefined;
      });
      await this.#taking;
    }
    return this.#next++;
  }

  async #takeBlock(): Promise<void> {
    const first = this.#state.get(KEY) ?? 0n;
    await this.#state.set(KEY, first + BLOCK, "stored");
    this.#next = first;
    this.#end = first + BLOCK;
  }
}
