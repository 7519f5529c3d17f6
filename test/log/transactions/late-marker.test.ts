import { expect, test } from "vitest";
import type { Log } from "../../../lib/lakehouse/log/index.js";
import type { Marker } from "../../../lib/lakehouse/log/records/control.js";
import type {
  TransactionIdentity,
  TransactionPartition,
} from "../../../lib/lakehouse/log/transaction-types.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";
import { beginTransaction } from "../support/producing.js";

const GROUP = "readers";

/** What another server that coordinated the producer's transactions has sent, and comes only now. */
async function arrives(log: Log, at: TransactionPartition, transaction: TransactionIdentity, marker: Marker) {
  const ending = { ...transaction, marker, ack: "wal" } as const;
  const refused = { code: "COORDINATOR_NOT_AVAILABLE" };
  await log.core.transactions();
  // Of a server that coordinates them still, as far as it can be told.
  const epoch = (await log.core.cluster()).epoch(at.topicId, at.partition);
  const peer = await log.core.findPeer(at.topicId, at.partition);
  await expect(peer.endAt(at, ending, epoch)).rejects.toMatchObject(refused);
  const { topicId, partition } = (await log.core.groups()).placeOf(GROUP);
  const groups = await log.core.findPeer(topicId, partition);
  await expect(groups.endOffsets([GROUP], ending, epoch)).rejects.toMatchObject(refused);
}

async function seen(log: Log) {
  const [committed] = await (await log.core.groups()).fetch(GROUP);
  return {
    records: texts(await readAll(log.topic("flights"), { isolation: "read_committed" })),
    offset: committed?.offset,
  };
}

test.each(["memory", "segments"])(
  "a marker that comes late ends no later transaction of its producer, which the partition knows from %s",
  async (from) => {
    const root = testFolder();
    let log = openLog(root);
    await log.createTopic("flights");
    const at = { topicId: (await log.core.topic("flights")).id, partition: 0 };
    const { owner, sending } = await beginTransaction(log.core, "payments", "flights", [0]);
    const hold = async (offset: bigint) => {
      const transactions = await log.core.transactions();
      await transactions.addOffsets(owner, GROUP, "wal");
      const offsets = [{ topic: "flights", partition: 0, offset, leaderEpoch: -1, metadata: "" }];
      const by = { memberId: "", generation: -1 };
      const groups = await log.core.groups();
      await groups.hold(GROUP, owner, offsets, by, () => log.core.checkOffsets(owner, GROUP));
    };
    const begun = async () => {
      const { startedAt = 0 } = (await (await log.core.transactions()).describe("payments")) ?? {};
      return { producerId: owner.producerId, epoch: owner.epoch, startedAt };
    };
    await sending.send("flights", 0, ["first"]);
    await hold(1n);
    const first = await begun();
    await (await log.core.transactions()).endTransaction(owner, "commit");
    await (await log.core.transactions()).addPartitions(owner, [at], "wal");
    await sending.send("flights", 0, ["second"]);
    await hold(2n);

    if (from === "segments") {
      await log.close();
      log = openLog(root);
    }
    for (const marker of ["commit", "abort"] as const) await arrives(log, at, first, marker);
    expect(await seen(log)).toEqual({ records: ["first"], offset: 1n });
    await (await log.core.transactions()).endTransaction(owner, "commit");
    expect(await seen(log)).toEqual({ records: ["first", "second"], offset: 2n });
  },
);
