import fc from "fast-check";
import { expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import type { Table } from "../../../lib/lakehouse/iceberg/index.js";
import { countRows } from "../../../lib/lakehouse/query/index.js";
import { runs } from "../../support/runs.js";
import { engine } from "../support/lake.js";
import { createState } from "../support/random-tables/create.js";
import { type Column, inputOf, type Row, textOf } from "../support/random-tables/model.js";
import { outputText } from "../support/random-tables/output.js";
import { Random } from "../support/random-tables/random.js";
import { anyRow } from "../support/random-tables/row-steps.js";
import { STEPS, type State } from "../support/random-tables/steps.js";

/** What a snapshot holds, and the columns that the table had when it was made. */
interface Known {
  readonly rows: readonly Row[];
  readonly columns: readonly Column[];
}

/** A table with snapshots beside its main line. */
interface Lines extends State {
  readonly known: Map<bigint, Known>;
  /** Rows of the table's own branch, once there is one. */
  branch: readonly Row[] | undefined;
  readonly staged: { readonly id: bigint; readonly rows: readonly Row[] }[];
}

type Step = (state: Lines) => Promise<boolean>;

const BRANCH = "side";

function newRows({ random, model }: Lines): { rows: readonly Row[]; inputs: Record<string, unknown>[] } {
  const rows = random.many(4, () => anyRow(random, model.columns));
  return { rows, inputs: rows.map((row) => inputOf(row, model.columns)) };
}

function headOf({ metadata }: Table, ref: string): bigint | undefined {
  return metadata.refs[ref]?.snapshotId;
}

/** False where the step was refused, as it may be in this state. */
async function unless(codes: readonly string[], step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    if (codes.some((code) => isLakehouseError(error, code))) return false;
    throw error;
  }
}

const branchOff: Step = async (state) => {
  if (state.table.currentSnapshot === undefined || state.branch !== undefined) return false;
  state.table = await state.table.createRef(BRANCH, { type: "branch" });
  state.branch = state.model.rows;
  return true;
};

const writeBranch: Step = async (state) => {
  if (state.branch === undefined) return false;
  if (state.random.chance(20)) {
    state.table = await state.table.truncate({ branch: BRANCH });
    state.branch = [];
  } else {
    const { rows, inputs } = newRows(state);
    state.table = await state.table.append(inputs, { branch: BRANCH });
    state.branch = [...state.branch, ...rows];
  }
  state.known.set(headOf(state.table, BRANCH) as bigint, {
    rows: state.branch,
    columns: state.model.columns,
  });
  return true;
};

const takeBranch: Step = async (state) => {
  const { branch, table } = state;
  if (branch === undefined) return false;
  const moved = await unless(["REF_CONFLICT"], async () => {
    state.table = await table.fastForward("main", BRANCH);
  });
  if (moved) state.model.rows = branch;
  return moved;
};

const stage: Step = async (state) => {
  const { rows, inputs } = newRows(state);
  const before = new Set(state.table.metadata.snapshots.map(({ snapshotId }) => snapshotId));
  const main = headOf(state.table, "main");
  state.table = await state.table.append(inputs, { wapId: `w${state.staged.length}` });
  const made = state.table.metadata.snapshots.find(({ snapshotId }) => !before.has(snapshotId));
  if (made === undefined) throw new Error("Nothing was staged.");
  expect(headOf(state.table, "main")).toBe(main);
  state.staged.push({ id: made.snapshotId, rows });
  state.known.set(made.snapshotId, { rows: [...state.model.rows, ...rows], columns: state.model.columns });
  return true;
};

const publish: Step = async (state) => {
  if (state.staged.length === 0) return false;
  const { id, rows } = state.random.one(state.staged);
  // It has expired, or is published on this line already.
  const picked = await unless(["NO_SUCH_SNAPSHOT", "INVALID_ARGUMENT"], async () => {
    state.table = await state.table.cherryPick(id);
  });
  if (picked) state.model.rows = [...state.model.rows, ...rows];
  return picked;
};

const expire: Step = async (state) => {
  const olderThan = new Date(Date.now() + 86_400_000);
  state.table = await state.table.expireSnapshots({ olderThan, retainLast: 1 + state.random.below(4) });
  return true;
};

const moveBack: Step = async (state) => {
  const { random, table, known } = state;
  const there = table.metadata.snapshots.flatMap(({ snapshotId }) =>
    known.has(snapshotId) ? [snapshotId] : [],
  );
  if (there.length === 0) return false;
  const id = random.one(there);
  state.table = await table.setBranch(id);
  state.model.rows = known.get(id)?.rows ?? [];
  return true;
};

