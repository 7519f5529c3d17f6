import kafkajs, { type IHeaders, type Kafka, type KafkaMessage } from "kafkajs";
import {
  compressRecords,
  decompressRecords,
  prepareCompression,
} from "../../../../lib/lakehouse/log/records/compression.js";
import { nodeMember } from "../member.js";
import { bytes, hex, type PlainRecord } from "../records.js";
import { type Client, type Codec, type Isolation, sendsNoNullHeaders, type Transaction } from "./client.js";

const { CompressionCodecs, CompressionTypes, Kafka: KafkaClient, logLevel } = kafkajs;

// The client brings gzip alone, and takes the others from whoever has them.
for (const [type, id, codec] of [
  [CompressionTypes.Snappy, 2, undefined],
  [CompressionTypes.LZ4, 3, "lz4"],
  [CompressionTypes.ZSTD, 4, "zstd"],
] as const)
  CompressionCodecs[type] = () => ({
    compress: async (encoder: { buffer: Buffer }) => {
      await prepareCompression("zstd");
      return codec && Buffer.from(compressRecords(encoder.buffer, codec));
    },
    decompress: async (content: Buffer) => {
      await prepareCompression("zstd");
      return Buffer.from(decompressRecords(content, id, "kafkajs"));
    },
  });

const TYPES: Readonly<Partial<Record<Codec, number>>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

export const openKafkajs = (address: string): Kafka =>
  new KafkaClient({ clientId: "suite", brokers: [address], logLevel: logLevel.NOTHING });

export function kafkajsClient(address: string): Client {
  const client = openKafkajs(address);
  let groups = 0;
  return {
    sends: sendsNoNullHeaders,
    produce: async (topic, records, codec) => {
      const producer = client.producer();
      await producer.connect();
      await producer.send({
        topic,
        acks: -1,
        compression: TYPES[codec] as number,
        messages: records.map((record) => ({
          partition: 0,
          key: bytes(record.key),
          value: bytes(record.value),
          timestamp: String(record.timestamp),
          headers: Object.fromEntries(
            record.headers.map(([name, value]) => [name, bytes(value)]),
          ) as IHeaders,
        })),
      });
      await producer.disconnect();
    },
    // It reads in groups alone, and shows aborted records unless told not to.
    consume: async (topic, count, isolation: Isolation) => {
      const consumer = client.consumer({
        groupId: `kafkajs-${topic}-${groups++}`,
        readUncommitted: isolation === "read_uncommitted",
      });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      const found: PlainRecord[] = [];
      await new Promise<void>((resolve, reject) => {
        consumer.on("consumer.crash", ({ payload }) => payload.restart || reject(payload.error));
        consumer
          .run({
            eachMessage: async ({ message }) => {
              found.push(plain(message));
              if (found.length === count) resolve();
            },
          })
          .catch(reject);
      });
      await consumer.disconnect();
      return found;
    },
    aborts: true,
    transact: async (topic, transactions: readonly Transaction[]) => {
      const producer = client.producer({
        transactionalId: `kafkajs-${topic}`,
        idempotent: true,
        maxInFlightRequests: 1,
      });
      await producer.connect();
      for (const { values, end } of transactions) {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: values.map((value) => ({ partition: 0, value })) });
        await transaction[end]();
      }
      await producer.disconnect();
    },
    member: (group, topic) => nodeMember("kafkajs", address, group, topic),
    close: async () => {},
  };
}

function plain({ offset, timestamp, key, value, headers }: KafkaMessage): PlainRecord {
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: hex(key),
    value: hex(value),
    headers: Object.entries(headers ?? {}).flatMap(([name, values]) =>
      [values].flat().map((each) => [name, hex(each as Buffer)] as const),
    ),
  };
}
