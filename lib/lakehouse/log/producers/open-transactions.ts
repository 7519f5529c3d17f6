/** What those who take a part of transactions, a partition or a group, know of them. */
import { coordinatorGone } from "../errors.js";
import type { Ending, ProducerIdentity, TransactionIdentity } from "../transaction-types.js";

/** Asked of a coordinator, about a producer's transaction. */
interface Question {
  /** The transaction has ended since: the answer is worth nothing. */
  readonly isOver: boolean;
  /** The answer was used. */
  done(): void;
}

/** Questions that are open. The end of a transaction may overtake the answer that it is not over. */
class Questions {
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

  /** Does what the answer calls for, at once; one that an end has overtaken is asked for again. */
  async act<Answer>(
    producerId: bigint,
    ask: () => Promise<Answer>,
    act: (answer: Answer) => void,
  ): Promise<void> {
    for (;;) {
      const question = this.ask(producerId);
      try {
        const answer = await ask();
        if (!question.isOver) return act(answer);
      } finally {
        question.done();
      }
    }
  }
}

/** The transactions that have a part here now: their coordinator has said that they are open. */
export class OpenTransactions {
  readonly #open = new Map<bigint, TransactionIdentity>();
  readonly #questions = new Questions();

  has(producerId: bigint, epoch: number): boolean {
    return this.#open.get(producerId)?.epoch === epoch;
  }

  /** The producer's, where it has begun since this process is there. */
  of(producerId: bigint): TransactionIdentity | undefined {
    return this.#open.get(producerId);
  }

  /** For who asks the coordinator, and adds the transaction that is open. */
  ask(producerId: bigint): Question {
    return this.#questions.ask(producerId);
  }

  /** Knows it from then on, until it ends. */
  add({ producerId, epoch }: ProducerIdentity, startedAt: number): void {
    this.#open.set(producerId, { producerId, epoch, startedAt });
  }

  /** Adds the producer's transaction where that is open. @param ask the producer's coordinator, when it began. */
  async learn(producer: ProducerIdentity, ask: () => Promise<number | undefined>): Promise<void> {
    const { producerId, epoch } = producer;
    if (this.has(producerId, epoch)) return;
    await this.#questions.act(producerId, ask, (startedAt) => {
      if (startedAt !== undefined) this.add(producer, startedAt);
    });
  }

  /**
   * A request to end a transaction may come late: who sent it has given it up, has sent another, or has a successor, and the
   * producer's next transaction is open, under the same epoch. That is refused by what is known of the one that is open;
   * where it began before this process knew of it, the coordinator is asked.
   *
   * @param isDecided asks the producer's coordinator whether the transaction has to end so, and has not yet.
   * @throws LakehouseError COORDINATOR_NOT_AVAILABLE where it has not; what that throws.
   */
  async untilDecided(ending: Ending, isDecided: () => Promise<boolean>): Promise<void> {
    if (this.#open.has(ending.producerId)) return;
    await this.#questions.act(ending.producerId, isDecided, (isTrue) => {
      if (!isTrue) throw tooLate(ending);
    });
  }

  /**
   * In the moment that it ends: nothing more gets into it.
   *
   * @throws LakehouseError COORDINATOR_NOT_AVAILABLE where a later one is open.
   */
  endOf(ending: Ending): void {
    const open = this.#open.get(ending.producerId);
    if (open !== undefined && isLater(open, ending)) throw tooLate(ending);
    this.end(ending.producerId);
  }

  /** Whichever the producer has. */
  end(producerId: bigint): void {
    this.#open.delete(producerId);
    this.#questions.end(producerId);
  }
}

function isLater(one: TransactionIdentity, other: TransactionIdentity): boolean {
  return one.epoch === other.epoch ? one.startedAt > other.startedAt : one.epoch > other.epoch;
}

function tooLate({ producerId, marker }: Ending) {
  return coordinatorGone(
    `producer ${producerId}`,
    `A request to end a transaction of producer ${producerId} by ${marker} came late: it has ended.`,
    "Try again.",
  );
}
