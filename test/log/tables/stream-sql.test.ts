import { expect, test } from "vitest";
import { defineSchema, long, string } from "../../../lib/lakehouse/index.js";
import { openLake } from "./support/lake.js";

const SCHEMA = defineSchema({ id: long(), text: string().optional() });

test("a table with its stream is the whole topic, each record once, however much is committed", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: SCHEMA, partitions: 3 });
  const idsOf = async (name: string) => {
    const result = await lake.sql(`select id from ${name} order by id`);
    return (await result.rows<{ id: bigint }>()).map(({ id }) => Number(id));
  };
  const stream = await topic.toTable("raw.events", { columns: { offset: "off" } });
  let last = 0;
  for (let round = 0; round < 4; round++) {
    for (let partition = 0; partition < 3; partition++)
      await topic.appendRows([{ id: last++ }, { id: last++ }], { partition });
    const all = Array.from({ length: last }, (_, id) => id);
    expect(await idsOf("raw.events.stream")).toEqual(all);
    if (round % 2 === 0) {
      expect((await idsOf("raw.events")).length).toBeLessThan(last);
      await stream.flush();
      expect(await idsOf("raw.events")).toEqual(all);
      expect(await idsOf("raw.events.stream")).toEqual(all);
    }
  }
  const late = await lake.sql(
    "select max(id) as most, count(*) as many from raw.events.stream where id >= 20",
  );
  expect(await late.rows()).toEqual([{ most: 23n, many: 4n }]);
  await stream.close();
});

test("a query of a past snapshot with its stream is the whole topic, too", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: SCHEMA });
  const stream = await topic.toTable("raw.events");
  await topic.appendRows({ id: 1 });
  await stream.flush();
  const { snapshotId } = (await lake.table("raw.events")).currentSnapshot ?? {};
  await topic.appendRows({ id: 2 });
  await stream.flush();
  await topic.appendRows({ id: 3 });
  const result = await lake.sql(
    `select id from raw.events.stream for version as of ${snapshotId} order by id`,
  );
  expect(await result.rows()).toEqual([{ id: 1n }, { id: 2n }, { id: 3n }]);
  await lake.sql("delete from raw.events where id = 2");
  const after = await lake.sql("select id from raw.events.stream order by id");
  expect(await after.rows()).toEqual([{ id: 1n }, { id: 3n }]);
  await stream.close();
});

test("a table that is made of no topic has no stream", async () => {
  const lake = await openLake();
  await lake.createTable("raw.plain", { schema: SCHEMA });
  await expect(lake.sql("select * from raw.plain.stream")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
});

test("a stream is not written: the error names what is", async () => {
  const lake = await openLake();
  await lake.createTable("raw.plain", { schema: SCHEMA });
  for (const statement of [
    "insert into raw.plain.stream by name select 1 as id",
    "delete from raw.plain.stream",
  ])
    await expect(lake.sql(statement)).rejects.toMatchObject({
      code: "INVALID_SQL",
      remedy: "Change raw.plain, or append records to its topic.",
    });
  await expect(lake.sql("delete from raw.none.stream")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
});

test("records of transactions are rows when these are committed, and never where they are aborted", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: SCHEMA });
  const stream = await topic.toTable("raw.events");
  const idsOf = async (name: string) => (await lake.sql(`select id from ${name} order by id`)).rows();
  const producer = lake.log.producer({ transactionalId: "one" });
  const append = (id: number) => ({ value: `{"id":${id}}` });
  await topic.appendRows({ id: 1 });
  await producer
    .transaction(async (tx) => {
      await tx.append("events", append(2));
      throw new Error("aborted");
    })
    .catch(() => undefined);
  await producer.transaction(async (tx) => {
    await tx.append("events", append(3));
    await topic.appendRows({ id: 4 });
    await stream.flush();
    // What follows an open transaction waits for it.
    expect(await idsOf("raw.events")).toEqual([{ id: 1n }]);
    expect(await idsOf("raw.events.stream")).toEqual([{ id: 1n }]);
  });
  expect(await idsOf("raw.events.stream")).toEqual([1n, 3n, 4n].map((id) => ({ id })));
  await stream.flush();
  expect(await idsOf("raw.events")).toEqual([1n, 3n, 4n].map((id) => ({ id })));
  await stream.close();
});

test("more records than one commit takes are taken in by several, each once", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: SCHEMA, compression: "none" });
  const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, text: "x".repeat(150) }));
  for (let from = 0; from < rows.length; from += 2_000)
    await topic.appendRows(rows.slice(from, from + 2_000));
  const stream = await topic.toTable("raw.events", { commitBytes: 1_000_000 });
  await stream.flush();
  const [{ n, many } = {}] = await (
    await lake.sql<{ n: bigint; many: bigint }>(
      "select count(*) as n, count(distinct id) as many from raw.events",
    )
  ).rows();
  expect([n, many]).toEqual([20_000n, 20_000n]);
  expect((await lake.table("raw.events")).metadata.snapshots.length).toBeGreaterThan(2);
  await stream.close();
});
