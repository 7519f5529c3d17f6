import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Engine } from "../../engine.js";
import { kafka, python } from "../../installed.js";
import { Member, plainLine } from "../member.js";
import type { PlainRecord } from "../records.js";
import {
  type Client,
  type Isolation,
  type OpenClient,
  sendsNoNullHeaders,
  type Transaction,
} from "./client.js";

/** The clients in other languages: `java/KafkaClient.java` and `python/kafka_client.py` have the same functions. */
interface Kind {
  engine(): Engine;
  readonly command: readonly string[];
  readonly sends: Client["sends"];
}

const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));

export const javaOptions = (version: 3 | 4) => ["-Xmx256m", "-cp", join(kafka, `client-${version}`, "*")];

const java = (version: 3 | 4): Kind => ({
  engine: () => new Engine("KafkaClient.java", javaOptions(version)),
  command: ["java", ...javaOptions(version), path("java/KafkaMember.java")],
  sends: (record) => record,
});

const open =
  ({ engine: start, command, sends }: Kind): OpenClient =>
  (bootstrap): Client => {
    const engine = start();
    return {
      sends,
      produce: async (topic, records, codec) => {
        const settings = { "compression.type": codec, acks: "all" };
        const placed = records.map((record) => ({ ...record, partition: 0 }));
        await engine.call("produce", { bootstrap, topic, records: placed, settings });
      },
      consume: async (topic: string, count: number, isolation: Isolation) => {
        const settings = { "isolation.level": isolation };
        const records = await engine.call<(PlainRecord & { partition?: number })[]>("consume", {
          bootstrap,
          topic,
          count,
          settings,
        });
        return records.map(({ partition: _, ...record }) => record);
      },
      aborts: true,
      transact: async (topic: string, transactions: readonly Transaction[]) => {
        const name = "transact";
        const settings = { "transactional.id": `engine-${topic}` };
        await engine.call("openProducer", { bootstrap, name, settings });
        for (const { values, end } of transactions) {
          const records = values.map((value) => ({
            key: null,
            value: Buffer.from(value).toString("hex"),
            partition: 0,
            headers: [],
          }));
          await engine.call("transaction", { name, step: "begin" });
          await engine.call("transaction", { name, step: "send", topic, records });
          await engine.call("transaction", { name, step: end });
        }
        await engine.call("closeProducer", { name });
      },
      member: (group, topic) => new Member([...command, bootstrap, group, topic], {}, plainLine),
      close: () => engine.close(),
    };
  };

export const java3 = open(java(3));
export const java4 = open(java(4));
export const confluent = open({
  engine: () => new Engine("confluent_client.py"),
  command: [python, path("python/confluent_member.py")],
  sends: (record) => record,
});
export const kafkaPython = open({
  engine: () => new Engine("kafka_client.py"),
  command: [python, path("python/kafka_member.py")],
  sends: sendsNoNullHeaders,
});
