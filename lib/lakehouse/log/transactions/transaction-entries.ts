import type { TransactionEntry } from "./transaction-entry.js";

/** What is known of transactional ids, and which of them has a producer's. */
export class TransactionEntries extends Map<string, TransactionEntry> {
  readonly #ids = new Map<bigint, string>();

  /** The producer's, where it is the latest of its transactional id. */
  ofProducer(producerId: bigint): TransactionEntry | undefined {
    const id = this.#ids.get(producerId);
    return id === undefined ? undefined : this.get(id);
  }

  override set(id: string, entry: TransactionEntry): this {
    this.#forget(id);
    this.#ids.set(entry.producerId, id);
    return super.set(id, entry);
  }

  override delete(id: string): boolean {
    this.#forget(id);
    return super.delete(id);
  }

  override clear(): void {
    this.#ids.clear();
    super.clear();
  }

  #forget(id: string): void {
    const before = this.get(id);
    if (before !== undefined) this.#ids.delete(before.producerId);
  }
}
