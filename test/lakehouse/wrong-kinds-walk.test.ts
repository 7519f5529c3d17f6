import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  defineSchema,
  int,
  isLakehouseError,
  type Lakehouse,
  openLakehouse,
  openLakehouseCatalog,
  openTable,
  relocateLakehouse,
  type Table,
} from "sololakehouse";
import { serveRestCatalog } from "sololakehouse/catalog";
import { afterEach, beforeEach, expect, test } from "vitest";
import { methodsOf } from "./support/methods.js";

/** Every call of the front door, with values of every wrong kind in every place: no error but our own comes out. */

const KINDS = [undefined, null, 3, "x", {}, [], () => 1, [null], { a: null }];

let root: string;
let lake: Lakehouse;
let table: Table;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "wrong-kinds-walk-"));
  lake = await openLakehouse({ root, profile: "embedded" });
  table = await (
    await lake.createTable<Record<string, unknown>>("a.b", { schema: defineSchema({ x: int() }) })
  ).append([{ x: 1 }]);
});
afterEach(async () => {
  await lake.close();
  await rm(root, { recursive: true, force: true });
});

type Called = Record<string, (...given: unknown[]) => unknown>;

/** But those that end it, and what nobody calls from outside. */
const NOT_CALLED = ["close", "changeRows"];

/** What came out that is none of ours. */
async function strangers(
  calls: readonly [name: string, call: (...given: unknown[]) => unknown][],
  places: readonly (readonly unknown[])[],
): Promise<string[]> {
  const found = new Map<string, string>();
  for (const [name, call] of calls) {
    for (const given of places) {
      try {
        const answer = await call(...given);
        if (Symbol.asyncIterator in Object(answer)) for await (const _ of answer as AsyncIterable<unknown>);
      } catch (error) {
        if (isLakehouseError(error)) continue;
        // One example of each will do.
        found.set(`${name}: ${error}`, inspect(given, { depth: 1 }));
      }
    }
  }
  return [...found].map(([problem, example]) => `${problem} ${example.slice(0, 100)}`);
}

const one = KINDS.map((kind) => [kind]);
const two = KINDS.flatMap((first) => KINDS.map((second) => [first, second]));
const calls = (object: object) =>
  methodsOf(object, NOT_CALLED).map(
    (name) => [name, (...given: unknown[]) => (object as Called)[name]?.(...given)] as const,
  ) as [string, (...given: unknown[]) => unknown][];

test("of a lakehouse", async () => {
  expect(
    await strangers(calls(lake), [
      ...one,
      ...two,
      ...KINDS.map((kind) => ["a.b", kind]),
      ...KINDS.map((kind) => [table, kind]),
    ]),
  ).toEqual([]);
});

test("of a table", async () => {
  expect(
    await strangers(calls(table), [
      ...one,
      ...two,
      ...KINDS.map((kind) => [[{ x: 1 }], kind]),
      ...KINDS.map((kind) => [{ type: "true" }, kind]),
      ...KINDS.map((kind) => [{ type: "true" }, { x: 1 }, kind]),
    ]),
  ).toEqual([]);
});

test("of a transaction", async () => {
  const begin = () => table.begin();
  const ofNew = methodsOf(begin()).map(
    (name) =>
      [name, (...given: unknown[]) => (begin() as unknown as Called)[name]?.(...given)] as [
        string,
        (...given: unknown[]) => unknown,
      ],
  );
  expect(await strangers(ofNew, [...one, ...two, ...KINDS.map((kind) => [[{ x: 1 }], kind])])).toEqual([]);
});

test("of a scan, and of what opens something", async () => {
  const scans = KINDS.flatMap((kind) => [
    { filter: kind },
    { select: kind },
    { snapshotId: kind },
    { ref: kind },
    { asOf: kind },
    { limit: kind },
  ]);
  const opens: [string, (...given: unknown[]) => unknown][] = [
    ["scan", (options) => table.scan(options as never).planAll()],
    ["rows", (options) => table.rows(options as never)],
    ["openLakehouse", async (options) => (await openLakehouse({ root, ...(options as object) })).close()],
    [
      "openLakehouseCatalog",
      async (options) => (await openLakehouseCatalog({ root, ...(options as object) })).catalog.close(),
    ],
    ["openTable", (options) => openTable(options as never)],
    ["serveRestCatalog", async (options) => (await serveRestCatalog(options as never)).close()],
    ["relocateLakehouse", (options) => relocateLakehouse(options as never)],
  ];
  expect(await strangers(opens.slice(0, 2), [...one, ...scans.map((each) => [each])])).toEqual([]);
  const settings = [
    "profile",
    "root",
    "warehouse",
    "storage",
    "duckdb",
    "cache",
    "catalog",
    "create",
  ].flatMap((name) =>
    KINDS.filter((kind) => kind !== undefined && kind !== "x").map((kind) => [{ [name]: kind }]),
  );
  expect(await strangers(opens.slice(2, 4), settings)).toEqual([]);
  for (const name of ["root", "duckdb"]) {
    await expect(openLakehouse({ root, [name]: 3 } as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  }
  expect(await strangers(opens.slice(4), one)).toEqual([]);
});
