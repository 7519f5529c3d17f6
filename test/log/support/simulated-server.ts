import {
  internalId,
  PRODUCER_ID_TOPIC,
  TRANSACTION_TOPIC,
} from "../../../lib/lakehouse/log/internal-topics.js";
import type { TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import type { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../../lib/lakehouse/log/meta/topic-config.js";
import type { Ack } from "../../../lib/lakehouse/log/partition/partition.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import type { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import { OpenTransactions } from "../../../lib/lakehouse/log/producers/open-transactions.js";
import { type StateFormat, StateTopic } from "../../../lib/lakehouse/log/state/state-topic.js";
import { TransactionCoordinator } from "../../../lib/lakehouse/log/transactions/coordinator.js";
import { PRODUCER_IDS, ProducerIds } from "../../../lib/lakehouse/log/transactions/producer-ids.js";
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
}

/** One process of the log in a simulated world, with its coordinator; tries until it is there. */
export async function openServer(world: World, meta: SqliteMeta, place: Place): Promise<SimulatedServer> {
  const { store, clock, disk } = world;
  const open = new OpenTransactions();
  const bufferBytes = world.chance(0.7) ? 4_096 : 500;
  const keptBytes = world.chance(0.5) ? 300 : 3_000;
  const writer = await untilItDoes(() =>
    Writer.open({ store, clock, disk, meta, place, bufferBytes, keptBytes, transactions: open }),
  );
  const state = async <Value>(topic: TopicRecord, format: StateFormat<Value>) => {
    const partition = await writer.partition(topic, 0);
    const segments = new Segments(store, place, 2_000);
    const reader = new PartitionReader(topic, 0, { meta, segments, clock, writer: () => partition });
    const append = (batch: Uint8Array, ack: Ack) => partition.append(batch, ack);
    return StateTopic.open({ topic, number: 0, append, reader }, format, clock);
  };
  const [transactions, ids] = STATE_TOPICS as [TopicRecord, TopicRecord];
  const coordinator = await untilItDoes(async () =>
    TransactionCoordinator.open({
      clock,
      state: await state(transactions, TRANSACTIONS),
      ids: new ProducerIds(await state(ids, PRODUCER_IDS)),
      open,
      partition: ({ topicId, partition }) => writer.partitionById(topicId, partition),
      leftOpen: () => writer.leftOpen(),
      endOffsets: async () => {},
    }),
  );
  return { writer, coordinator };
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
