import type { LogCore } from "../core.js";
import { logInUse } from "../errors.js";
import { checkNotInternal } from "../internal-topics.js";
import type { ReadHeader } from "../records/read-records.js";
import { Topic } from "../topic.js";
import type { BadRecord } from "./decode.js";
import type { Positions } from "./positions.js";

/** As Kafka Connect names them, so that its tools find the record again. */
const HEADERS = {
  topic: "__connect.errors.topic",
  partition: "__connect.errors.partition",
  offset: "__connect.errors.offset",
  reason: "__connect.errors.exception.message",
} as const;
const MOST_BATCH_BYTES = 256 * 1024 * 1024;
/** Ours: a topic that is made anew under its name has other records at its offsets. */
const TOPIC_ID = "sololakehouse.topic-id";

/**
 * The records that became no row: as they are, with the reason and the place in headers. They are in the object store
 * before the commit that passes them is made, and one that is there is not written again.
 */
export class DeadLetters {
  readonly #core: LogCore;
  readonly #topic: Topic;
  readonly #of: { readonly name: string; readonly id: string };
  /** Those that no commit has passed yet, by their places. */
  #written = new Map<string, Letter>();
  /** One behind the last that is known. */
  #end = 0n;

  /** @param of the topic whose records they are. */
  constructor(core: LogCore, name: string, of: { readonly name: string; readonly id: string }) {
    checkNotInternal(name);
    this.#core = core;
    this.#topic = new Topic(name, core);
    this.#of = of;
  }

  /** The offset from which on there may be letters of records that are not before `positions`. */
  horizon(positions: Positions): bigint {
    let horizon = this.#end;
    for (const letter of this.#written.values())
      if (!isPassed(letter, positions) && letter.at < horizon) horizon = letter.at;
    return horizon;
  }

  /** Reads which of the records behind `positions` are there already: of another who took the topic in, or before a crash. */
  async resume(from: bigint, positions: Positions): Promise<void> {
    this.#written = new Map();
    this.#end = from;
    const letters = (await this.#core.topics()).find(({ name }) => name === this.#topic.name);
    if (letters === undefined) return;
    // What a process that crashed has put there last is known to who writes.
    await this.#core.startWritingTo(letters, 0).catch((error: unknown) => {
      if (!logInUse.is(error)) throw error;
    });
    const { start = 0n, end = 0n } = (await this.#topic.offsets())[0] ?? {};
    // Of those that are gone again, none is behind the positions that was not passed.
    for await (const { records } of this.#topic.read({ partition: 0, from: max(start, min(from, end)) }))
      for (const { headers, offset } of records) {
        this.#end = offset + 1n;
        const place = placeIn(headers);
        if (place?.topicId !== this.#of.id || isPassed(place, positions)) continue;
        // Of two, the first: it is the one that is looked for.
        const key = keyOfPlace(place);
        if (!this.#written.has(key)) this.#written.set(key, { ...place, at: offset });
      }
  }

  /** @throws LakehouseError STORAGE_FAILED, RECORD_TOO_LARGE; as `Topic.append` */
  async write(bad: readonly BadRecord[]): Promise<void> {
    const fresh = bad.filter(
      ({ partition, record }) => !this.#written.has(keyOfPlace({ partition, offset: record.offset })),
    );
    if (fresh.length === 0) return;
    // A record that its topic took is taken here, with its headers.
    await this.#core.createTopic(this.#topic.name, { ifExists: "keep", maxBatchBytes: MOST_BATCH_BYTES });
    const appended = await this.#topic.append(
      fresh.map(({ partition, record, reason }) => ({
        key: record.key,
        value: record.value,
        headers: [
          ...record.headers,
          { key: HEADERS.topic, value: this.#of.name },
          { key: HEADERS.partition, value: String(partition) },
          { key: HEADERS.offset, value: String(record.offset) },
          { key: HEADERS.reason, value: reason },
          { key: TOPIC_ID, value: this.#of.id },
        ],
        ...(isTime(record.timestamp) ? { timestamp: Number(record.timestamp) } : {}),
      })),
      { ack: "stored", partition: 0 },
    );
    const at = appended[0]?.baseOffset ?? 0n;
    this.#end = max(this.#end, (appended[0]?.lastOffset ?? -1n) + 1n);
    for (const { partition, record } of fresh) {
      const place = { partition, offset: record.offset };
      this.#written.set(keyOfPlace(place), { ...place, at });
    }
  }

  /** Records before `positions` are committed: they do not come again. */
  passed(positions: Positions): void {
    for (const [key, letter] of this.#written) if (isPassed(letter, positions)) this.#written.delete(key);
  }
}

/** What a record may have for one: other clients write what they like. */
const isTime = (timestamp: bigint) => timestamp >= 0n && timestamp < 2n ** 51n;

interface Place {
  readonly partition: number;
  readonly offset: bigint;
}

/** A dead letter, and its offset in their topic or one before. */
interface Letter extends Place {
  readonly at: bigint;
}

function isPassed({ partition, offset }: Place, positions: Positions): boolean {
  return offset < (positions.get(partition) ?? 0n);
}

const keyOfPlace = ({ partition, offset }: Place) => `${partition}:${offset}`;

/** The last of each: the record may have been a dead letter of another topic before. */
function placeIn(headers: readonly ReadHeader[]): (Place & { readonly topicId: string }) | undefined {
  const text = (name: string) => {
    const value = headers.findLast(({ key }) => key === name)?.value;
    return value === null || value === undefined ? undefined : Buffer.from(value).toString();
  };
  const [topicId, partition, offset] = [text(TOPIC_ID), text(HEADERS.partition), text(HEADERS.offset)];
  if (topicId === undefined || !/^\d{1,9}$/.test(partition ?? "") || !/^\d{1,19}$/.test(offset ?? ""))
    return undefined;
  return { topicId, partition: Number(partition), offset: BigInt(offset ?? 0) };
}

const max = (a: bigint, b: bigint) => (a > b ? a : b);
const min = (a: bigint, b: bigint) => (a < b ? a : b);
