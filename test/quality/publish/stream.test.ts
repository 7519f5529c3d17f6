import fc from "fast-check";
import { defineSchema, int, long } from "sololakehouse";
import { expect, test } from "vitest";
import { contract, RowsRefusedError, range } from "../../../lib/lakehouse/quality/index.js";
import { runs } from "../../support/runs.js";
import { lake } from "../support/lake.js";

const readings = (name: string) =>
  contract({
    name,
    schema: defineSchema({ id: long(), v: int() }),
    keys: ["id"],
    owner: "data@example.org",
    checks: [range("v", { max: 9 })],
  });

const idsOf = async (name: string) =>
  (await lake.sql(`select id::int as id from ${name} order by all`).rows<{ id: number }>()).map(
    ({ id }) => id,
  );

const step = fc.oneof(
  // One in ten is out of range, and ids are few, so that keys come again: in an interval, and from the table.
  { weight: 6, arbitrary: fc.record({ do: fc.constant("write" as const), id: fc.nat(25), v: fc.nat(10) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("flush" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("append" as const), id: fc.nat(25) }) },
);

test("a table has all rows of an interval, or where a check blocks none of them, whoever else commits", async () => {
  let tables = 0;
  let [refused, committed] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const of = readings(`s.model_${tables++}`);
      const open = () => lake.quality.stream(of, { source: "a" });
      let writer = await open();
      let offset = 0n;
      let position: bigint | undefined;
      const there: number[] = [];
      let waiting: { id: number; v: number }[] = [];
      for (const step of [...steps, { do: "flush" } as const]) {
        if (step.do === "write") {
          waiting.push({ id: step.id, v: step.v });
          await writer.write({ id: BigInt(step.id), v: step.v }, { offset: ++offset });
        } else if (step.do === "append") {
          // Not by the stream, which knows nothing of it: its next commit has to be made again on top.
          there.push(step.id);
          await (await lake.table<{ id: bigint; v: number }>(of.name)).append([
            { id: BigInt(step.id), v: 0 },
          ]);
        } else {
          const ids = waiting.map(({ id }) => id);
          const isRight =
            waiting.every(({ v }) => v <= 9) &&
            new Set([...ids, ...there]).size === ids.length + new Set(there).size;
          const ended = await writer.flush().then(
            () => undefined,
            (error: unknown) => error,
          );
          if (isRight) {
            expect(ended).toBeUndefined();
            there.push(...ids);
            if (waiting.length > 0) [position, committed] = [offset, committed + 1];
          } else {
            refused++;
            expect(ended).toBeInstanceOf(RowsRefusedError);
            expect(ended).toMatchObject({ code: "CHECK_FAILED", report: { passed: false } });
            await writer.close().catch(() => {});
            writer = await open();
          }
          waiting = [];
          expect(writer.position).toBe(position);
          expect(await idsOf(of.name)).toEqual(there.toSorted((a, b) => a - b));
        }
      }
      await writer.close();
    }),
    { numRuns: runs(25) },
  );
  expect(refused).toBeGreaterThan(0);
  expect(committed).toBeGreaterThan(0);
});

test("a table carries its checks to a stream, an offset without rows passes them, and what they refuse leaves no file", async () => {
  const of = readings("s.carried");
  await lake.quality.createTable(of);
  const writer = await lake.quality.stream<{ id: bigint; v: number }>("s.carried", {
    source: "b",
    samples: 1,
  });
  await writer.write([], { offset: 1n });
  await writer.flush();
  expect(writer.position).toBe(1n);
  const before = await filesOf("s.carried");
  await writer.write(
    [
      { id: 1n, v: 10 },
      { id: 2n, v: 11 },
    ],
    { offset: 2n },
  );
  await expect(writer.flush()).rejects.toMatchObject({
    code: "CHECK_FAILED",
    message: expect.stringContaining("Nothing of this interval was committed"),
    report: {
      table: "s.carried",
      results: expect.arrayContaining([expect.objectContaining({ failing: 2, samples: [{ id: 1, v: 10 }] })]),
    },
  });
  await writer.close().catch(() => {});
  expect(await filesOf("s.carried")).toEqual(before);

  const none = await lake.createTable("s.none", { schema: of.schema });
  await expect(lake.quality.stream(none.name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(lake.quality.stream(none.name, { checks: [range("w", { max: 1 })] })).rejects.toMatchObject({
    code: "INVALID_CHECK",
  });
  await expect(lake.quality.stream("s.missing")).rejects.toMatchObject({ code: "NO_SUCH_TABLE" });
  await using unchecked = await lake.quality.stream<{ id: bigint; v: number }>(none.name, { checks: [] });
  await unchecked.write({ id: 1n, v: 99 });
});

async function filesOf(name: string): Promise<string[]> {
  const { store, location } = await lake.table(name);
  const found: string[] = [];
  for await (const { uri } of store.list(`${location}/`)) found.push(uri);
  return found.sort();
}
