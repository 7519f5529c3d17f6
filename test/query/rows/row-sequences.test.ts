import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  and,
  day,
  defineSchema,
  eq,
  type FormatVersion,
  gtEq,
  long,
  lt,
  type Table,
  timestamptzNs,
  type WriteMode,
} from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";
import { catalog, engine, newName } from "../support/lake.js";
import { counters, create, ids, type Line, line, lineage, lines, raced, rows } from "../support/rows.js";

describe("any sequence of changes", () => {
  const small = fc.integer({ min: 0, max: 11 });
  const mode = fc.constantFrom<WriteMode>("copy-on-write", "merge-on-read");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append" as const), ids: fc.uniqueArray(small, { maxLength: 6 }) }),
    fc.record({ kind: fc.constant("delete" as const), from: small, to: small, mode }),
    fc.record({ kind: fc.constant("update" as const), from: small, to: small, mode }),
    fc.record({ kind: fc.constant("upsert" as const), ids: fc.uniqueArray(small, { maxLength: 6 }), mode }),
  );

  test("leaves the rows that a list of rows would have, in v2 and v3, partitioned or not", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 7 }),
        fc.constantFrom<FormatVersion>(2, 3),
        fc.boolean(),
        async (steps, version, partitioned) => {
          let table = await create(version, { partitioned });
          let model: Line[] = [];
          for (const [i, change] of steps.entries()) {
            const stamp = BigInt(i + 100);
            const fresh =
              "ids" in change
                ? change.ids.map((id) => ({ id: BigInt(id), city: `c${id % 3}`, n: stamp }))
                : [];
            if (change.kind === "append") {
              model = [...model, ...fresh];
              table = await table.append(fresh);
            } else if (change.kind === "upsert") {
              const keys = new Map(fresh.map((row) => [row.id, row]));
              const known = new Set(model.map((row) => row.id));
              model = [
                ...model.map((row) => keys.get(row.id) ?? row),
                ...fresh.filter((row) => !known.has(row.id)),
              ];
              table = await table.upsert(fresh, { on: ["id"], mode: change.mode });
            } else {
              const where = and(gtEq("id", change.from), lt("id", change.to));
              const hit = (row: Line): boolean => row.id >= change.from && row.id < change.to;
              if (change.kind === "delete") {
                model = model.filter((row) => !hit(row));
                table = await table.deleteRows(where, { mode: change.mode });
              } else {
                model = model.map((row) => (hit(row) ? { ...row, n: stamp } : row));
                table = await table.updateRows(where, { n: stamp }, { mode: change.mode });
              }
            }
          }
          const order = (all: Line[]) => all.map((row) => `${row.id} ${row.city} ${row.n}`).sort();
          expect(order(await rows(table))).toEqual(order(model));
          if (version === 3) {
            const rowIds = (await lineage(table)).map((text) => text.split(/[ @]+/)[1]);
            expect(new Set(rowIds).size).toBe(rowIds.length);
          }
        },
      ),
      { numRuns: runs(40) },
    ));
});

describe("deletes by key, for streams", () => {
  test.each([2, 3] as const)("replace rows in one snapshot, without a read (v%i)", async (version) => {
    const before = await (await create(version)).append(lines(0, 5));
    const changes = [line(1, "JFK"), line(7, "JFK")];
    const after = await before.rowDelta({
      on: ["id"],
      deletes: [...changes, line(4)].map(({ id }) => ({ id })),
      rows: changes,
    });
    expect((await rows(after)).map(({ id, city }) => `${id} ${city}`)).toEqual([
      "0 ATL",
      "1 JFK",
      "2 ATL",
      "3 ATL",
      "7 JFK",
    ]);
    expect(counters(after.currentSnapshot)).toEqual({
      operation: "overwrite",
      "added-data-files": "1",
      "added-equality-delete-files": "1",
      "added-delete-files": "1",
      "added-records": "2",
      "added-equality-deletes": "3",
    });
    // Position deletes and equality deletes on the same file, and then a rewrite that takes both in.
    const both = await after.deleteRows(eq("id", 2));
    expect(await ids(both)).toEqual([0, 1, 3, 7]);
    const rewritten = await both.updateRows(eq("id", 3), { city: "LAX" }, { mode: "copy-on-write" });
    expect(await ids(rewritten)).toEqual([0, 1, 3, 7]);
  });

  test("hold in their partition, so the key has to tell it", async () => {
    const before = await (await create(2, { partitioned: true })).append([line(1, "ATL"), line(1, "ORD")]);
    await expect(before.rowDelta({ on: ["id"], deletes: [{ id: 1n }] })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const after = await before.rowDelta({ on: ["id", "city"], deletes: [{ id: 1n, city: "ORD" }] });
    expect(await rows(after)).toEqual([{ id: 1n, city: "ATL", n: 1n }]);
    expect(after.currentSnapshot?.summary?.operation).toBe("delete");
  });

  test("go on to apply after a commit that came between", async () => {
    const before = await (await create(2)).append(lines(0, 3));
    const late = raced(before, (t) => t.append([line(1, "JFK")]));
    const after = await late.rowDelta({ on: ["id"], deletes: [{ id: 1n }] });
    expect(await ids(after)).toEqual([0, 2]);
  });
});

test.each(["copy-on-write", "merge-on-read"] as const)(
  "instants keep their nanoseconds when rows move, %s",
  async (mode) => {
    const instants = defineSchema({ id: long(), at: timestamptzNs().optional() });
    const properties = { "write.delete.mode": mode, "write.update.mode": mode, "write.merge.mode": mode };
    const options = { schema: instants, formatVersion: 3, properties } as const;
    const created = (await catalog.createTable(newName(), options)).withEngine(engine) as Table;
    const at = (id: number) => `2024-03-01T13:33:20.00000000${id}+00:00`;
    const one = await created.append([0, 1, 2, 3].map((id) => ({ id: BigInt(id), at: at(id) })));
    const two = await one.deleteRows(eq("id", 0n));
    const three = await two.updateRows(eq("at", at(1)), { id: 10n });
    const four = await three.updateRows(eq("id", 2n), (row) => ({ at: row.at, id: 20n }));
    const five = await four.upsert(
      [
        { id: 3n, at: at(9) },
        { id: 4n, at: at(4) },
      ],
      { on: ["id"] },
    );
    const found = await (await engine.scan(five, five.scan())).rows();
    const shown = found.map((row) => `${row.id} ${row.at}`).sort();
    expect(shown).toEqual([`10 ${at(1)}`, `20 ${at(2)}`, `3 ${at(9)}`, `4 ${at(4)}`].sort());
  },
);

test.each([3, 150])("%i instants with nanoseconds are a key", async (count) => {
  const instants = defineSchema({ at: timestamptzNs(), n: long() });
  const options = { schema: instants, formatVersion: 3, partitionSpec: [day("at")] } as const;
  const created = (await catalog.createTable(newName(), options)).withEngine(engine) as Table;
  const lines = (add: number) =>
    Array.from({ length: count }, (_, i) => ({
      at: `1969-12-31T23:59:59.999999${String(i).padStart(3, "0")}+00:00`,
      n: BigInt(i + add),
    }));
  const table = await (await created.append(lines(0))).upsert(lines(1000), { on: ["at"] });
  const found = await (await engine.scan(table, table.scan())).rows<{ n: bigint }>();
  expect(found.map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(
    lines(1000).map(({ n }) => Number(n)),
  );
});
