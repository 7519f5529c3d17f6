import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lakehouse, openLakehouse } from "../../../lib/lakehouse/index.js";
import { runs } from "../../support/runs.js";
import { Random } from "../support/random-tables/random.js";
import { deleteRows, insert, merge, update } from "../support/ugly-sql/change.js";
import {
  alter,
  createTable,
  createTableAs,
  createView,
  drop,
  layout,
  rename,
} from "../support/ugly-sql/define.js";
import { Draw } from "../support/ugly-sql/draw.js";
import { type Drawn, ours, quote, spelled, type World } from "../support/ugly-sql/drawn.js";
import { query } from "../support/ugly-sql/query.js";

/*
 * Sequences of statements that are drawn at random over all types, ugly names and values at the edges, on branches, beside
 * views, with parameters: whatever they do to DuckDB's own tables, they do to ours, and queries find the same.
 */

let folder: string;
let lake: Lakehouse;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ugly-"));
  lake = await openLakehouse({ root: join(folder, "lake") });
});
afterAll(async () => {
  await lake.close();
  await rm(folder, { recursive: true });
});

/** A branch, and the same in a database of DuckDB's. */
interface Place {
  readonly branch: string | undefined;
  readonly ours: Lakehouse;
  readonly native: DuckDBConnection;
  /** What was run, for another database that starts with it. */
  readonly log: string[];
  world: World;
  /** Snapshots, with the rows that their tables had then. */
  past: readonly Past[];
}

interface Past {
  readonly text: string;
  readonly rows: readonly string[];
}

async function openNative(log: readonly string[]): Promise<DuckDBConnection> {
  const native = await (await DuckDBInstance.create(":memory:")).connect();
  await native.run("SET TimeZone = 'UTC'");
  for (const each of log) await native.run(each);
  return native;
}

type Outcome = { readonly rows: readonly string[] } | { readonly error: unknown };

async function outcome(rows: Promise<readonly string[]>): Promise<Outcome> {
  return rows.then(
    (found) => ({ rows: found }),
    (error: unknown) => ({ error }),
  );
}

/** What Iceberg has, and DuckDB has not: columns that a layout is made of. */
const REFUSED_BY_DESIGN = /cannot be dropped: the (partition field|sort order)/;

const asText = (query: string) => `SELECT CAST("the row" AS VARCHAR) AS r FROM (${query}) AS "the row"`;
/** Zero is one value in groups, whichever sign it is shown with. */
const sorted = (rows: readonly string[]) => rows.map((row) => row.replaceAll("-0.0", "0.0")).sort();

async function nativeRows(native: DuckDBConnection, text: string): Promise<readonly string[]> {
  return (await native.runAndReadAll(text)).getRowsJson().map(([row]) => String(row));
}

/** Runs a text on our side: on the branch's lakehouse, named `@branch`, or by `ref`. */
async function ourRows(place: Place, drawn: Drawn, random: Random, wrap = (text: string) => text) {
  const way = random.one(place.branch === undefined ? ["on"] : ["on", "name", "ref"]);
  const { text, params } = ours(drawn, way === "name" ? place.branch : undefined, random.chance(40));
  const on = way === "on" ? place.ours : lake;
  const rows = await (
    await on.sql(wrap(text), { params, ref: way === "ref" ? place.branch : undefined })
  ).rows();
  return rows.map((row) => String(Object.values(row)[0]));
}

/** Runs a statement in both, and says whether it did anything. */
async function runBoth(place: Place, drawn: Drawn, random: Random): Promise<boolean> {
  const before = await place.ours.hash();
  const mine = await outcome(ourRows(place, drawn, random));
  if ("error" in mine && REFUSED_BY_DESIGN.test(String(mine.error))) return false;
  const native = await outcome(nativeRows(place.native, spelled(drawn)));
  if ("error" in native) {
    expect(mine, String(native.error)).toHaveProperty("error");
    expect(await place.ours.hash()).toBe(before);
    return false;
  }
  if ("error" in mine) throw mine.error;
  if (drawn.ours === undefined) expect(mine.rows).toEqual(native.rows);
  place.log.push(spelled(drawn));
  return true;
}

async function expectSame(place: Place, drawn: Drawn, random: Random): Promise<void> {
  const native = await outcome(nativeRows(place.native, asText(spelled(drawn))));
  const mine = await outcome(ourRows(place, drawn, random, asText));
  if ("error" in native) {
    expect(mine, String(native.error)).toHaveProperty("error");
    return;
  }
  if ("error" in mine) throw mine.error;
  expect(sorted(mine.rows), spelled(drawn)).toEqual(sorted(native.rows));
}

