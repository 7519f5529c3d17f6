import fc from "fast-check";
import { expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { runs } from "../../support/runs.js";
import { engine } from "../support/lake.js";
import { createState } from "../support/random-tables/create.js";
import { anyFilter } from "../support/random-tables/filters.js";
import { type Column, leavesOf, type Row, textOf } from "../support/random-tables/model.js";
import { outputText } from "../support/random-tables/output.js";
import { Random } from "../support/random-tables/random.js";
import { STEPS, type State } from "../support/random-tables/steps.js";

const CHOICES = STEPS.flatMap((choice) => Array.from({ length: choice.weight }, () => choice));

/** What a scan and SQL say of a table is what the model holds: all of it, and a random part of it. */
async function checkRows({ table, model, random }: State): Promise<void> {
  const found = await (await engine.scan(table, table.scan())).rows();
  const all = model.rows.map((row) => textOf(row, model.columns));
  expect(found.map((row) => outputText(row, model.columns)).sort()).toEqual(all.sort());

  const { expression, test: matches } = anyFilter(random, model.columns);
  const selected = selection(random, model.columns);
  const scan = table.scan({ filter: expression, select: selected.names });
  const part = await engine.scan(table, scan).catch((error: unknown) => {
    // Of a struct, one part is not selected while the rows are filtered by another.
    if (isLakehouseError(error, "UNSUPPORTED_FEATURE")) return undefined;
    throw error;
  });
  if (part !== undefined) {
    const expected = model.rows.filter((row) => matches(row) === true);
    expect((await part.rows()).map((row) => outputText(row, selected.columns)).sort()).toEqual(
      expected.map((row) => textOf(row, selected.columns)).sort(),
    );
  }

  const [counted] = await (await engine.sql(`select count(*) as n from ${table.name}`)).rows();
  expect(Number(counted?.n)).toBe(all.length);
}

/** The changes of the newest snapshots are what the rows before and after them differ in. */
async function checkChanges(
  { table, model }: State,
  from: bigint | undefined,
  before: readonly Row[],
): Promise<void> {
  const found = await (await engine.changes(table, { from, net: true, on: [] })).rows();
  const count = new Map<string, number>();
  const add = (text: string, n: number) => count.set(text, (count.get(text) ?? 0) + n);
  for (const row of model.rows) add(textOf(row, model.columns), 1);
  for (const row of before) add(textOf(row, model.columns), -1);
  for (const row of found) add(outputText(row, model.columns), row._change_type === "INSERT" ? -1 : 1);
  expect([...count].filter(([, n]) => n !== 0)).toEqual([]);
}

/** Some columns, and of structs some members, in the order of the table. */
function selection(random: Random, columns: readonly Column[]): { names: string[]; columns: Column[] } {
  const leaves = random.some(leavesOf(columns));
  const names = leaves.map(({ path }) => path.join("."));
  const selected = columns.flatMap((column): Column[] => {
    const fields = leaves.filter((leaf) => leaf.column === column).map(({ field }) => field);
    if (fields.length === 0) return [];
    return column.members === undefined ? [column] : [{ ...column, members: fields }];
  });
  return { names, columns: selected };
}

/** Takes one step, and holds the table against its model. */
async function take(state: State, random: Random): Promise<void> {
  const choice = random.one(CHOICES);
  const { rows } = state.model;
  const from = state.table.currentSnapshot?.snapshotId;
  state.random = random;
  state.story.push(choice.name);
  if (!(await choice.step(state))) return;
  await checkRows(state);
  const to = state.table.currentSnapshot?.snapshotId;
  if (to === undefined || to === from || choice.name === "a roll-back") return;
  state.history.set(to, state.model.rows);
  await checkChanges(state, from, rows);
}

test("whatever is done to a table, its rows are what a list of rows in memory holds", async () => {
  const seeds = fc.record({
    table: fc.nat(),
    steps: fc.array(fc.nat(), { minLength: 3, maxLength: 14, size: "max" }),
  });
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const state = await createState(new Random(seed.table));
      for (const step of seed.steps) {
        await take(state, new Random(step)).catch((cause: unknown) => {
          throw new Error(`The table is wrong after ${state.story.join(", ")}.`, { cause });
        });
      }
    }),
    { numRuns: runs(15) },
  );
});
