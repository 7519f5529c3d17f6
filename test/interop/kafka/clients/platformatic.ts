import { Consumer, Producer } from "@platformatic/kafka";
import { nodeMember } from "../member.js";
import { bytes, hex, type PlainRecord } from "../records.js";
import type { Client, Isolation, Transaction } from "./client.js";

export function platformaticClient(address: string): Client {
  const options = { clientId: "suite", bootstrapBrokers: [address] };
  let groups = 0;
  return {
    sends: (record) => record,
    produce: async (topic, records, compression) => {
      const producer = new Producer(options);
      await producer.send({
        acks: -1,
        compression,
        messages: records.map((record) => ({
          topic,
          partition: 0,
          key: bytes(record.key) as Buffer,
          value: bytes(record.value) as Buffer,
          timestamp: BigInt(record.timestamp),
          headers: new Map(
            record.headers.map(([name, value]) => [Buffer.from(name), bytes(value) as Buffer]),
          ),
        })),
      });
      await producer.close();
    },
    consume: async (topic, count, isolation: Isolation) => {
      const consumer = new Consumer({ ...options, groupId: `platformatic-${topic}-${groups++}` });
      const stream = await consumer.consume({
        topics: [topic],
        mode: "earliest",
        maxWaitTime: 100,
        isolationLevel: isolation === "read_committed" ? 1 : 0,
      });
      const found: PlainRecord[] = [];
      for await (const { offset, timestamp, key, value, headers } of stream) {
        found.push({
          offset: Number(offset),
          timestamp: Number(timestamp),
          key: hex(key),
          value: hex(value),
          headers: [...headers].map(([name, content]) => [name.toString(), hex(content)] as const),
        });
        if (found.length === count) break;
      }
      await consumer.close(true);
      return found;
    },
    aborts: true,
    transact: async (topic, transactions: readonly Transaction[]) => {
      const producer = new Producer({
        ...options,
        idempotent: true,
        transactionalId: `platformatic-${topic}`,
      });
      for (const { values, end } of transactions) {
        const transaction = await producer.beginTransaction();
        await transaction.send({
          messages: values.map((value) => ({ topic, partition: 0, value: Buffer.from(value) })),
        });
        await transaction[end]();
      }
      await producer.close();
    },
    member: (group, topic) => nodeMember("platformatic", address, group, topic),
    close: async () => {},
  };
}
