/** Load on servers of Kafka's protocol that fail, and what has to be there afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import type kafkajs from "kafkajs";
import type { Producer } from "kafkajs";
import { expect } from "vitest";
import type { Topic } from "../../../lib/lakehouse/log/index.js";
import { readAll, texts } from "./lake-log.js";

const BATCH = 10;

/** What a producer was told: that its records from `first` on are at `baseOffset` and after. */
export interface Acknowledged {
  readonly partition: number;
  readonly baseOffset: number;
  readonly producer: number;
  readonly first: number;
}

/** Sends batch after batch to one partition, each again until it is acknowledged. */
export async function produceOn(
  producer: Producer,
  {
    number,
    partitions,
    history,
    hasEnded,
  }: { number: number; partitions: number; history: Acknowledged[]; hasEnded(): boolean },
): Promise<void> {
  const partition = number % partitions;
  for (let first = 0; !hasEnded(); first += BATCH) {
    const messages = Array.from({ length: BATCH }, (_, i) => ({
      partition,
      value: `${number} ${first + i}`,
    }));
    const [sent] = await producer.send({ topic: "flights", acks: -1, messages });
    history.push({ partition, baseOffset: Number(sent?.baseOffset), producer: number, first });
  }
}

/** What was acknowledged is there once, in order, at the offsets that were told, and these have no gaps. */
export async function checkHistory(
  topic: Topic,
  partitions: number,
  history: readonly Acknowledged[],
): Promise<void> {
  const lastOf = new Map<string, number>();
  const places = new Map<string, string>();
  for (let partition = 0; partition < partitions; partition++) {
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
}

/** Transactions of one record in each partition, one after the other, each under a number of its own. */
export async function transactOn(
  kafka: kafkajs.Kafka,
  { id, committed, hasEnded }: { id: number; committed: string[]; hasEnded(): boolean },
): Promise<void> {
  // What is left open when the server dies is aborted by the next producer of the same id.
  const connect = async (): Promise<Producer> => {
    const producer = kafka.producer({
      transactionalId: `mover-${id}`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    try {
      await producer.connect();
      return producer;
    } catch {
      // Its coordinator is not there for the moment.
      await producer.disconnect();
      await sleep(100);
      return connect();
    }
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

/** What was committed is there in both partitions, and what was aborted in neither. */
export async function checkTransactions(topic: Topic, committed: string[]): Promise<void> {
  const [first = [], second = []] = await Promise.all(
    [0, 1].map(async (partition) => texts(await readAll(topic, { partition, isolation: "read_committed" }))),
  );
  expect(new Set(first).size).toBe(first.length);
  expect(second.toSorted()).toEqual(first.toSorted());
  expect(first).toEqual(expect.arrayContaining(committed));
  expect(first.filter((value) => Number(value.split("/")[1]) % 5 === 4)).toEqual([]);
}
