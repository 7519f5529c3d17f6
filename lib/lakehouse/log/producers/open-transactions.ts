/** What those who take a part of transactions, a partition or a group, know of them. */

/** Asked of a coordinator, about a producer's transaction. */
export interface Question {
  /** The transaction has ended since: the answer is worth nothing. */
  readonly isOver: boolean;
  /** The answer was used. */
  done(): void;
}

/** Questions that are open. The end of a transaction may overtake the answer that it is not over. */
export class Questions {
  readonly #open = new Map<bigint, Set<{ isOver: boolean }>>();

  ask(producerId: bigint): Question {
    const state = { isOver: false };
    const ofProducer = this.#open.get(producerId) ?? new Set();
    this.#open.set(producerId, ofProducer.add(state));
    return {
      get isOver() {
        return state.isOver;
      },
      done: () => {
        ofProducer.delete(state);
        if (ofProducer.size === 0 && this.#open.get(producerId) === ofProducer) this.#open.delete(producerId);
      },
    };
  }

  /** The producer's transaction ends. */
  end(producerId: bigint): void {
    for (const state of this.#open.get(producerId) ?? []) state.isOver = true;
    this.#open.delete(producerId);
  }
}

/** The transactions to which a partition takes batches now: their coordinator has said that they are open, and have it. */
export class OpenTransactions {
  /** The epoch, by producer. */
  readonly #open = new Map<bigint, number>();
  readonly #questions = new Questions();

  has(producerId: bigint, epoch: number): boolean {
    return this.#open.get(producerId) === epoch;
  }

  /** Knows it from then on, until it ends. @param isOpen asks the producer's coordinator. */
  async learn(producerId: bigint, epoch: number, isOpen: () => Promise<boolean>): Promise<void> {
    while (!this.has(producerId, epoch)) {
      const question = this.#questions.ask(producerId);
      try {
        const answer = await isOpen();
        if (question.isOver) continue;
        if (answer) this.#open.set(producerId, epoch);
        return;
      } finally {
        question.done();
      }
    }
  }

  /** Nothing more is appended: it is about to end. */
  end(producerId: bigint): void {
    this.#open.delete(producerId);
    this.#questions.end(producerId);
  }
}
