import type { Broker, Cluster, Endpoints, Leadership } from "./cluster.js";

const SELF = 1;
const LEADERSHIP: Leadership = { broker: SELF, epoch: 0 };

/** One process that writes the log: it leads all of it. */
export class Alone implements Cluster {
  readonly self = SELF;
  readonly isShared = false;
  readonly isLive = true;
  #endpoints: Endpoints = {};
  readonly #listeners = new Set<() => void>();

  brokers(): readonly Broker[] {
    return [{ ...this.#endpoints, id: SELF }];
  }

  async announce(endpoints: Endpoints): Promise<void> {
    this.#endpoints = { ...this.#endpoints, ...endpoints };
    for (const listener of this.#listeners) listener();
  }

  leader(): Leadership {
    return LEADERSHIP;
  }

  leads(): boolean {
    return true;
  }

  epoch(): number {
    return LEADERSHIP.epoch;
  }

  controller(): number {
    return SELF;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
