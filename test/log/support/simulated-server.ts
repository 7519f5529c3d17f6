import { logUnavailable } from "../../../lib/lakehouse/log/errors.js";
import {
  internalId,
  PRODUCER_ID_TOPIC,
  TRANSACTION_TOPIC,
} from "../../../lib/lakehouse/log/internal-topics.js";
import type { TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import type { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../../lib/lakehouse/log/meta/topic-config.js";
import { sleep } from "../../../lib/lakehouse/log/partition/clock.js";
import type { Ack } from "../../../lib/lakehouse/log/partition/partition.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import type { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import { type StateFormat, type StateMap, StateTopic } from "../../../lib/lakehouse/log/state/state-topic.js";
import { TransactionCoordinator } from "../../../lib/lakehouse/log/transactions/coordinator.js";
import { endLeftOpen } from "../../../lib/lakehouse/log/transactions/left-open.js";
import {
  PRODUCER_IDS,
  ProducerIdBlocks,
  ProducerIds,
} from "../../../lib/lakehouse/log/transactions/producer-ids.js";
import { TransactionEntries } from "../../../lib/lakehouse/log/transactions/transaction-entries.js";
import { TRANSACTIONS } from "../../../lib/lakehouse/log/transactions/transaction-entry.js";
import { Writer } from "../../../lib/lakehouse/log/writer.js";
import type { World } from "./world.js";

/** What is written is small, and segments are, too. */
export function simulatedTopic(name: string, id: string, partitions: number): TopicRecord {
  return {
    id,
    name,
    partitions,
    config: topicConfig({ compression: "none", segmentBytes: 1024, segmentMs: 200, storedLingerMs: 10 }),
    createdAt: 0,
    version: 1,
  };
}

export const STATE_TOPICS = [TRANSACTION_TOPIC, PRODUCER_ID_TOPIC].map((name) =>
  simulatedTopic(name, internalId(name), 1),
);

export interface SimulatedServer {
  readonly writer: Writer;
  readonly coordinator: TransactionCoordinator;
  readonly producerIds: ProducerIds;
}

/** One process of the log in a simulated world, with its coordinator; tries until it is there. */
export async function openServer(world: World, meta: SqliteMeta, place: Place): Promise<SimulatedServer> {
  const { store, clock, disk } = world;
  const bufferBytes = world.chance(0.7) ? 4_096 : 500;
  const keptBytes = world.chance(0.5) ? 300 : 3_000;
  const writer = await untilItDoes(() =>
    Writer.open({ store, clock, disk, meta, place, bufferBytes, keptBytes }),
  );
  const state = async <Value>(topic: TopicRecord, format: StateFormat<Value>, map?: StateMap<Value>) => {
    const partition = await writer.partition(topic, 0);
    const segments = new Segments(store, place, 2_000);
    const reader = new PartitionReader(topic, 0, { meta, segments, clock, writer: () => partition });
    const append = (batch: Uint8Array, ack: Ack) => partition.append(batch, ack);
    return StateTopic.open({ topic, number: 0, append, reader }, format, clock, map);
  };
  const [transactions, ids] = STATE_TOPICS as [TopicRecord, TopicRecord];
  const { coordinator, producerIds } = await untilItDoes(async () => {
    const blocks = new ProducerIdBlocks(await state(ids, PRODUCER_IDS));
    const producerIds = new ProducerIds(() => blocks.take());
    const entries = new TransactionEntries();
    const opening: Promise<TransactionCoordinator> = TransactionCoordinator.open({
      clock,
      state: await state(transactions, TRANSACTIONS, entries),
      entries,
      newProducerId: () => producerIds.take(),
      ack: "wal",
      endAt: async ({ topicId, partition }, ending) => {
        const topic = (await meta.topicOf(topicId)) as TopicRecord;
        const end = async () =>
          (await writer.partition(topic, partition)).end(ending, async () => {
            const isDecided = (await opening).isEnding(ending);
            // It may have ended by the time that the answer is here.
            if (world.chance(0.3)) await sleep(clock, world.below(300));
            return isDecided;
          });
        // It is given up, and arrives all the same, once or more.
        const late = world.chance(0.5) ? 0 : 1 + world.below(4);
        for (let i = 0; i < late; i++) clock.after(world.below(200), () => void end().catch(() => undefined));
        if (late > 0 && world.chance(0.3)) throw logUnavailable("simulated", "It does not answer.");
        await end();
      },
      endOffsets: async () => {},
    });
    return { coordinator: await opening, producerIds };
  });
  await untilItDoes(async () => {
    for (const partition of await writer.leftOpen(() => true))
      await endLeftOpen(partition, async (producer, at) => coordinator.standing(producer, at), "wal");
  });
  return { writer, coordinator, producerIds };
}

async function untilItDoes<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: string }).code !== "STORAGE_FAILED") throw error;
    }
  }
}
