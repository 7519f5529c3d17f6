import { describe, expect, test } from "vitest";
import { inWords, measure } from "../../../lib/kit/notebook/cell/timing.js";
import { one, recordedIn, runNotebook } from "../../../lib/kit/notebook/index.js";
import { notebookFolder, notebookOf } from "../support/notebooks.js";

describe("times", () => {
  test.each([
    [[2100, 2340, 2612], undefined, { rounded: 2.3, unit: "s", range: "2.1 to 2.6 s" }],
    [[31.24, 30.01], undefined, { rounded: 31, unit: "ms", range: "30 to 31 ms" }],
    [[4.21, 4.24, 4.22], undefined, { rounded: 4.2, unit: "ms", range: "4.2 ms" }],
    [[2100, 1_234, 9_870, 2_200], "ms", { rounded: 2200, unit: "ms", range: "1,200 to 9,900 ms" }],
  ] as const)("%j in words", (milliseconds, unit, words) => {
    expect(inWords(milliseconds, unit)).toEqual(words);
  });

  test("what goes before each run is no part of its time, and is handed to the work", async () => {
    const order: string[] = [];
    const { value, milliseconds } = await measure(
      async (table, run) => {
        order.push(`work ${table} ${run}`);
        return table;
      },
      {
        runs: 2,
        before: () => {
          order.push("before");
          return `t${order.length}`;
        },
      },
    );
    expect(order).toEqual(["before", "work t1 0", "before", "work t3 1"]);
    expect(value).toBe("t3");
    expect(milliseconds).toHaveLength(2);
  });

  test("one run is no measurement", async () => {
    await expect(measure(() => 1, { runs: 1 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

test("a query that should give one row and does not is refused", async () => {
  await expect(one([])).rejects.toThrow("gave 0 rows");
  await expect(one(Promise.resolve([{ a: 1 }, { a: 2 }]))).rejects.toThrow("gave 2 rows");
  expect(await one({ rows: async () => [{ a: 1n }] })).toEqual({ a: 1n });
});

test("cells record a query's row, a time and bars, each in a line", async () => {
  const folder = await notebookFolder();
  const { notebook, failure } = await runNotebook(
    notebookOf(
      'import { bars, facts, table, timing } from "@sololakehouse/kit";',
      `const query = async (rows: Record<string, unknown>[]) => ({ rows: async () => rows });
       const row = await facts("source", query([{ rows: 3000000n, mean: 6.6712 }]), { rows: "rows", mean: { unit: "min", digits: 1 } });`,
      'await timing("scan", () => row.rows, { runs: 2, unit: "ms", note: "all rows" });',
      'await table("t", query([{ a: 1 }]));',
      `await bars("layouts", query([{ layout: "day", ms: 120 }, { layout: "both", ms: 480 }]), {
         name: "layout", value: "ms", unit: "ms", accent: ["both"],
         title: (rows) => \`Both keys take \${Number(rows[1]?.ms) / Number(rows[0]?.ms)} times as long\`,
       });`,
    ),
    { folder, root: folder },
  );
  expect(failure).toBeUndefined();
  const { facts, figures, tables } = recordedIn(notebook, folder);
  expect(facts.get("source.rows")).toMatchObject({ value: 3_000_000, unit: "rows", volatile: false });
  expect(facts.get("source.mean")).toMatchObject({ value: 6.7, unit: "min" });
  expect(facts.get("scan")).toMatchObject({ unit: "ms", volatile: true, note: "all rows; median of 2 runs" });
  expect(facts.get("scan.range")?.value).toMatch(/ ms$/);
  expect(tables.get("t")?.rows).toEqual([[1]]);
  expect(figures.get("layouts")).toMatchObject({
    title: "Both keys take 4 times as long",
    alt: "Both keys take 4 times as long. day 120 ms; both 480 ms.",
  });
});
