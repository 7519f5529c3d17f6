import { expect, test } from "vitest";
import { defineSchema, type Lakehouse, long } from "../../../lib/lakehouse/index.js";
import { commitForeign } from "./support/foreign.js";
import { openLake } from "./support/lake.js";

/** More than the snapshots that a table keeps. */
const MANY = 60;

/** Takes in all that the topic has. */
async function takeIn(lake: Pick<Lakehouse, "log">): Promise<void> {
  const stream = await lake.log.topic("events").toTable("raw.events");
  await stream.flush();
  await stream.close();
}

async function parted() {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: defineSchema({ id: long() }) });
  await topic.appendRows({ id: 1 });
  await takeIn(lake);
  const etl = await lake.branch("etl");
  await topic.appendRows({ id: 2 });
  await takeIn(etl);
  const appendForeign = async (to: Pick<Lakehouse, "table">) => {
    for (let i = 0; i < MANY; i++) await commitForeign(to, "append");
  };
  const ids = async () =>
    (await (await lake.sql<{ id: bigint }>("select id from raw.events order by id")).rows()).map(({ id }) =>
      Number(id),
    );
  return { lake, etl, topic, appendForeign, ids };
}

test("what two branches took in of a topic is merged with its positions, and not twice", async () => {
  const { lake, etl, topic, ids } = await parted();
  await (await lake.table("raw.events")).append([{ id: -1 } as never]);
  await lake.merge("etl");
  await topic.appendRows({ id: 3 });
  await takeIn(lake);
  expect(await ids()).toEqual([-1, 1, 2, 3]);
  await takeIn(etl);
  await expect(lake.merge("etl")).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
});

test("positions are merged that many commits of another engine are ahead of, again and again", async () => {
  const { lake, etl, topic, appendForeign, ids } = await parted();
  await appendForeign(etl);
  await (await lake.table("raw.events")).append([{ id: -1 } as never]);
  await lake.merge("etl");
  await appendForeign(lake);
  await topic.appendRows({ id: 3 });
  await takeIn(etl);
  await appendForeign(etl);
  await lake.merge("etl");
  await topic.appendRows({ id: 4 });
  await takeIn(lake);
  expect(await ids()).toEqual([-1, 1, 2, 3, 4]);
});

test("a topic that both branches took in is not merged twice, though commits of another engine hide it", async () => {
  const { lake, appendForeign, ids } = await parted();
  await takeIn(lake);
  await appendForeign(lake);
  await expect(lake.merge("etl")).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
  expect(await ids()).toEqual([1, 2]);
});
