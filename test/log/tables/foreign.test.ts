import { expect, test } from "vitest";
import { defineSchema, type Lakehouse, long } from "../../../lib/lakehouse/index.js";
import { commitForeign } from "./support/foreign.js";
import { openLake } from "./support/lake.js";

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
  // The metadata files that had the snapshot are gone.
  const { store, metadata } = await lake.table("raw.events");
  await store.delete(metadata.metadataLog.map(({ metadataFile }) => metadataFile));
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

test("a table that is older than its history takes in a topic, and finds its place in versions that are long past", async () => {
  const lake = await openLake();
  const bounds = { "history.expire.max-snapshots": "3", "write.metadata.previous-versions-max": "2" };
  const schema = defineSchema({ id: long() });
  let table = await lake.createTable("raw.events", { schema, properties: bounds });
  for (let i = 0; i < 12; i++) table = await table.append([{ id: -1n }]);
  const topic = await lake.log.createTopic("events", { schema });
  for (const id of [1, 2]) {
    const stream = await topic.toTable("raw.events");
    await topic.appendRows({ id });
    await stream.flush();
    await stream.close();
    for (let i = 0; i < 12; i++) await commitForeign(lake);
  }
  expect((await idsOf(lake)).filter((id) => id > 0)).toEqual([1, 2]);
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
