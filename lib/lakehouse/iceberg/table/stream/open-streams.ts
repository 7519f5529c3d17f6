/** The streams that are open on the tables of one lakehouse, and end with it. */
export class OpenStreams {
  readonly #open = new Set<AsyncDisposable>();

  add(stream: AsyncDisposable): void {
    this.#open.add(stream);
  }

  delete(stream: AsyncDisposable): void {
    this.#open.delete(stream);
  }

  /** Commits what waits in them. @throws what one failed with of which nobody has been told. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled([...this.#open].map((stream) => stream[Symbol.asyncDispose]()));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}
