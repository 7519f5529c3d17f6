import { expect, test } from "vitest";
import { systemClock } from "../../../lib/lakehouse/log/partition/clock.js";
import type { StateTopic } from "../../../lib/lakehouse/log/state/state-topic.js";
import { TransactionCoordinator } from "../../../lib/lakehouse/log/transactions/coordinator.js";
import { TransactionEntries } from "../../../lib/lakehouse/log/transactions/transaction-entries.js";
import type { TransactionEntry } from "../../../lib/lakehouse/log/transactions/transaction-entry.js";

const AT = { topicId: "01234567-89ab-cdef-0123-456789abcdef", partition: 0 };

test("a coordinator that was closed while a marker was under way writes nothing over what its successor has", async () => {
  const entries = new TransactionEntries();
  // What a successor in the same process has is the same partition.
  const state = {
    get: (id: string) => entries.get(id),
    entries: () => entries.entries(),
    set: async (id: string, entry: TransactionEntry) => void entries.set(id, entry),
  } as unknown as StateTopic<TransactionEntry>;
  const open = (endAt: () => Promise<void>) =>
    TransactionCoordinator.open({
      ...{ clock: systemClock, state, entries, ack: "stored", endAt },
      newProducerId: async () => 7n,
      endOffsets: async () => undefined,
    });
  let arrive = () => {};
  const slow = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const before = await open(() => slow);
  const producer = await before.initProducerId({ transactionalId: "payments", timeoutMs: 60_000 });
  const owner = { ...producer, transactionalId: "payments" };
  await before.addPartitions(owner, [AT], "stored");
  const ending = before.endTransaction(owner, "commit");
  await expect.poll(() => entries.get("payments")?.state).toBe("prepare_commit");
  const waiting = before.endTransaction(owner, "commit");
  before.close();

  const after = await open(async () => undefined);
  await after.addPartitions(owner, [AT], "stored");
  arrive();
  const gone = { code: "COORDINATOR_NOT_AVAILABLE" };
  await expect(ending).rejects.toMatchObject(gone);
  // Of the transaction that is open now, it must not say that it was committed.
  await expect(waiting).rejects.toMatchObject(gone);
  expect(after.describe("payments")).toMatchObject({ state: "ongoing", partitions: [AT] });
  after.close();
});
