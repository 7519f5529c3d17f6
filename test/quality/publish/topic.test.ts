import fc from "fast-check";
import { expect, test } from "vitest";
import { defineSchema, int, type Lakehouse, long, string } from "../../../lib/lakehouse/index.js";
import type { TableStream } from "../../../lib/lakehouse/log/index.js";
import {
  acceptedValues,
  contract,
  expression,
  notNull,
  range,
  references,
  rowCount,
  unique,
} from "../../../lib/lakehouse/quality/index.js";
import { openLake } from "../../log/tables/support/lake.js";
import { runs } from "../../support/runs.js";

const READINGS = defineSchema({ id: long(), v: int().optional(), kind: string().optional() });
const CHECKS = [
  range("v", { min: 0, max: 9 }),
  acceptedValues("kind", ["a", "b"], { where: "v > 4" }),
  expression("id % 7 <> 3"),
  range("id", { max: 0, severity: "warn" }),
];

/** What a plain reading of the checks says of a row. */
function refusals({ id, v, kind }: { id: number; v: number | null; kind: string | null }): string[] {
  return [
    ...(v !== null && (v < 0 || v > 9) ? [0] : []),
    ...(v !== null && v > 4 && kind !== null && !["a", "b"].includes(kind) ? [1] : []),
    ...(id % 7 === 3 ? [2] : []),
  ].map((i) => CHECKS[i]?.name as string);
}

/** The dead letters by the places of their records, with the reasons; each place once. */
async function lettersOf(lake: Lakehouse, topic: string): Promise<Map<string, string>> {
  const letters = new Map<string, string>();
  if (!(await lake.log.topics()).some(({ name }) => name === `${topic}.dead-letters`)) return letters;
  for await (const { records } of lake.log.topic(`${topic}.dead-letters`).read())
    for (const { headers } of records) {
      const [name, partition, offset, reason] = ["topic", "partition", "offset", "exception.message"].map(
        (part) =>
          Buffer.from(headers.find(({ key }) => key === `__connect.errors.${part}`)?.value ?? []).toString(),
      );
      expect(name).toBe(topic);
      const place = `${partition}:${offset}`;
      expect(letters.has(place), `${place} twice`).toBe(false);
      letters.set(place, reason as string);
    }
  return letters;
}

const STEP = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      partition: fc.nat(1),
      rows: fc.array(
        fc.record({
          v: fc.option(fc.integer({ min: -2, max: 11 })),
          kind: fc.option(fc.constantFrom("a", "b", "c")),
          isRow: fc.integer({ max: 9, min: 0 }).map((n) => n > 0),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.constantFrom({ do: "flush" as const }, { do: "restart" as const }) },
);

test("each record of a topic becomes a row or a dead letter, once, as a plain reading of the checks says", async () => {
  const lake = await openLake();
  let topics = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { minLength: 3, maxLength: 12 }), async (steps) => {
      const name = `events-${topics++}`;
      const topic = await lake.log.createTopic(name, {
        schema: READINGS,
        partitions: 2,
        segmentMs: 5,
        storedLingerMs: 1,
      });
      const table = `raw.events_${topics}`;
      const open = () => lake.quality.toTable(topic, table, { commitIntervalMs: 5, checks: CHECKS });
      let stream: TableStream = await open();
      const good: number[] = [];
      const bad = new Map<string, string>();
      const ends = new Map<number, number>();
      let id = 0;
      for (const step of steps) {
        if (step.do === "append") {
          const values = step.rows.map(({ isRow, ...row }) => {
            const record = { id: id++, ...row };
            const why = refusals(record);
            const offset = ends.get(step.partition) ?? 0;
            ends.set(step.partition, offset + 1);
            const place = `${step.partition}:${offset}`;
            if (!isRow) bad.set(place, "");
            else if (why.length > 0) bad.set(place, `it fails ${why.join(", ")}`);
            else good.push(record.id);
            return { value: isRow ? JSON.stringify(record) : "no row" };
          });
          await lake.log.topic(name).append(values, { partition: step.partition });
        } else if (step.do === "flush") await stream.flush();
        else {
          await stream.close();
          stream = await open();
        }
      }
      await stream.flush();
      await stream.close();
      const rows = await lake.sql(`select id from ${table} order by id`).rows<{ id: bigint }>();
      expect(rows.map(({ id }) => Number(id))).toEqual(good);
      const letters = await lettersOf(lake, name);
      expect([...letters.keys()].sort()).toEqual([...bad.keys()].sort());
      for (const [place, reason] of bad) if (reason !== "") expect(letters.get(place)).toBe(reason);
    }),
    { numRuns: runs(6) },
  );
});

test("a contract brings its checks, and other tables' keys are looked up", async () => {
  const lake = await openLake();
  await lake.sql("create schema dim");
  await lake.sql("create table dim.kinds as select 'a' as kind");
  const topic = await lake.log.createTopic("events", { schema: READINGS });
  const readings = contract({
    name: "raw.readings",
    schema: READINGS,
    owner: "data@example.org",
    checks: [notNull("v"), references("kind", "dim.kinds", "kind")],
  });
  const stream = await lake.quality.toTable(topic, readings);
  await topic.appendRows([
    { id: 1, v: 1, kind: "a" },
    { id: 2, v: 2, kind: "z" },
    { id: 3, v: null, kind: null },
    { id: 4, v: 4, kind: null },
  ]);
  await stream.flush();
  expect(await lake.sql("select id::int as id from raw.readings order by id").rows()).toEqual([
    { id: 1 },
    { id: 4 },
  ]);
  const reasons = readings.checks.map(({ name }) => `it fails ${name}`);
  expect([...(await lettersOf(lake, "events"))]).toEqual([
    ["0:1", reasons[1]],
    ["0:2", reasons[0]],
  ]);
  await stream.close();
});

test("a check of rows together is refused before anything is made, unless it warns", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: READINGS });
  for (const check of [unique("id"), rowCount({ min: 1 })])
    await expect(lake.quality.toTable(topic, "raw.events", { checks: [check] })).rejects.toMatchObject({
      code: "INVALID_CHECK",
    });
  await expect(lake.table("raw.events")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
  const checks = [unique("id", { severity: "warn" })];
  await (await lake.quality.toTable(topic, "raw.events", { checks })).close();
});

test("where a check cannot be run the stream ends, nothing is lost, and it goes on with one that can", async () => {
  const lake = await openLake();
  const topic = await lake.log.createTopic("events", { schema: READINGS });
  const wrong = await lake.quality.toTable(topic, "raw.events", { checks: [expression("kind::int > 0")] });
  await topic.appendRows([{ id: 1, kind: "x" }]);
  await expect(wrong.flush()).rejects.toMatchObject({ code: "INVALID_CHECK" });
  await expect(wrong.done).rejects.toMatchObject({ code: "INVALID_CHECK" });
  const stream = await lake.quality.toTable(topic, "raw.events", { checks: [expression("kind <> ''")] });
  await stream.flush();
  expect(await lake.sql("select count(*)::int as n from raw.events").rows()).toEqual([{ n: 1 }]);
  expect(await lettersOf(lake, "events")).toEqual(new Map());
  await stream.close();
});
