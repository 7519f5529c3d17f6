import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Log } from "../../../lib/lakehouse/log/index.js";
import { TRANSACTION_TOPIC } from "../../../lib/lakehouse/log/internal-topics.js";
import { openState, stateTopic } from "../../../lib/lakehouse/log/state/open-state.js";
import { TRANSACTIONS } from "../../../lib/lakehouse/log/transactions/transaction-entry.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";
import { beginTransaction, Sending } from "../support/producing.js";

const code = (wanted: string) => expect.objectContaining({ code: wanted });

async function newLog(): Promise<{ readonly root: string; readonly log: Log }> {
  const root = testFolder();
  const log = openLog(root);
  await log.createTopic("flights", { partitions: 2 });
  return { root, log };
}

async function committed(log: Log): Promise<string[]> {
  return texts(await readAll(log.topic("flights"), { isolation: "read_committed" })).sort();
}

async function uncommitted(log: Log): Promise<string[]> {
  return texts(await readAll(log.topic("flights"))).sort();
}

test("readers of what is committed see a transaction when it has ended, and nothing behind its first record before", async () => {
  const { log } = await newLog();
  const { owner, sending } = await beginTransaction(log.core, "payments", "flights", [0, 1]);
  await log.topic("flights").append({ value: "before" }, { partition: 0 });
  await sending.send("flights", 0, ["a", "b"]);
  await sending.send("flights", 1, ["c"]);
  await log.topic("flights").append({ value: "behind" }, { partition: 0 });
  expect(await committed(log)).toEqual(["before"]);
  expect(await uncommitted(log)).toEqual(["a", "b", "before", "behind", "c"]);
  expect((await log.topic("flights").offsets())[0]).toMatchObject({ end: 4n, lastStable: 1n });

  const transactions = await log.core.transactions();
  await transactions.endTransaction(owner, "commit");
  expect(await committed(log)).toEqual(["a", "b", "before", "behind", "c"]);
  // The marker takes an offset, and is no record.
  expect((await log.topic("flights").offsets())[0]).toMatchObject({ end: 5n, lastStable: 5n });
  // The answer may have been lost.
  await transactions.endTransaction(owner, "commit");
  expect((await log.topic("flights").offsets())[0]).toMatchObject({ end: 5n });
  await expect(transactions.endTransaction(owner, "abort")).rejects.toThrow(code("INVALID_TXN_STATE"));
});

test("of an aborted transaction they never see anything, from memory, from the objects, and after a recovery", async () => {
  const { root, log } = await newLog();
  const { owner, sending } = await beginTransaction(log.core, "payments", "flights", [0, 1]);
  await sending.send("flights", 0, ["a"]);
  await log.flush();
  await log.topic("flights").append({ value: "kept" }, { partition: 0 });
  await sending.send("flights", 0, ["b"]);
  await (await log.core.transactions()).endTransaction(owner, "abort");
  expect(await committed(log)).toEqual(["kept"]);
  await log.close();

  const again = openLog(root);
  expect(await committed(again)).toEqual(["kept"]);
  const from = await readAll(again.topic("flights"), { isolation: "read_committed", from: 1n, partition: 0 });
  expect(texts(from)).toEqual(["kept"]);
  await again.close();

  const elsewhere = openLog(root, { folder: `${root}/elsewhere` });
  await elsewhere.recover();
  expect(await committed(elsewhere)).toEqual(["kept"]);
});

test("a reader who waits is woken by the end of the transaction before it", async () => {
  const { log } = await newLog();
  const { owner, sending } = await beginTransaction(log.core, "payments", "flights", [0]);
  await sending.send("flights", 0, ["a"]);
  const ending = new AbortController();
  const followed = log.topic("flights").read({
    isolation: "read_committed",
    follow: true,
    partition: 0,
    signal: ending.signal,
  });
  const first = followed.next();
  await log.topic("flights").append({ value: "b" }, { partition: 0 });
  await (await log.core.transactions()).endTransaction(owner, "abort");
  const { value } = await first;
  expect(texts(value?.records ?? [])).toEqual(["b"]);
  ending.abort();
  expect((await followed.next()).done).toBe(true);
});

