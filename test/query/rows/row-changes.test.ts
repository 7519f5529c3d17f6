import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defineSchema, eq, gtEq, isIn, long, timestamp } from "../../../lib/lakehouse/iceberg/index.js";
import { catalog, engine } from "../support/lake.js";
import { create, ids, line, lineage, lines, rows } from "../support/rows.js";

describe.each(["copy-on-write", "merge-on-read"] as const)("updates, %s", (mode) => {
  test("set literals and expressions over the row as it was", async () => {
    const before = await (await create(2, { mode })).append(lines(0, 4));
    const after = await before.updateRows(gtEq("id", 2), { n: { sql: "n * 10 -- tenfold" }, city: "JFK" });
    expect(await rows(after)).toEqual([
      { id: 0n, city: "ATL", n: 0n },
      { id: 1n, city: "ATL", n: 1n },
      { id: 2n, city: "JFK", n: 20n },
      { id: 3n, city: "JFK", n: 30n },
    ]);
    expect(await rows(await after.updateRows(eq("id", 3), { n: null }))).toContainEqual({
      id: 3n,
      city: "JFK",
      n: null,
    });
  });

  test("take a function from row to new values", async () => {
    const before = await (await create(3, { mode })).append(lines(0, 4));
    const after = await before.updateRows(isIn("id", [1, 3]), (row) => ({ city: `${row.city}${row.id}` }));
    expect((await rows(after)).map(({ city }) => city)).toEqual(["ATL", "ATL1", "ATL", "ATL3"]);
  });

  test("keep the row's id in v3, and tell which commit updated it", async () => {
    const before = await (await (await create(3, { mode })).append(lines(0, 3))).append(lines(3, 5));
    const after = await before.updateRows(isIn("id", [1, 4]), { n: 7n });
    expect(await lineage(after)).toEqual(["0: 0 @ 1", "1: 1 @ 3", "2: 2 @ 1", "3: 3 @ 2", "4: 4 @ 3"]);
    const again = await after.updateRows(eq("id", 0), (row) => ({ n: row.n }));
    expect(await lineage(again)).toEqual(["0: 0 @ 4", "1: 1 @ 3", "2: 2 @ 1", "3: 3 @ 2", "4: 4 @ 3"]);
  });

  test("move rows to other partitions", async () => {
    const table = await create(3, { mode, partitioned: true });
    const before = await table.append([...lines(0, 3, "ATL"), ...lines(3, 6, "ORD")]);
    const after = await before.updateRows(eq("id", 1), { city: "ORD" });
    expect((await rows(after)).map(({ city }) => city)).toEqual(["ATL", "ORD", "ATL", "ORD", "ORD", "ORD"]);
    expect(await lineage(after)).toContain("1: 1 @ 2");
  });

  test("refuse values that do not fit, and leave the table as it was", async () => {
    const before = await (await create(3, { mode })).append(lines(0, 3));
    for (const set of [{ city: null }, { nope: 1 }, { n: "many" }, { city: { sql: "NULL" } }]) {
      await expect(before.updateRows(eq("id", 1), set)).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
    }
    const unknown = { n: { sql: "nope + 1" } };
    await expect(before.updateRows(eq("id", 1), unknown)).rejects.toMatchObject({ code: "INVALID_SQL" });
    expect((await before.refresh()).metadataLocation).toBe(before.metadataLocation);
  });
});

