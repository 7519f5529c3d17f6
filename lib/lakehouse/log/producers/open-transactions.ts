/** The transactions to which batches may be appended now, for the partitions that have to know. */
export class OpenTransactions {
  readonly #byProducer = new Map<
    bigint,
    { readonly epoch: number; readonly partitions: ReadonlySet<string> }
  >();

  /** @param partition as `partitionKey` names it. */
  has(producerId: bigint, epoch: number, partition: string): boolean {
    const open = this.#byProducer.get(producerId);
    return open !== undefined && open.epoch === epoch && open.partitions.has(partition);
  }

  set(producerId: bigint, epoch: number, partitions: Iterable<string>): void {
    this.#byProducer.set(producerId, { epoch, partitions: new Set(partitions) });
  }

  /** Nothing more is appended: it is about to end. */
  close(producerId: bigint): void {
    this.#byProducer.delete(producerId);
  }
}
