import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "./brokers.js";
import { openKafkajs } from "./clients/kafkajs.js";

export async function createTopic(
  { address }: Broker,
  topic: string,
  partitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const admin = openKafkajs(address).admin();
  await admin.connect();
  await admin.createTopics({
    topics: [
      {
        topic,
        numPartitions: partitions,
        replicationFactor: 1,
        configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
      },
    ],
    waitForLeaders: false,
  });
  // Kafka's broker knows of it a little later than its controller.
  while (!(await admin.listTopics()).includes(topic)) await sleep(50);
  await admin.disconnect();
}

/** Records with numbers as values, spread over the partitions by key. */
export async function produceMany({ address }: Broker, topic: string, count: number): Promise<void> {
  const producer = openKafkajs(address).producer();
  await producer.connect();
  await producer.send({
    topic,
    messages: Array.from({ length: count }, (_, i) => ({ key: String(i), value: String(i) })),
  });
  await producer.disconnect();
}
