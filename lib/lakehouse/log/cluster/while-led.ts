import { closed } from "../../errors.js";
import { coordinatedElsewhere } from "../errors.js";
import type { TopicRecord } from "../meta/log-meta.js";
import type { Cluster, Leadership } from "./cluster.js";

export interface WhileLedParts<Kept> {
  readonly cluster: Cluster;
  readonly topic: TopicRecord;
  readonly open: (partition: number, leadership: Leadership) => Promise<Kept>;
  readonly close: (kept: Kept) => void;
}

interface Opened<Kept> {
  readonly epoch: number;
  readonly opening: Promise<Kept>;
}

/** What a server keeps for each partition of an internal topic while it leads it: another server that leads it has its own. */
export class WhileLed<Kept> {
  readonly #parts: WhileLedParts<Kept>;
  readonly #opened = new Map<number, Opened<Kept>>();
  readonly #unlisten: () => void;
  #isClosed = false;

  constructor(parts: WhileLedParts<Kept>) {
    this.#parts = parts;
    this.#unlisten = parts.cluster.onChange(() => {
      for (const number of [...this.#opened.keys()]) this.#leadership(number);
    });
  }

  /** The partitions that are led here. */
  get numbers(): number[] {
    const { cluster, topic } = this.#parts;
    return Array.from({ length: topic.partitions }, (_, number) => number).filter((number) =>
      cluster.leads(topic.id, number),
    );
  }

  /** Opens it where that was not done. @throws LakehouseError NOT_LEADER, CLOSED, and what opening fails with. */
  async of(number: number): Promise<Kept> {
    if (this.#isClosed) throw closed("log");
    const leadership = this.#leadership(number);
    if (leadership === undefined) throw coordinatedElsewhere(`${this.#parts.topic.name}/${number}`);
    const known = this.#opened.get(number);
    if (known !== undefined) return known.opening;
    const opening = this.#parts.open(number, leadership);
    const opened = { epoch: leadership.epoch, opening };
    this.#opened.set(number, opened);
    opening.catch(() => {
      if (this.#opened.get(number) === opened) this.#opened.delete(number);
    });
    return opening;
  }

  close(): void {
    this.#isClosed = true;
    this.#unlisten();
    for (const number of [...this.#opened.keys()]) this.#drop(number);
  }

  /** Nothing where another leads it; what was opened under an earlier leadership is dropped. */
  #leadership(number: number): Leadership | undefined {
    const { cluster, topic } = this.#parts;
    const leadership = cluster.leads(topic.id, number) ? cluster.leader(topic.id, number) : undefined;
    const opened = this.#opened.get(number);
    if (opened !== undefined && opened.epoch !== leadership?.epoch) this.#drop(number);
    return leadership;
  }

  #drop(number: number): void {
    const opened = this.#opened.get(number);
    this.#opened.delete(number);
    opened?.opening.then(this.#parts.close, () => undefined);
  }
}
