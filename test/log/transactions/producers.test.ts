import { describe, expect, test } from "vitest";
import type { Log } from "../../../lib/lakehouse/log/index.js";
import { SIDES } from "../support/both-sides.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";

const code = (wanted: string) => expect.objectContaining({ code: wanted });

async function committed(log: Log, topic = "flights"): Promise<string[]> {
  return texts(await readAll(log.topic(topic), { isolation: "read_committed" })).sort();
}

describe.each(SIDES)("%s", (_, sideOf) => {
  async function opened() {
    const log = openLog(testFolder(), { groups: { initialRebalanceDelayMs: 0, minSessionTimeoutMs: 1 } });
    await log.createTopic("flights", { partitions: 2 });
    await log.createTopic("receipts");
    return { log, side: await sideOf(log) };
  }

  test("a transaction over topics is seen when it is done, and its function's result comes back", async () => {
    const { log, side } = await opened();
    const producer = side.producer({ transactionalId: "payments" });
    const result = await producer.transaction(async (tx) => {
      await tx.append("flights", [{ key: "HNL", value: "a" }]);
      await tx.append("receipts", { value: "b" });
      expect(await committed(log)).toEqual([]);
      return 7;
    });
    expect(result).toBe(7);
    expect(await committed(log)).toEqual(["a"]);
    expect(await committed(log, "receipts")).toEqual(["b"]);
    await producer.transaction((tx) => tx.append("flights", { value: "c" }));
    expect(await committed(log)).toEqual(["a", "c"]);
  });

  test("nothing is seen of a transaction whose function throws, and the next goes on", async () => {
    const { log, side } = await opened();
    const producer = side.producer({ transactionalId: "payments" });
    const failing = producer.transaction(async (tx) => {
      await tx.append("flights", { value: "a" });
      throw new Error("no more");
    });
    await expect(failing).rejects.toThrow("no more");
    await producer.transaction((tx) => tx.append("flights", { value: "b" }));
    expect(await committed(log)).toEqual(["b"]);
  });

  test("a transaction in which an append has failed is not committed, though its function goes on", async () => {
    const { log, side } = await opened();
    const producer = side.producer({ transactionalId: "payments" });
    const failing = producer.transaction(async (tx) => {
      await tx.append("flights", { value: "a" });
      await tx.append("nowhere", { value: "b" }).catch(() => undefined);
    });
    await expect(failing).rejects.toThrow(code("NO_SUCH_TOPIC"));
    await producer.transaction((tx) => tx.append("flights", { value: "c" }));
    expect(await committed(log)).toEqual(["c"]);
  });

  test("what is not awaited is part of the transaction all the same, and nothing is after its end", async () => {
    const { log, side } = await opened();
    const producer = side.producer({ transactionalId: "payments" });
    const kept = await producer.transaction(async (tx) => {
      void tx.append("flights", { value: "a" });
      return tx;
    });
    expect(await committed(log)).toEqual(["a"]);
    await expect(kept.append("flights", { value: "late" })).rejects.toThrow(code("INVALID_TXN_STATE"));
  });

  test("a later producer of the id takes the place of the earlier", async () => {
    const { log, side } = await opened();
    const old = side.producer({ transactionalId: "payments" });
    const young = side.producer({ transactionalId: "payments" });
    const losing = old.transaction(async (tx) => {
      await tx.append("flights", { value: "old" });
      await young.transaction((other) => other.append("flights", { value: "young" }));
    });
    await expect(losing).rejects.toThrow(code("PRODUCER_FENCED"));
    expect(await committed(log)).toEqual(["young"]);
    // It does not fence the other in its turn.
    await expect(old.transaction((tx) => tx.append("flights", { value: "again" }))).rejects.toThrow(
      code("PRODUCER_FENCED"),
    );
    await young.transaction((tx) => tx.append("flights", { value: "on" }));
    expect(await committed(log)).toEqual(["on", "young"]);
  });

  test("a group's offsets are committed with the transaction, or not at all", async () => {
    const { log, side } = await opened();
    const groups = await log.core.groups();
    const where = async () =>
      (await groups.fetch("readers", [{ topic: "flights", partition: 0 }]))[0]?.offset;
    await log.topic("flights").append([{ value: "a" }, { value: "b" }], { partition: 0 });
    const producer = side.producer({ transactionalId: "payments" });
    const failing = producer.transaction(async (tx) => {
      await tx.sendOffsets("readers", [{ topic: "flights", partition: 0, offset: 1n }]);
      throw new Error("no more");
    });
    await expect(failing).rejects.toThrow("no more");
    expect(await where()).toBe(-1n);
    await producer.transaction(async (tx) => {
      await tx.append("receipts", { value: "a" });
      await tx.sendOffsets("readers", [{ topic: "flights", partition: 0, offset: 2n }]);
      expect(await where()).toBe(-1n);
    });
    expect(await where()).toBe(2n);
    const nowhere = producer.transaction((tx) =>
      tx.sendOffsets("readers", [{ topic: "nowhere", partition: 0, offset: 2n }]),
    );
    await expect(nowhere).rejects.toThrow(code("NO_SUCH_TOPIC"));
  });

  test("what does not fit together is refused", async () => {
    const { side } = await opened();
    const plain = side.producer();
    const payments = side.producer({ transactionalId: "payments" });
    await expect(plain.transaction(async () => {})).rejects.toThrow(code("INVALID_TXN_STATE"));
    await expect(payments.append("flights", { value: "a" })).rejects.toThrow(code("INVALID_TXN_STATE"));
    const nested = payments.transaction(() => payments.transaction(async () => {}));
    await expect(nested).rejects.toThrow(code("INVALID_TXN_STATE"));
    const long = side.producer({ transactionalId: "long", transactionTimeoutMs: 900_001 });
    await expect(long.transaction(async () => {})).rejects.toThrow(code("INVALID_TRANSACTION_TIMEOUT"));
    expect(() => side.producer({ transactionalId: "" })).toThrow(code("INVALID_ARGUMENT"));
    await expect(plain.append("nowhere", { value: "a" })).rejects.toThrow(code("NO_SUCH_TOPIC"));
  });
});
