import fc from "fast-check";
import { expect, test } from "vitest";
import { defineSchema, type Lakehouse, long, string } from "../../../lib/lakehouse/index.js";
import type { TableStream } from "../../../lib/lakehouse/log/index.js";
import { runs } from "../../support/runs.js";
import { lakeFolder, openLake } from "./support/lake.js";

type Step =
  | { readonly kind: "good"; readonly partition: number; readonly count: number }
  | { readonly kind: "bad"; readonly partition: number; readonly value: string }
  | { readonly kind: "evolve" | "partition" | "rollback" | "foreign" | "expire" | "compact" | "restart" }
  | { readonly kind: "flush"; readonly by: 0 | 1 }
  | { readonly kind: "stream" };

const simple = (
  ...kinds: readonly Extract<Step, { readonly kind: "evolve" | "restart" | "stream" }>["kind"][]
) => fc.constantFrom(...kinds.map((kind): Step => ({ kind })));

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("good" as const),
      partition: fc.nat(1),
      count: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("bad" as const),
      partition: fc.nat(1),
      // Two that would pass for one between others, and values that are JSON of another kind.
      value: fc.constantFrom(
        "x",
        '{"id":1},{"id":2}',
        '{"id":1',
        '"id":2}',
        "[]",
        '{"id":"1"}',
        '{"no":1}',
        "",
        "null",
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("flush" as const),
      by: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  { weight: 2, arbitrary: simple("stream") },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...(["evolve", "partition", "rollback", "foreign", "expire", "compact", "restart"] as const).map(
        (kind): Step => ({ kind }),
      ),
    ),
  },
);

const columnsOf = (version: number) =>
  defineSchema({
    id: long(),
    ...Object.fromEntries(Array.from({ length: version }, (_, i) => [`c${i}`, string().optional()])),
  });

/** What there is to be, and how it is looked at. */
class World {
  readonly root = lakeFolder();
  lake!: Lakehouse;
  streams: TableStream[] = [];
  nextId = 0;
  version = 0;
  partitions = 2;
  /** By id, with the columns that the record had. */
  readonly good = new Map<number, number>();
  bad = 0;

  async open(): Promise<void> {
    this.lake = await openLake(this.root);
    const settings = { ifExists: "keep" as const, segmentMs: 5, storedLingerMs: 1 };
    await this.lake.log.createTopic("events", { schema: columnsOf(0), partitions: 2, ...settings });
    await this.follow();
  }

  /** Two streams take the same topic into the same table. */
  async follow(): Promise<void> {
    const topic = this.lake.log.topic("events");
    const options = { commitIntervalMs: 5, columns: { offset: "off" } };
    this.streams = [await topic.toTable("raw.events", options)];
    this.streams.push(await topic.toTable("raw.events", options));
  }

  async run(step: Step): Promise<void> {
    const topic = this.lake.log.topic("events");
    const table = () => this.lake.table("raw.events");
    switch (step.kind) {
      case "good": {
        const records = Array.from({ length: step.count }, () => {
          const id = this.nextId++;
          this.good.set(id, this.version);
          const more = Object.fromEntries(
            Array.from({ length: this.version }, (_, i) => [`c${i}`, `v${id}`]),
          );
          return { value: JSON.stringify({ id, ...more }) };
        });
        await topic.append(records, { partition: step.partition });
        return;
      }
      case "bad":
        await topic.append({ value: step.value }, { partition: step.partition });
        this.bad++;
        return;
      case "evolve": {
        const { jsonSchemaOf } = await import("../../../lib/lakehouse/log/schemas/json/from-columns.js");
        this.version++;
        const schema = JSON.stringify(jsonSchemaOf(columnsOf(this.version)));
        await this.lake.log.schemas.register("events-value", { schemaType: "JSON", schema });
        return;
      }
      case "partition":
        if (this.partitions === 2) await this.lake.log.addPartitions("events", ++this.partitions);
        else
          await topic
            .append({ value: `{"id":${this.nextId}}` }, { partition: 2 })
            .then(() => this.good.set(this.nextId++, 0));
        return;
      case "rollback": {
        const { metadata } = await table();
        const past = metadata.snapshots.filter(({ snapshotId }) => snapshotId !== metadata.currentSnapshotId);
        const to = past[Math.floor(past.length / 2)];
        if (to !== undefined) await (await table()).setBranch(to.snapshotId);
        return;
      }
      case "foreign":
        await (await table()).append([{ id: -1, off: -1 } as never]);
        return;
      case "expire":
        await (await table()).expireSnapshots({ retainLast: 1, olderThan: new Date() });
        return;
      case "compact":
        await this.lake.sql("delete from raw.events where id = -1");
        return;
      case "flush":
        await this.streams[step.by]?.flush();
        return;
      case "stream":
        await this.check("raw.events.stream");
        return;
      case "restart":
        await this.lake.close();
        await this.open();
        return;
    }
  }

  async check(name: string): Promise<void> {
    const rows = await (
      await this.lake.sql<{ id: bigint; n: bigint }>(
        `select id, count(*) as n from ${name} where id >= 0 group by id`,
      )
    ).rows();
    expect(rows.filter(({ n }) => n !== 1n)).toEqual([]);
    expect(rows.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual([...this.good.keys()]);
  }

  async checkAll(): Promise<void> {
    for (const stream of this.streams) await stream.flush();
    await this.check("raw.events");
    await this.check("raw.events.stream");
    // A column comes with the first record that may have it.
    const versions = Math.max(0, ...this.good.values());
    for (let i = 0; i < versions; i++) {
      const [row] = await (
        await this.lake.sql<{ n: bigint }>(`select count(c${i}) as n from raw.events where id >= 0`)
      ).rows();
      expect(Number(row?.n)).toBe([...this.good.values()].filter((version) => version > i).length);
    }
    const places = new Set<string>();
    for await (const { records } of this.lake.log.topic("events.dead-letters").read())
      for (const { headers } of records)
        places.add(
          headers
            .map(({ key, value }) => `${key}=${Buffer.from(value ?? [])}`)
            .filter((text) => /(partition|offset)=/.test(text))
            .join(),
        );
    expect(places.size).toBe(this.bad);
  }
}

const good: Step = { kind: "good", partition: 0, count: 1 };
const flush = (by: 0 | 1): Step => ({ kind: "flush", by });

test("whatever comes between, the table has each good record once, and the dead letters have each bad one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = new World();
      await world.open();
      // So that there is a topic of dead letters to read.
      await world.run({ kind: "bad", partition: 0, value: "first" });
      for (const step of steps) await world.run(step);
      await world.checkAll();
      await world.lake.close();
    }),
    {
      numRuns: runs(4),
      // A rollback that nothing follows, when both streams have all there is.
      examples: [[[flush(0), good, flush(1), flush(0), { kind: "stream" }, { kind: "rollback" }]]],
    },
  );
});
