import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import kafkajs, { type Producer } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Ack } from "../../lib/lakehouse/log/index.js";
import { runs } from "../support/runs.js";
import { kafkaServerProgram, type ServerProgram } from "./support/kafka-server.js";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

const KILLS = runs(4);
const PARTITIONS = 2;
const PRODUCERS = 4;
const BATCH = 10;

let program: ServerProgram;
beforeAll(async () => {
  program = await kafkaServerProgram();
});
afterAll(() => program.dispose());

/** What a producer was told: that its records from `first` on are at `baseOffset` and after. */
interface Acknowledged {
  readonly partition: number;
  readonly baseOffset: number;
  readonly producer: number;
  readonly first: number;
}

/** Sends batch after batch to one partition, each again until it is acknowledged. */
async function produceOn(
  producer: Producer,
  { number, history, hasEnded }: { number: number; history: Acknowledged[]; hasEnded(): boolean },
): Promise<void> {
  const partition = number % PARTITIONS;
  for (let first = 0; !hasEnded(); first += BATCH) {
    const messages = Array.from({ length: BATCH }, (_, i) => ({
      partition,
      value: `${number} ${first + i}`,
    }));
    const [sent] = await producer.send({ topic: "flights", acks: -1, messages });
    history.push({ partition, baseOffset: Number(sent?.baseOffset), producer: number, first });
  }
}

test.each<Ack>(["wal", "stored"])(
  "after kill -9 of the server under load what it acknowledged as %s is there once, in order, without gaps",
  async (acksAll) => {
    const root = testFolder();
    const log = openLog(root);
    await log.createTopic("flights", { partitions: PARTITIONS, segmentBytes: 4_096, storedLingerMs: 2 });
    await log.close();
    let server = await program.start(root, { acksAll });
    const port = Number(server.address.split(":")[1]);
    const kafka = new kafkajs.Kafka({
      brokers: [server.address],
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 10_000 },
    });
    const history: Acknowledged[] = [];
    let hasEnded = false;
    const producers = Array.from({ length: PRODUCERS }, () =>
      kafka.producer({ idempotent: true, maxInFlightRequests: 1 }),
    );
    await Promise.all(producers.map((producer) => producer.connect()));
    const producing = Promise.all(
      producers.map((producer, number) => produceOn(producer, { number, history, hasEnded: () => hasEnded })),
    );
    producing.catch(() => undefined);
    const hasMore = async (count: number) => {
      for (const before = history.length; history.length < before + count; )
        await Promise.race([sleep(2), producing]);
    };
    for (let kill = 0; kill < KILLS; kill++) {
      await hasMore(20);
      await server.kill();
      // What is stored survives this machine's disk.
      const isDiskLost = acksAll === "stored" && kill % 2 === 1;
      if (isDiskLost) await rm(join(root, "log"), { recursive: true });
      server = await program.start(root, { port, acksAll, recover: isDiskLost });
    }
    await hasMore(20);
    hasEnded = true;
    await producing;
    await Promise.all(producers.map((producer) => producer.disconnect()));
    await server.stop();

    const topic = openLog(root).topic("flights");
    const lastOf = new Map<string, number>();
    const places = new Map<string, string>();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const records = await readAll(topic, { partition });
      expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => BigInt(i)));
      for (const { value, offset } of records) {
        const record = Buffer.from(value ?? []).toString();
        const [producer = "", number] = record.split(" ");
        // A producer's records come one after the other: none is there twice, and none is left out.
        expect(Number(number), `after ${lastOf.get(producer)} of producer ${producer}`).toBe(
          (lastOf.get(producer) ?? -1) + 1,
        );
        lastOf.set(producer, Number(number));
        places.set(record, `${partition}/${offset}`);
      }
    }
    for (const { partition, baseOffset, producer, first } of history)
      for (let i = 0; i < BATCH; i++)
        expect(places.get(`${producer} ${first + i}`)).toBe(`${partition}/${baseOffset + i}`);
    expect(history.length).toBeGreaterThanOrEqual((KILLS + 1) * 20);
  },
);

/** Transactions of one record in each partition, one after the other, each under a number of its own. */
async function transactOn(
  kafka: kafkajs.Kafka,
  { id, committed, hasEnded }: { id: number; committed: string[]; hasEnded(): boolean },
): Promise<void> {
  // What is left open when the server dies is aborted by the next producer of the same id.
  const connect = async () => {
    const producer = kafka.producer({
      transactionalId: `mover-${id}`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    return producer;
  };
  for (let number = 0; !hasEnded(); ) {
    const producer = await connect();
    try {
      while (!hasEnded()) {
        const value = `${id}/${number++}`;
        const transaction = await producer.transaction();
        for (const partition of [0, 1])
          await transaction.send({ topic: "moves", messages: [{ partition, value }] });
        if (number % 5 === 0) await transaction.abort();
        else {
          await transaction.commit();
          committed.push(value);
        }
      }
    } catch {
      // Whether it was committed nobody has said.
    } finally {
      await producer.disconnect();
    }
  }
  // Its last transaction is over when another may begin.
  const producer = await connect();
  await (await producer.transaction()).abort();
  await producer.disconnect();
}

test("after kill -9 amid transactions each is there in all of its partitions, or in none", async () => {
  const root = testFolder();
  const log = openLog(root);
  await log.createTopic("moves", { partitions: 2, segmentBytes: 4_096, storedLingerMs: 2 });
  await log.close();
  let server = await program.start(root);
  const port = Number(server.address.split(":")[1]);
  const kafka = new kafkajs.Kafka({
    brokers: [server.address],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 10_000 },
  });
  const committed: string[] = [];
  let hasEnded = false;
  const moving = Promise.all(
    [0, 1, 2].map((id) => transactOn(kafka, { id, committed, hasEnded: () => hasEnded })),
  );
  moving.catch(() => undefined);
  const hasMore = async () => {
    for (const before = committed.length; committed.length < before + 10; )
      await Promise.race([sleep(2), moving]);
  };
  for (let kill = 0; kill < KILLS; kill++) {
    await hasMore();
    await server.kill();
    server = await program.start(root, { port });
  }
  await hasMore();
  hasEnded = true;
  await moving;
  await server.stop();

  const topic = openLog(root).topic("moves");
  const [first = [], second = []] = await Promise.all(
    [0, 1].map(async (partition) => texts(await readAll(topic, { partition, isolation: "read_committed" }))),
  );
  expect(new Set(first).size).toBe(first.length);
  expect(second.toSorted()).toEqual(first.toSorted());
  expect(first).toEqual(expect.arrayContaining(committed));
  expect(first.filter((value) => Number(value.split("/")[1]) % 5 === 4)).toEqual([]);
});
