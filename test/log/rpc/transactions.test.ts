import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { connectLog, type Log, type RemoteLog } from "../../../lib/lakehouse/log/index.js";
import { runs } from "../../support/runs.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";
import { losing } from "./support/losing.js";
import { connected, post, serve } from "./support/servers.js";

const QUICK = { group: "readers", commit: "manual", sessionTimeoutMs: 200, rebalanceTimeoutMs: 150 } as const;
const GROUPS = { initialRebalanceDelayMs: 0, minSessionTimeoutMs: 1 };

async function committed(log: Log, topic = "delays"): Promise<string[]> {
  const all = texts(await readAll(log.topic(topic), { isolation: "read_committed" }));
  return all.sort((a, b) => Number(a) - Number(b));
}

/** The first answer may be lost, too. */
async function connectedBy(url: string): Promise<RemoteLog> {
  for (;;)
    try {
      const remote = await connectLog(url);
      onTestFinished(() => remote.close());
      return remote;
    } catch (error) {
      expect(error).toMatchObject({ code: "LOG_UNAVAILABLE" });
    }
}

test("each record comes to one effect, whatever connections are lost and whichever answers with them", async () => {
  // A transaction has some ten answers: it has to get through once in a while.
  const anyLosses = fc.array(fc.integer({ min: 20, max: 60 }), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(anyLosses, async (losses) => {
      const log = openLog(testFolder(), { groups: GROUPS });
      for (const name of ["flights", "delays"]) await log.createTopic(name, { partitions: 3 });
      const server = await serve(log);
      const values = Array.from({ length: 60 }, (_, i) => String(i));
      // One by one, so that there are many batches, and each may be cut off.
      const appending = (async () => {
        for (const value of values) {
          await log.topic("flights").append({ key: value, value });
          await sleep(20);
        }
      })();
      const stop = new AbortController();
      const reading = losses.map(async (oneOf, i) => {
        const remote = await connectedBy(await losing(() => server.port, oneOf));
        const producer = remote.producer({ transactionalId: `reader-${i}` });
        while (!stop.signal.aborted)
          try {
            for await (const batch of remote.consume(["flights"], { ...QUICK, signal: stop.signal }))
              await producer.transaction(async (tx) => {
                const values = batch.records.map(({ value }) => ({ value }));
                await tx.append("delays", values);
                await tx.sendBatch(batch);
              });
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(
              /^(ILLEGAL_GENERATION|ABORTED|LOG_UNAVAILABLE)$/,
            );
          }
      });
      await appending;
      while ((await committed(log)).length < values.length) await sleep(20);
      await sleep(50);
      stop.abort();
      await Promise.all(reading);
      expect(await committed(log)).toEqual(values);
      const { offsets } = await log.groups.describe("readers");
      expect(offsets.map(({ lag }) => lag)).toEqual(offsets.map(() => 0n));
      await server.close();
      await log.close();
    }),
    { numRuns: runs(2) },
  );
});

interface Producer {
  readonly id: string;
  readonly epoch: number;
}

/** What any client of Connect can send, in JSON: what is refused is told by its code. */
async function caller(log: Log) {
  const { url } = await serve(log);
  const call = async (method: string, message: object) => {
    const { answer } = await post(url, method, message);
    return answer.details?.[0]?.debug?.code ?? answer;
  };
  return {
    init: (more: object = {}): Promise<Producer> =>
      call("ProducerService/InitProducer", { transactionalId: "payments", ...more }),
    append: (producer: Producer, number: number, sequence: number, value: string) =>
      call("ProducerService/Append", {
        ...{ topic: "flights", partition: 0, records: [{ value: Buffer.from(value).toString("base64") }] },
        producer: { sequence, transaction: { transactionalId: "payments", producer, number } },
      }),
    in: (method: string, producer: Producer | undefined, number: number, more: object = {}) =>
      call(`TransactionService/${method}`, {
        transaction: { transactionalId: "payments", producer, number },
        ...more,
      }),
  };
}

