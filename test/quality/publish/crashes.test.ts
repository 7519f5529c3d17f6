import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Backend, openCatalog, SqliteBackend } from "../../../lib/lakehouse/catalog/index.js";
import {
  alwaysTrue,
  defineSchema,
  int,
  long,
  string,
  UpdateSchema,
} from "../../../lib/lakehouse/iceberg/index.js";
import {
  CheckFailedError,
  contract,
  expression,
  notNull,
  type Publication,
  type PublishOptions,
  Quality,
  range,
  references,
  sqlCheck,
} from "../../../lib/lakehouse/quality/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { dyingAt } from "../support/crashing.js";

interface Row {
  readonly id: number;
  readonly v: number;
}

const FIELDS = { id: long(), v: int() };
const SCHEMA = defineSchema(FIELDS);
const TABLE = contract({
  name: "n.t",
  schema: SCHEMA,
  keys: ["id"],
  owner: "test",
  checks: [range("v", { min: 0, max: 9 })],
});

let folder: string;
let store: LocalStore;
let backend: Backend;
const engines: QueryEngine[] = [];
let looking: { readonly at: Backend; readonly lake: Awaited<ReturnType<typeof open>> } | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "publish-"));
  store = new LocalStore(join(folder, "warehouse"), { durable: false });
  backend = new SqliteBackend(":memory:");
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  await backend.close();
  await rm(folder, { recursive: true });
});

/** The lakehouse as one process has it. */
async function open(seen: Backend) {
  const catalog = await openCatalog({ backend: seen, store });
  const on = (ref: string | undefined) => (ref === undefined ? catalog : catalog.on(ref));
  const engine = await openQueryEngine({
    resolve: async (name, { ref }) =>
      on(ref).loadTable({ namespace: name.slice(0, -1), name: name.at(-1) ?? "" }),
    lake: { catalog: ({ ref }) => on(ref), store },
  });
  engines.push(engine);
  return { catalog, engine, quality: new Quality({ catalog, engine }) };
}

/** Who looks on: one for each backend. */
async function observer() {
  if (looking?.at !== backend) looking = { at: backend, lake: await open(dyingAt(backend, -1, false)) };
  return looking.lake;
}

/** The rows on main; none before there is a table. */
async function rowsOf(name = "n.t"): Promise<Row[]> {
  const { catalog, engine } = await observer();
  if (!(await catalog.tableExists(name))) return [];
  const rows = (await (await engine.sql(`SELECT id, v FROM ${name}`)).rows()) as { id: bigint; v: number }[];
  return rows.map(({ id, v }) => ({ id: Number(id), v })).sort((a, b) => a.id - b.id || a.v - b.v);
}

function isRight(rows: readonly Row[]): boolean {
  return new Set(rows.map(({ id }) => id)).size === rows.length && rows.every(({ v }) => v >= 0 && v <= 9);
}

async function leftovers(): Promise<string[]> {
  const { catalog } = await observer();
  return (await catalog.references())
    .map(({ name }) => name)
    .filter((name) => name.startsWith("publish/") && !name.endsWith("/blocked"));
}

/** Publishes in a process that dies at a move, and in others after it, until one is through. */
async function publishThrough(
  rows: readonly Row[],
  options: PublishOptions,
  die: { readonly at: number; readonly after: boolean } | undefined,
): Promise<Publication | CheckFailedError> {
  for (let process = 0; ; process++) {
    const at = process === 0 && die !== undefined ? die.at : -1;
    try {
      const { quality } = await open(dyingAt(backend, at, die?.after ?? false));
      return await quality.publish(TABLE, rows, options);
    } catch (error) {
      expect(isRight(await rowsOf())).toBe(true);
      if (error instanceof CheckFailedError) return error;
      if (process > 0) throw error;
      // Ours may have caught the death on its way, and said it in its own words.
    }
  }
}

async function movesOf(rows: readonly Row[], options: PublishOptions): Promise<number> {
  const counted = dyingAt(backend, -1, false);
  const { quality } = await open(counted);
  await quality.publish(TABLE, rows, options).catch((error: unknown) => {
    if (!(error instanceof CheckFailedError)) throw error;
  });
  return counted.moves;
}

const GOOD = [1, 2, 3].map((id) => ({ id, v: id }));
const BAD = [...GOOD.map(({ id, v }) => ({ id: id + 10, v })), { id: 99, v: 99 }];