test("a new instance fences the one before, and aborts what that has open", async () => {
  const { log } = await newLog();
  const old = await beginTransaction(log.core, "payments", "flights", [0]);
  await old.sending.send("flights", 0, ["old"]);
  const young = await beginTransaction(log.core, "payments", "flights", [0]);
  expect(young.owner.producerId).toBe(old.owner.producerId);
  await expect(old.sending.send("flights", 0, ["late"])).rejects.toThrow(code("PRODUCER_FENCED"));
  const transactions = await log.core.transactions();
  await expect(transactions.endTransaction(old.owner, "commit")).rejects.toThrow(code("PRODUCER_FENCED"));
  await expect(transactions.addPartitions(old.owner, [], "wal")).rejects.toThrow(code("PRODUCER_FENCED"));
  await young.sending.send("flights", 0, ["young"]);
  await transactions.endTransaction(young.owner, "commit");
  expect(await committed(log)).toEqual(["young"]);
});

test("a batch gets into a transaction that is open and has its partition, and into no other", async () => {
  const { log } = await newLog();
  const { owner, sending } = await beginTransaction(log.core, "payments", "flights", [0]);
  await expect(sending.send("flights", 1, ["not added"])).rejects.toThrow(code("INVALID_TXN_STATE"));
  await sending.send("flights", 0, ["a"]);
  const plain = new Sending(log.core, owner, "idempotent");
  await expect(plain.again("flights", 0, ["outside"], 1)).rejects.toThrow(code("INVALID_TXN_STATE"));
  const transactions = await log.core.transactions();
  await transactions.endTransaction(owner, "commit");
  // It would open one that nobody ends, and hold all readers up.
  await expect(sending.send("flights", 0, ["late"])).rejects.toThrow(code("INVALID_TXN_STATE"));
  // What comes again is answered, though.
  expect(await sending.again("flights", 0, ["a"], 0)).toEqual({ baseOffset: 0n, lastOffset: 0n });
  expect(await committed(log)).toEqual(["a"]);
});

test("what one process has begun, the next goes on with", async () => {
  const { root, log } = await newLog();
  const { owner, sending } = await beginTransaction(log.core, "payments", "flights", [0, 1]);
  await sending.send("flights", 0, ["a"]);
  await log.close();
  const again = openLog(root);
  const going = new Sending(again.core, owner, "transactional");
  await going.again("flights", 0, ["b"], 1);
  await going.send("flights", 1, ["c"]);
  expect(await committed(again)).toEqual([]);
  await (await again.core.transactions()).endTransaction(owner, "commit");
  expect(await committed(again)).toEqual(["a", "b", "c"]);
});

/** A transaction that has a record, and as little time as lets one get into it. */
async function sendInTime(log: Log, timeoutMs: number): ReturnType<typeof beginTransaction> {
  const begun = await beginTransaction(log.core, "payments", "flights", [0], timeoutMs);
  try {
    await begun.sending.send("flights", 0, ["slow"]);
    return begun;
  } catch {
    return sendInTime(log, 2 * timeoutMs);
  }
}

test("a transaction that takes too long is aborted, and its producer fenced", async () => {
  const { log } = await newLog();
  const { owner, sending } = await sendInTime(log, 50);
  for (let isOpen = true; isOpen; await sleep(5)) {
    const [offsets] = await log.topic("flights").offsets();
    isOpen = offsets?.lastStable !== offsets?.end;
  }
  expect(await committed(log)).toEqual([]);
  await expect(sending.send("flights", 0, ["more"])).rejects.toThrow(code("PRODUCER_FENCED"));
  const transactions = await log.core.transactions();
  await expect(transactions.endTransaction(owner, "commit")).rejects.toThrow(code("PRODUCER_FENCED"));
});

test("a transaction has no more time where the clock was set back before the next process", async () => {
  const { root, log } = await newLog();
  await sendInTime(log, 500);
  await log.close();
  const now = Date.now;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => now() - 3_600_000);
  onTestFinished(() => clock.mockRestore());
  const again = openLog(root);
  await again.core.transactions();
  for (let isOpen = true; isOpen; await sleep(5)) {
    const [offsets] = await again.topic("flights").offsets();
    isOpen = offsets?.lastStable !== offsets?.end;
  }
  expect(await committed(again)).toEqual([]);
});

test("who asks for a later epoch gets it once, though the answer was lost", async () => {
  const { log } = await newLog();
  const transactions = await log.core.transactions();
  const ask = { transactionalId: "payments", timeoutMs: 1_000 };
  const first = await transactions.initProducerId(ask);
  const second = await transactions.initProducerId({ ...ask, current: first });
  expect(second).toEqual({ producerId: first.producerId, epoch: first.epoch + 1 });
  expect(await transactions.initProducerId({ ...ask, current: first })).toEqual(second);
  const third = await transactions.initProducerId(ask);
  await expect(transactions.initProducerId({ ...ask, current: second })).rejects.toThrow(
    code("PRODUCER_FENCED"),
  );
  expect(third.epoch).toBe(2);
});