const STATEMENTS = (
  [
    [10, insert],
    [5, update],
    [4, deleteRows],
    [4, merge],
    [3, alter],
    [2, createView],
    [2, createTable],
    [2, createTableAs],
    [1, rename],
    [1, drop],
    [2, layout],
  ] satisfies readonly (readonly [weight: number, draw: (draw: Draw) => Drawn])[]
).flatMap(([weight, draw]) => Array.from({ length: weight }, () => draw));

/** What is there after a statement, of which views and names of snapshots may mean nothing any more. */
function moveOn(place: Place, { text, after = place.world }: Drawn): void {
  const changesTables = /^(ALTER|DROP TABLE|CREATE OR REPLACE)/.test(text);
  place.world = changesTables ? { ...after, views: [] } : after;
  if (changesTables) place.past = [];
}

/** Remembers the rows of a table at its snapshot, where that has the columns of now. */
async function remember(place: Place, namespace: string, name: string): Promise<void> {
  const { currentSnapshot: at, schema } = await place.ours.table({ namespace: [namespace], name });
  if (at === undefined || at.schemaId !== schema.schemaId) return;
  const text = `SELECT * FROM ${namespace}.${quote(name)}`;
  const rows = sorted(await nativeRows(place.native, asText(text)));
  place.past = [...place.past.slice(-3), { text: `${text} FOR VERSION AS OF ${at.snapshotId}`, rows }];
}

class Sequence {
  readonly #namespace: string;
  readonly #story: string[] = [];
  readonly places: Place[] = [];

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  async open(): Promise<void> {
    const log = [`CREATE SCHEMA ${this.#namespace}`];
    for (const each of log) await lake.sql(each);
    const world = { tables: [], views: [] };
    this.places.push({ branch: undefined, ours: lake, native: await openNative(log), log, world, past: [] });
  }

  /** Makes a branch of the first place. */
  async branch(): Promise<void> {
    const [main] = this.places as [Place];
    const branch = `b ${this.#namespace}`.replace(" ", "-");
    const on = await lake.branch(branch);
    this.#story.push(`a branch, ${branch}`);
    this.places.push({ ...main, branch, ours: on, native: await openNative(main.log), log: [...main.log] });
  }

  /** Takes a step that a seed determines, and compares all that there is. */
  async take(seed: number, choose: (random: Random, draw: Draw) => Drawn): Promise<void> {
    const random = new Random(seed);
    const place = random.one(this.places);
    const draw = () => new Draw(random, this.#namespace, place.world);
    const drawn = choose(random, draw());
    const tell = (each: Drawn) => `${place.branch ?? "main"}: ${ours(each, undefined, false).text}`;
    this.#story.push(tell(drawn));
    try {
      if (await runBoth(place, drawn, random)) moveOn(place, drawn);
      for (const relation of [...place.world.tables, ...place.world.views]) {
        const read = query(draw(), relation);
        this.#story.push(tell(read));
        await expectSame(place, read, random);
        this.#story.pop();
      }
      await remember(place, this.#namespace, random.one(place.world.tables).name);
      for (const { text, rows } of place.past) {
        const found = await (await place.ours.sql(asText(text))).rows();
        expect(sorted(found.map(({ r }) => String(r))), text).toEqual(rows);
      }
    } catch (cause) {
      throw new Error(this.#story.join(";\n"), { cause });
    }
  }
}

let sequences = 0;

test("whatever is done to ugly tables, they are what DuckDB's own are", async () => {
  const seeds = fc.record({
    start: fc.nat(),
    steps: fc.array(fc.nat(), { minLength: 4, maxLength: 14, size: "max" }),
  });
  await fc.assert(
    fc.asyncProperty(seeds, async ({ start, steps }) => {
      const sequence = new Sequence(`n${sequences++}`);
      await sequence.open();
      try {
        for (const seed of [start, start + 1]) await sequence.take(seed, (_, draw) => createTable(draw));
        for (const seed of [start, start + 1, start + 2])
          await sequence.take(seed, (_, draw) => insert(draw));
        for (const seed of steps) {
          if (sequence.places.length === 1 && seed % 7 === 0) await sequence.branch();
          await sequence.take(seed, (random, draw) => random.one(STATEMENTS)(draw));
        }
      } finally {
        for (const { native } of sequence.places) native.closeSync();
      }
    }),
    { numRuns: runs(6) },
  );
});
