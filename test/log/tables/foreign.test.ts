import { expect, test } from "vitest";
import type { PendingUpdate } from "../../../lib/lakehouse/iceberg/index.js";
import { defineSchema, type Lakehouse, long, updateProperties } from "../../../lib/lakehouse/index.js";
import { openLake } from "./support/lake.js";

/** A snapshot as another engine makes it: it carries nothing over. */
const foreign: PendingUpdate = {
  propose: (base) => {
    const current = base.snapshots.find(({ snapshotId }) => snapshotId === base.currentSnapshotId);
    if (current === undefined) throw new Error("The table is empty.");
    const snapshotId = current.snapshotId + 1n;
    const snapshot = {
      ...current,
      snapshotId,
      parentSnapshotId: current.snapshotId,
      sequenceNumber: base.lastSequenceNumber + 1n,
      summary: { operation: "replace" as const },
    };
    return {
      requirements: [],
      updates: [
        { action: "add-snapshot", snapshot },
        { action: "set-snapshot-ref", refName: "main", ref: { type: "branch", snapshotId } },
      ],
    };
  },
};

async function commitForeign(lake: Lakehouse): Promise<void> {
  await (await lake.table("raw.events")).update([foreign]);
}

const idsOf = async (lake: Lakehouse) =>
  (await (await lake.sql<{ id: bigint }>("select id from raw.events order by id")).rows()).map(({ id }) =>
    Number(id),
  );

test("positions are found behind the commits of other engines, and behind snapshots that expired", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: defineSchema({ id: long() }) });
  for (let id = 0; id < 4; id++) {
    const stream = await topic.toTable("raw.events");
    await topic.appendRows({ id });
    await stream.flush();
    await stream.close();
    await commitForeign(lake);
    if (id === 2)
      await (await lake.table("raw.events")).expireSnapshots({ retainLast: 1, olderThan: new Date() });
  }
  expect(await idsOf(lake)).toEqual([0, 1, 2, 3]);
});

test("where nothing says any more how far a table has come, nothing is guessed", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: defineSchema({ id: long() }) });
  const first = await topic.toTable("raw.events");
  await topic.appendRows({ id: 1 });
  await first.flush();
  await first.close();
  await commitForeign(lake);
  await (await lake.table("raw.events")).expireSnapshots({ retainLast: 1, olderThan: new Date() });
  // So few earlier metadata files are remembered that none has the snapshot.
  for (const key of ["a", "b", "c"])
    await (await lake.table("raw.events")).update([
      updateProperties({ set: { "write.metadata.previous-versions-max": "1", [key]: "1" } }),
    ]);
  await topic.appendRows({ id: 2 });
  const lost = await topic.toTable("raw.events");
  await expect(lost.done).rejects.toMatchObject({ code: "POSITIONS_LOST" });
  await expect(lake.sql("select * from raw.events.stream")).rejects.toMatchObject({ code: "POSITIONS_LOST" });
  const told = await topic.toTable("raw.events", { from: { 0: 1n } });
  await told.flush();
  await told.close();
  expect(await idsOf(lake)).toEqual([1, 2]);
  const again = await topic.toTable("raw.events");
  await topic.appendRows({ id: 3 });
  await again.flush();
  await again.close();
  expect(await idsOf(lake)).toEqual([1, 2, 3]);
});

test("records that are gone before a table took them in stop it, until it is told where to go on", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: defineSchema({ id: long() }) });
  const first = await topic.toTable("raw.events");
  await topic.appendRows({ id: 0 });
  await first.flush();
  await first.close();
  await topic.appendRows([{ id: 1 }, { id: 2 }, { id: 3 }]);
  await lake.log.flush();
  await topic.deleteRecords({ before: 2n });
  const stopped = await topic.toTable("raw.events");
  await expect(stopped.done).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  await expect(lake.sql("select * from raw.events.stream")).rejects.toMatchObject({
    code: "OFFSET_OUT_OF_RANGE",
  });
  const told = await topic.toTable("raw.events", { from: { 0: 2n } });
  await told.flush();
  await told.close();
  expect(await idsOf(lake)).toEqual([0, 2, 3]);
  // Said again, it is where the table is already: nothing comes twice.
  const again = await topic.toTable("raw.events", { from: { 0: 2n } });
  await again.flush();
  await again.close();
  expect(await idsOf(lake)).toEqual([0, 2, 3]);
});