const OWN: readonly (readonly [name: string, step: Step, weight: number])[] = [
  ["a branch", branchOff, 4],
  ["a write on the branch", writeBranch, 3],
  ["the branch taken for main", takeBranch, 2],
  ["a staged append", stage, 3],
  ["a published one", publish, 3],
  ["an expiry", expire, 2],
  ["a move to another line", moveBack, 5],
];

const CHOICES: readonly (readonly [name: string, step: Step])[] = [
  // It goes back to snapshots that it has seen itself.
  ...STEPS.filter(({ name }) => name !== "a roll-back").flatMap(({ name, step, weight }) =>
    Array.from({ length: weight }, () => [name, step as Step] as const),
  ),
  ...OWN.flatMap(([name, step, weight]) => Array.from({ length: weight }, () => [name, step] as const)),
];

const textsOf = (rows: readonly Row[], columns: readonly Column[]) =>
  rows.map((row) => textOf(row, columns)).sort();

/** How much more often each row is in the one list than in the other. */
function difference(after: readonly string[], before: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of after) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const text of before) counts.set(text, (counts.get(text) ?? 0) - 1);
  return counts;
}

/** Each text as often as the difference says, where that is more than none. */
function repeated(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].flatMap(([text, n]) => Array.from({ length: Math.max(0, n) }, () => text)).sort();
}

async function read(sql: string, columns: readonly Column[], options = {}): Promise<string[]> {
  const result = await engine.sql(sql, options);
  return (await result.rows()).map((row) => outputText(row, columns)).sort();
}

/** Rows at a snapshot, and rows between it and the table, are what the lists of rows say. */
async function checkLines({ table, model, known, branch, random }: Lines): Promise<void> {
  const { columns } = model;
  const now = textsOf(model.rows, columns);
  expect(await read(`select * from ${table.name}`, columns)).toEqual(now);
  expect(await countRows(engine, table)).toBe(BigInt(now.length));
  if (branch !== undefined) {
    const rows = await read(`select * from ${table.name} for version as of '${BRANCH}'`, columns);
    expect(rows).toEqual(textsOf(branch, columns));
  }
  const there = table.metadata.snapshots.flatMap((snapshot) => {
    const found = known.get(snapshot.snapshotId);
    return found === undefined ? [] : [{ ...found, id: snapshot.snapshotId }];
  });
  if (there.length === 0) return;
  for (const at of random.some(there).slice(0, 3)) {
    const then = await read(`select * from ${table.name} for version as of ${at.id}`, at.columns);
    expect(then).toEqual(textsOf(at.rows, at.columns));
    const came = await read(`select * from "new"`, columns, { rows: { new: { table, since: at.id } } });
    expect(came).toEqual(repeated(difference(now, textsOf(at.rows, columns))));

    const to = random.one(there);
    const range = { from: at.id, to: to.id };
    const changes = await engine.changes(table, { ...range, on: [] }).catch((error: unknown) => {
      if (isLakehouseError(error, "INVALID_ARGUMENT")) return undefined;
      throw error;
    });
    const line = [...lineOf(table, to.id)];
    expect(changes !== undefined).toBe(line.includes(at.id));
    if (changes === undefined) continue;
    const counts = difference(textsOf(to.rows, columns), textsOf(at.rows, columns));
    for (const row of await changes.rows()) {
      const text = outputText(row, columns);
      counts.set(text, (counts.get(text) ?? 0) + (row._change_type === "INSERT" ? -1 : 1));
    }
    expect([...counts].filter(([, n]) => n !== 0)).toEqual([]);
  }
}

/** A snapshot and those before it. */
function* lineOf({ metadata }: Table, id: bigint): Generator<bigint> {
  for (let next: bigint | undefined = id; next !== undefined; ) {
    const snapshot = metadata.snapshots.find(({ snapshotId }) => snapshotId === next);
    if (snapshot === undefined) return;
    yield snapshot.snapshotId;
    next = snapshot.parentSnapshotId;
  }
}

test("on whatever line of history, rows at a snapshot and rows since it are those of lists in memory", async () => {
  const seeds = fc.record({
    table: fc.nat(),
    steps: fc.array(fc.nat(), { minLength: 4, maxLength: 16, size: "max" }),
  });
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const made = await createState(new Random(seed.table));
      const state: Lines = { ...made, known: new Map(), branch: undefined, staged: [] };
      for (const step of seed.steps) {
        const random = new Random(step);
        const [name, run] = random.one(CHOICES);
        state.random = random;
        state.story.push(name);
        try {
          if (!(await run(state))) continue;
          const head = headOf(state.table, "main");
          if (head !== undefined && !state.known.has(head))
            state.known.set(head, { rows: state.model.rows, columns: state.model.columns });
          await checkLines(state);
        } catch (cause) {
          throw new Error(`The table is wrong after ${state.story.join(", ")}.`, { cause });
        }
      }
    }),
    { numRuns: runs(12) },
  );
});