test("a request that comes again is answered as before, and one that comes late changes nothing of the next transaction", async () => {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  const client = await caller(log);
  const producer = await client.init();
  const place = { appended: [{ partition: 0, baseOffset: "0", lastOffset: "0" }] };
  expect(await client.append(producer, 0, 0, "1")).toEqual(place);
  expect(await client.append(producer, 0, 0, "1")).toEqual(place);
  const offsets = { group: "g", offsets: [{ topic: "flights", partition: 0, offset: "1" }] };
  expect(await client.in("AddOffsets", producer, 0, { group: "g" })).toEqual({});
  expect(await client.in("SendOffsets", producer, 0, offsets)).toEqual({});
  expect(await client.in("Commit", producer, 0)).toEqual({});
  expect(await client.in("Commit", producer, 0)).toEqual({});
  expect(await client.in("Abort", producer, 0)).toBe("INVALID_TXN_STATE");
  // Late, before the next has begun, and after.
  expect(await client.append(producer, 0, 0, "1")).toBe("INVALID_TXN_STATE");
  expect(await client.append(producer, 1, 1, "2")).toMatchObject({ appended: [{ baseOffset: "2" }] });
  expect(await client.in("AddOffsets", producer, 1, { group: "g" })).toEqual({});
  for (const late of ["Commit", "Abort"])
    expect(await client.in(late, producer, 0)).toBe("INVALID_TXN_STATE");
  expect(await client.in("AddOffsets", producer, 0, { group: "g" })).toBe("INVALID_TXN_STATE");
  expect(await client.in("SendOffsets", producer, 0, offsets)).toBe("INVALID_TXN_STATE");
  expect(await client.append(producer, 2, 2, "3")).toBe("INVALID_TXN_STATE");
  expect(await committed(log, "flights")).toEqual(["1"]);
  expect(await client.in("Commit", producer, 1)).toEqual({});
  expect(await committed(log, "flights")).toEqual(["1", "2"]);
  expect((await log.groups.describe("g")).offsets).toMatchObject([{ offset: 1n }]);
});

test("a later producer of the id fences the earlier, and the number of a transaction begins anew", async () => {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  const client = await caller(log);
  const old = await client.init();
  await client.append(old, 7, 0, "old");
  const young = await client.init();
  expect(young.id).toBe(old.id);
  expect(young.epoch).toBeGreaterThan(old.epoch);
  for (const call of ["Commit", "Abort"]) expect(await client.in(call, old, 7)).toBe("PRODUCER_FENCED");
  expect(await client.append(old, 7, 1, "old")).toBe("PRODUCER_FENCED");
  expect(await client.init({ current: old })).toBe("PRODUCER_FENCED");
  await client.append(young, 0, 0, "1");
  expect(await client.in("Commit", young, 0)).toEqual({});
  expect(await committed(log, "flights")).toEqual(["1"]);
});

test("what a message should not say is refused, and the server goes on", async () => {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  const client = await caller(log);
  const producer = await client.init();
  const invalid = "INVALID_ARGUMENT";
  expect(await client.init({ transactionalId: "" })).toBe(invalid);
  expect(await client.init({ transactionTimeoutMs: -1 })).toBe("INVALID_TRANSACTION_TIMEOUT");
  expect(await client.in("Commit", undefined, 0)).toBe(invalid);
  expect(await client.in("Commit", producer, -1)).toBe(invalid);
  expect(await client.in("Commit", { id: producer.id, epoch: 70_000 }, 0)).toBe(invalid);
  expect(await client.append({ id: "-1", epoch: 0 }, 0, 0, "1")).toBe(invalid);
  expect(await client.append(producer, 0, -1, "1")).toBe(invalid);
  expect(await client.in("Commit", { id: "4711", epoch: 0 }, 0)).toBe("INVALID_PRODUCER_ID_MAPPING");
  expect(await client.in("AddOffsets", producer, 0, { group: "" })).toBe("INVALID_GROUP_ID");
  expect(await client.append(producer, 1, 0, "1")).toMatchObject({ appended: [{ baseOffset: "0" }] });
  expect(await client.in("Commit", producer, 1)).toEqual({});
  expect(await committed(log, "flights")).toEqual(["1"]);
});

test("a transaction that takes too long is aborted, and its producer fenced", async () => {
  const log = openLog(testFolder());
  await log.createTopic("flights");
  const remote = await connected(log);
  const producer = remote.producer({ transactionalId: "payments", transactionTimeoutMs: 50 });
  const slow = producer.transaction(async (tx) => {
    await tx.append("flights", { value: "1" });
    while ((await log.topic("flights").offsets())[0]?.lastStable === 0n) await sleep(20);
  });
  await expect(slow).rejects.toMatchObject({ code: "PRODUCER_FENCED" });
  expect(await committed(log, "flights")).toEqual([]);
});

test("a batch is committed where it is read, and by no other connection", async () => {
  const log = openLog(testFolder(), { groups: GROUPS });
  for (const name of ["flights", "delays"]) await log.createTopic(name);
  await log.topic("flights").append({ value: "1" });
  const [remote, other] = [await connected(log), await connected(log)];
  for (const [reader, stranger] of [
    [remote, other],
    [remote, log],
    [log, remote],
  ] as const) {
    const reading = reader.consume(["flights"], QUICK);
    const { value: batch } = await reading.next();
    const sending = stranger
      .producer({ transactionalId: "payments" })
      .transaction((tx) => tx.sendBatch(batch as NonNullable<typeof batch>));
    await expect(sending).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await reading.return(undefined);
  }
});
