import fc from "fast-check";
import { expect, test } from "vitest";
import { rowsToBatches } from "../../lib/lakehouse/iceberg/index.js";
import { runChecks } from "../../lib/lakehouse/quality/run/run-checks.js";
import type { NamedRows } from "../../lib/lakehouse/query/index.js";
import { engine } from "../query/support/lake.js";
import { createState } from "../query/support/random-tables/create.js";
import { inputOf, leavesOf, type Row, textOf } from "../query/support/random-tables/model.js";
import { Random } from "../query/support/random-tables/random.js";
import { STEPS, type State } from "../query/support/random-tables/steps.js";
import { runs } from "../support/runs.js";
import { anyCheck, type Known } from "./support/model.js";

const CHOICES = STEPS.flatMap((choice) => Array.from({ length: choice.weight }, () => choice));

async function counted(
  { table }: State,
  known: readonly Known[],
  scope: "table" | "new" | "batch",
  rows: NamedRows,
): Promise<unknown[]> {
  const results = await runChecks({
    engine,
    schema: table.schema,
    scope,
    rows,
    whole: scope === "batch" ? undefined : { table },
    checks: known.map(({ check }) => check),
    samples: 3,
    now: new Date(),
    rowsAt: async () => ({ table }),
    earlierCounts: () => [],
  });
  for (const { failing, samples, check } of results) {
    const isOfRows = check.kind !== "rowCount" && check.kind !== "unique";
    if (isOfRows) expect(samples.length).toBe(Math.min(3, failing));
    if (check.kind === "unique") expect(samples.length > 0).toBe(failing > 0);
  }
  return results.map(({ check, failing, rows }) => ({ check, failing, rows }));
}

/** The rows that are in the one list more often than in the other. */
function newRows(rows: readonly Row[], before: readonly Row[], { model }: State): Row[] {
  const left = new Map<string, number>();
  for (const row of before) {
    const text = textOf(row, model.columns);
    left.set(text, (left.get(text) ?? 0) + 1);
  }
  return rows.filter((row) => {
    const text = textOf(row, model.columns);
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
}

async function checkAll(state: State, random: Random): Promise<void> {
  const { table, model, history } = state;
  if (leavesOf(model.columns).length === 0) return;
  const known = Array.from({ length: 8 }, (_, i) => anyCheck(random, model, table.name, `check ${i}`));
  const expected = (rows: readonly Row[], all = model.rows) =>
    known.map(({ check, count }) => ({ check, ...count(rows, all) }));
  expect(await counted(state, known, "table", { table })).toEqual(expected(model.rows));

  const there = [...history].filter(([id]) =>
    table.metadata.snapshots.some(({ snapshotId }) => snapshotId === id),
  );
  if (there.length > 0) {
    const [since, before] = random.one(there);
    const came = newRows(model.rows, before, state);
    expect(await counted(state, known, "new", { table, since })).toEqual(expected(came));
  }

  // Rows at hand, of the same columns: references are to the table all the same.
  const { schema } = table;
  const fields = schema.fields.map((field) => ({ ...field, required: false }));
  const relaxed = { ...schema, fields, identifierFieldIds: [] };
  const batch = model.rows.filter(() => random.chance(50));
  const batches = [];
  for await (const each of rowsToBatches(
    relaxed,
    batch.map((row) => inputOf(row, model.columns)),
  ))
    batches.push(each);
  const alone = known.filter(({ check }) => check.kind !== "unique");
  const found = await counted(state, alone, "batch", { schema: relaxed, batches });
  expect(found).toEqual(alone.map(({ check, count }) => ({ check, ...count(batch, model.rows) })));
}

test("checks of any table, its new rows and batches count what a plain reading of the rows counts", async () => {
  const seeds = fc.record({
    table: fc.nat(),
    steps: fc.array(fc.nat(), { minLength: 2, maxLength: 10, size: "max" }),
  });
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const state = await createState(new Random(seed.table));
      for (const step of seed.steps) {
        const random = new Random(step);
        const choice = random.one(CHOICES);
        const from = state.table.currentSnapshot?.snapshotId;
        state.random = random;
        state.story.push(choice.name);
        if (!(await choice.step(state))) continue;
        const to = state.table.currentSnapshot?.snapshotId;
        if (to !== undefined && to !== from && choice.name !== "a roll-back")
          state.history.set(to, state.model.rows);
        await checkAll(state, random).catch((cause: unknown) => {
          throw new Error(`A check counts wrongly after ${state.story.join(", ")}.`, { cause });
        });
      }
    }),
    { numRuns: runs(15) },
  );
});
