import type { Broker, Cluster, Endpoints, Leadership } from "./cluster.js";

const SELF = 1;

/** One process that writes the log: it leads all of it. */
export class Alone implements Cluster {
  readonly self = SELF;
  readonly isShared = false;
  readonly isLive = true;
  #endpoints: Endpoints = {};
  #epoch = 0;
  readonly #listeners = new Set<() => void>();

  brokers(): readonly Broker[] {
    return [{ ...this.#endpoints, id: SELF }];
  }

  async announce(endpoints: Endpoints): Promise<void> {
    this.#endpoints = { ...this.#endpoints, ...endpoints };
    for (const listener of this.#listeners) listener();
  }

  /** It writes from now on, under this epoch. */
  begin(epoch: number): void {
    this.#epoch = epoch;
  }

  leader(): Leadership {
    return { broker: SELF, epoch: this.#epoch };
  }

  leads(): boolean {
    return true;
  }

  /** 0 while it only reads. */
  epoch(): number {
    return this.#epoch;
  }

  controller(): number {
    return SELF;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