describe("a process that dies at any step of a publication", () => {
  const cases = [
    { what: "of good rows", rows: GOOD, options: {}, left: GOOD },
    { what: "of a bad batch", rows: BAD, options: {}, left: [] },
    { what: "in quarantine", rows: BAD, options: { quarantine: true }, left: BAD.slice(0, 3) },
  ];
  test.each(cases)("$what leaves all or nothing, and the next goes on", async ({ rows, options, left }) => {
    const moves = await movesOf(rows, { ...options, token: "counted" });
    expect(moves).toBeGreaterThan(5);
    for (let at = 0; at < moves; at++) {
      // The soak takes both ways at each move.
      for (const after of runs(1) > 1 ? [false, true] : [at % 2 === 0]) {
        await backend.close();
        backend = new SqliteBackend(":memory:");
        const outcome = await publishThrough(rows, { ...options, token: "once" }, { at, after });
        expect(outcome instanceof CheckFailedError).toBe(left.length === 0);
        expect({ at, after, rows: await rowsOf() }).toEqual({ at, after, rows: left });
        if ("quarantine" in options) expect(await rowsOf("n.t_rejected")).toEqual([{ id: 99, v: 99 }]);
        expect(await leftovers()).toEqual([]);
        // And once more, when all is done.
        if (at === 0) await publishThrough(rows, { ...options, token: "once" }, undefined);
        expect(await rowsOf()).toEqual(left);
      }
    }
  });
});

test("rows that landed before a crash, and their table then got another column, are written anew", async () => {
  const named = (seen: Backend) => open(seen).then(({ quality }) => quality);
  await (await named(backend)).createTable(TABLE);
  const publish = async (at: number) =>
    (await named(dyingAt(backend, at, false))).publish("n.t", BAD, { quarantine: true, token: "t" });
  const hasLanded = async () => (await leftovers()).some((name) => name.includes("/landed-"));
  for (let at = 0; !(await hasLanded()); at++) await publish(at).catch(() => {});
  const { catalog } = await observer();
  await (await catalog.loadTable("n.t")).update([new UpdateSchema().addColumn("note", string().optional())]);
  expect(await publish(-1)).toMatchObject({ outcome: "published", rejected: 1 });
  expect(await rowsOf()).toEqual(BAD.slice(0, 3));
  expect(await leftovers()).toEqual([]);
});

test.each([
  ["a query", sqlCheck("select * from rows where v > (select min(v) from n.limits)")],
  ["an expression", expression("v <= (select min(v) from n.limits)")],
  ["what it is about", notNull("none", { where: "v > (select min(v) from n.limits)" })],
  ["keys", references("v", "n.limits", "v")],
])("%s that reads another table is asked again where that changed meanwhile", async (_, check) => {
  const others = await observer();
  await others.catalog.createNamespace("n");
  const limits = await others.catalog.createTable("n.limits", { schema: defineSchema({ v: int() }) });
  await limits.append([{ v: 5 }]);
  let isFirst = true;
  const seen = dyingAt(backend, -1, false);
  const { quality, catalog } = await open({
    ...seen,
    moveRef: async (move, objects) => {
      if (move.name === "refs/main" && isFirst) {
        isFirst = false;
        await (await limits.refresh()).overwrite([{ v: 1 }], { where: alwaysTrue });
      }
      return seen.moveRef(move, objects);
    },
  });
  const target = { ...TABLE, checks: [check], schema: defineSchema({ ...FIELDS, none: int().optional() }) };
  await expect(quality.publish(target, [{ id: 1, v: 5 }])).rejects.toMatchObject({ code: "CHECK_FAILED" });
  expect({ isFirst, there: await catalog.tableExists("n.t") }).toEqual({ isFirst: false, there: false });
});

test("whatever is published, at once or one after the other, and whenever a process dies, main holds whole good batches alone", async () => {
  const row = fc.record({ id: fc.nat(12), v: fc.integer({ min: 0, max: 10 }) });
  const publication = fc.record({
    rows: fc.array(row, { minLength: 1, maxLength: 3 }),
    die: fc.option(fc.record({ at: fc.nat(12), after: fc.boolean() }), { nil: undefined }),
  });
  const steps = fc.array(fc.array(publication, { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (rounds) => {
      await backend.close();
      backend = new SqliteBackend(":memory:");
      const published: Row[] = [];
      for (const [i, round] of rounds.entries()) {
        const before = [...published];
        const ended = await Promise.all(
          round.map(({ rows, die }, j) => publishThrough(rows, { token: `p${i}-${j}` }, die)),
        );
        for (const [j, outcome] of ended.entries()) {
          const { rows } = round[j] as (typeof round)[number];
          if (!(outcome instanceof CheckFailedError)) published.push(...rows);
          // Alone, it is told by the batch and the table whether it passes.
          else if (round.length === 1) expect(isRight([...before, ...rows])).toBe(false);
        }
        const sorted = [...published].sort((a, b) => a.id - b.id || a.v - b.v);
        expect(await rowsOf()).toEqual(sorted);
        expect(isRight(sorted)).toBe(true);
      }
    }),
    { numRuns: runs(6), endOnFailure: true },
  );
});
