import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Ack } from "../../lib/lakehouse/log/index.js";
import { runs } from "../support/runs.js";
import {
  type Acknowledged,
  checkHistory,
  checkTransactions,
  produceOn,
  transactOn,
} from "./support/kafka-load.js";
import { kafkaServerProgram, type ServerProgram } from "./support/kafka-server.js";
import { openLog, testFolder } from "./support/lake-log.js";

const KILLS = runs(4);
const PARTITIONS = 2;
const PRODUCERS = 4;

let program: ServerProgram;
beforeAll(async () => {
  program = await kafkaServerProgram();
});
afterAll(() => program.dispose());

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
      producers.map((producer, number) =>
        produceOn(producer, { number, partitions: PARTITIONS, history, hasEnded: () => hasEnded }),
      ),
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

    await checkHistory(openLog(root).topic("flights"), PARTITIONS, history);
    expect(history.length).toBeGreaterThanOrEqual((KILLS + 1) * 20);
  },
);

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

  await checkTransactions(openLog(root).topic("moves"), committed);
});