test("producers' ids are never given twice, though the machine is lost with its metadata", async () => {
  const root = testFolder();
  const given = new Set<bigint>();
  for (let i = 0; i < 3; i++) {
    const log = openLog(root, { folder: `${root}/machine${i}` });
    const transactions = await log.core.transactions();
    for (let n = 0; n < 1_100; n++) {
      const { producerId } = await transactions.initProducerId({ transactionalId: undefined, timeoutMs: 0 });
      expect(given.has(producerId)).toBe(false);
      given.add(producerId);
    }
    await log.close();
  }
});

test.each([
  [{ transactionalId: "", timeoutMs: 1_000 }, "INVALID_ARGUMENT"],
  [{ transactionalId: "a", timeoutMs: 0 }, "INVALID_TRANSACTION_TIMEOUT"],
  [{ transactionalId: "a", timeoutMs: 900_001 }, "INVALID_TRANSACTION_TIMEOUT"],
] as const)("a producer that asks for %o is refused", async (ask, wanted) => {
  const transactions = await openLog(testFolder()).core.transactions();
  await expect(transactions.initProducerId(ask)).rejects.toThrow(code(wanted));
});

test("who speaks for an id that is not its own is refused", async () => {
  const { log } = await newLog();
  const { owner } = await beginTransaction(log.core, "payments", "flights", [0]);
  const transactions = await log.core.transactions();
  for (const other of [
    { ...owner, transactionalId: "others" },
    { ...owner, producerId: owner.producerId + 1n },
  ])
    await expect(transactions.endTransaction(other, "commit")).rejects.toThrow(
      code("INVALID_PRODUCER_ID_MAPPING"),
    );
});

test("a transaction goes on where one of its topics is deleted", async () => {
  const { log } = await newLog();
  await log.createTopic("other");
  const { owner, sending } = await beginTransaction(log.core, "payments", "flights", [0]);
  const { id: topicId } = await log.core.topic("other");
  const transactions = await log.core.transactions();
  await transactions.addPartitions(owner, [{ topicId, partition: 0 }], "wal");
  await sending.send("flights", 0, ["a"]);
  await sending.send("other", 0, ["b"]);
  await log.deleteTopic("other");
  await transactions.endTransaction(owner, "commit");
  expect(await committed(log)).toEqual(["a"]);
});

test("where the epochs of an id are used up, its transaction is aborted and it goes on with another producer's id", async () => {
  const { root, log: before } = await newLog();
  const { id: topicId } = await before.core.topic("flights");
  const topic = await stateTopic(before.core, TRANSACTION_TOPIC, 1);
  const state = await openState(before.core, topic, 0, TRANSACTIONS);
  const last = 2 ** 15 - 2;
  await state.set("payments", {
    producerId: 5_000n,
    epoch: last,
    lastEpoch: -1,
    timeoutMs: 60_000,
    state: "ongoing",
    partitions: [{ topicId, partition: 0 }],
    groups: [],
    ack: "wal",
    startedAt: Date.now(),
    updatedAt: Date.now(),
  });
  await before.close();
  const log = openLog(root);
  const transactions = await log.core.transactions();
  await new Sending(log.core, { producerId: 5_000n, epoch: last }, "transactional").send("flights", 0, [
    "old",
  ]);
  const next = await transactions.initProducerId({ transactionalId: "payments", timeoutMs: 1_000 });
  expect(next.epoch).toBe(0);
  expect(next.producerId).not.toBe(5_000n);
  expect(await committed(log)).toEqual([]);
  expect((await log.topic("flights").offsets())[0]).toMatchObject({ end: 2n, lastStable: 2n });
});

test("offsets of what no group can be named are no part of a transaction, which ends all the same", async () => {
  const { log } = await newLog();
  const transactions = await log.core.transactions();
  const given = await transactions.initProducerId({ transactionalId: "payments", timeoutMs: 60_000 });
  const owner = { transactionalId: "payments", ...given };
  const { id: topicId } = await log.core.topic("flights");
  await transactions.addPartitions(owner, [{ topicId, partition: 0 }], "wal");
  await expect(transactions.addOffsets(owner, "", "wal")).rejects.toMatchObject({ code: "INVALID_GROUP_ID" });
  await transactions.endTransaction(owner, "commit");
  expect((await transactions.describe("payments"))?.state).toBe("complete_commit");
});