describe.each(["copy-on-write", "merge-on-read"] as const)("merges, %s", (mode) => {
  test("update the rows that are there and insert the others", async () => {
    const before = await (await (await create(3, { mode })).append(lines(0, 3))).append(lines(3, 6));
    const after = await before.upsert([line(1, "JFK"), line(4, "JFK"), line(9, "JFK")], { on: ["id"] });
    expect((await rows(after)).map(({ id, city }) => `${id} ${city}`)).toEqual([
      "0 ATL",
      "1 JFK",
      "2 ATL",
      "3 ATL",
      "4 JFK",
      "5 ATL",
      "9 JFK",
    ]);
    expect(await lineage(after)).toEqual([
      "0: 0 @ 1",
      "1: 1 @ 3",
      "2: 2 @ 1",
      "3: 3 @ 2",
      "4: 4 @ 3",
      "5: 5 @ 2",
      expect.stringMatching(/^9: \d+ @ 3$/),
    ]);
    expect(after.currentSnapshot?.summary).toMatchObject({ operation: "overwrite" });
  });

  test("leave alone what is equal already: the same upsert twice makes one snapshot", async () => {
    const before = await (await create(2, { mode })).append(lines(0, 3));
    const once = await before.upsert([line(1, "JFK"), line(2)], { on: ["id"] });
    const twice = await once.upsert([line(1, "JFK"), line(2)], { on: ["id"] });
    expect(twice.metadata.snapshots).toHaveLength(2);
  });

  test("delete or ignore on a match, insert or ignore without one", async () => {
    const start = async () => (await create(3, { mode })).append(lines(0, 3));
    const data = [line(1, "JFK"), line(9, "JFK")];
    const on = ["id"];
    const deleted = await (await start()).merge(data, { on, whenMatched: "delete" });
    expect(await ids(deleted)).toEqual([0, 2, 9]);
    const only = await (await start()).merge(data, { on, whenMatched: "delete", whenNotMatched: "ignore" });
    expect(await ids(only)).toEqual([0, 2]);
    const inserted = await (await start()).merge(data, { on, whenMatched: "ignore" });
    expect((await rows(inserted)).map(({ id, city }) => `${id} ${city}`)).toEqual([
      "0 ATL",
      "1 ATL",
      "2 ATL",
      "9 JFK",
    ]);
    expect(inserted.currentSnapshot?.summary?.operation).toBe("append");
  });

  test("match by several columns; a null in the key is refused, or a value like any other", async () => {
    const before = await (await create(2, { mode })).append([line(1, "ATL", null), line(2, "ATL", 5)]);
    const on = ["city", "n"];
    const news = [line(3, "ATL", 5), line(7, "ATL", null), line(8, "JFK", null)];
    for (const whenNotMatched of ["insert", "ignore"] as const) {
      await expect(before.merge(news, { on, whenNotMatched })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        subject: "n",
        message: expect.stringMatching(/^Row 1 of the rows to be merged has no value for the key column "n"/),
      });
    }
    expect(await ids(await before.refresh())).toEqual([1, 2]);
    const once = await before.upsert(news, { on, nullKeys: "match" });
    expect(await ids(once)).toEqual([3, 7, 8]);
    const again = await once.upsert(news.slice(1), { on, nullKeys: "match" });
    expect(again.currentSnapshot?.snapshotId).toBe(once.currentSnapshot?.snapshotId);
    const twice = [line(8, "JFK", null), line(9, "JFK", null)];
    await expect(once.upsert(twice, { on, nullKeys: "match" })).rejects.toThrow("city=JFK, n=null");
  });

  test("with many null and other keys do in a transaction as in memory", async () => {
    const keys = fc.option(fc.integer({ min: 0, max: 3 }), { freq: 2 });
    const distinct = fc.uniqueArray(keys, { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        distinct,
        fc.array(distinct, { minLength: 1, maxLength: 3 }),
        async (first, rounds) => {
          const table = await create(2, { mode });
          const model = new Map<number | null, number>();
          const transaction = table.begin();
          let id = 0;
          const rowsOf = (round: readonly (number | null)[]) =>
            round.map((key) => {
              model.set(key, ++id);
              return line(id, "ATL", key);
            });
          await transaction.append(rowsOf(first));
          for (const round of rounds)
            await transaction.upsert(rowsOf(round), { on: ["n"], nullKeys: "match" });
          const after = await transaction.commit();
          expect(await ids(after)).toEqual([...model.values()].sort((a, b) => a - b));
        },
      ),
      { numRuns: 10 },
    );
  });

  test("with a key twice are refused, and change nothing", async () => {
    const before = await (await create(2, { mode })).append(lines(0, 3));
    const twice = [line(1), line(1, "JFK")];
    await expect(before.upsert(twice, { on: ["id"] })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("id=1"),
    });
    await expect(before.upsert(twice, { on: ["nope"] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(before.upsert(twice)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

test("a merge takes keys of dates, and more keys than a filter lists", async () => {
  const events = defineSchema({ at: timestamp(), n: long() });
  const table = (
    await catalog.createTable("n.events", {
      schema: events,
      properties: { "write.merge.mode": "merge-on-read" },
    })
  ).withEngine(engine);
  const at = (i: number) => new Date(Date.UTC(2024, 0, 1, 0, i));
  const before = await table.append(Array.from({ length: 400 }, (_, i) => ({ at: at(i), n: 0n })));
  const changes = Array.from({ length: 300 }, (_, i) => ({ at: at(i + 200), n: 1n }));
  const after = await before.upsert(changes, { on: ["at"] });
  const found = await (await engine.scan(after, after.scan())).rows();
  expect([found.length, found.filter((row) => row.n === 1n).length]).toEqual([500, 300]);
});
