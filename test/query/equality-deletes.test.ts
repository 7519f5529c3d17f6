import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../lib/lakehouse/catalog/index.js";
import {
  defineSchema,
  eq,
  type FormatVersion,
  int,
  long,
  type ScanOptions,
  type Schema,
  string,
  type Table,
  UpdateSchema,
  type WriteMode,
} from "../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";

let directory: string;
let engine: QueryEngine;
let catalog: BranchingCatalog;
let tables = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "equality-deletes-"));
  engine = await openQueryEngine({ resolve: async () => undefined });
  catalog = await openCatalog({ backend: ":memory:", store: new LocalStore(directory, { durable: false }) });
  await catalog.createNamespace("n");
});

afterAll(async () => {
  await engine.close();
  await catalog.close();
  await rm(directory, { recursive: true });
});

const versions: FormatVersion[] = [2, 3];

type Row = Record<string, unknown>;

async function create(formatVersion: FormatVersion, schema: Schema, more: object = {}): Promise<Table<Row>> {
  const table = await catalog.createTable(`n.t${tables++}`, { schema, formatVersion, ...more });
  return table.withEngine(engine) as Table<Row>;
}

/** The rows, as text in order. */
async function rows(table: Table<Row>, options: ScanOptions = {}): Promise<string[]> {
  const found = await (await engine.scan(table, table.scan(options))).rows();
  return found.map((row) => Object.values(row).join(" ")).sort();
}

const keyed = defineSchema({ k: long(), v: int().optional() });
const numbered = (...keys: number[]) => keys.map((k) => ({ k, v: k * 10 }));

describe.each(versions)("a change of rows after a delete by key, in v%i", (version) => {
  const changes: [
    string,
    (
      table: Pick<Table<Row>, "deleteRows" | "updateRows" | "overwrite" | "merge">,
      mode: WriteMode,
    ) => Promise<unknown>,
    string[],
  ][] = [
    ["update", (table, mode) => table.updateRows(eq("k", 2), { v: 0 }, { mode }), ["2 0", "3 30"]],
    ["delete", (table, mode) => table.deleteRows(eq("k", 2), { mode }), ["3 30"]],
    ["overwrite", (table) => table.overwrite(numbered(4), { where: eq("k", 2) }), ["3 30", "4 40"]],
    ["merge", (table, mode) => table.merge([{ k: 2, v: 0 }], { on: ["k"], mode }), ["2 0", "3 30"]],
  ];
  for (const mode of ["copy-on-write", "merge-on-read"] as const) {
    test.each(changes)(`${mode}: %s`, async (_, change, expected) => {
      const table = await (await create(version, keyed)).append(numbered(1, 2, 3));
      const deleted = await table.rowDelta({ on: ["k"], deletes: [{ k: 1 }] });
      await change(deleted, mode);
      expect(await rows(await deleted.refresh())).toEqual(expected);
      // On top of what was deleted by position.
      const more = await (await deleted.append(numbered(7, 8, 9))).deleteRows(eq("k", 8), {
        mode: "merge-on-read",
      });
      const twice = await more.rowDelta({ on: ["k"], deletes: [{ k: 9 }] });
      await twice.updateRows(eq("k", 7), { v: 0 }, { mode });
      expect(await rows(await twice.refresh())).toEqual([...expected, "7 0"].sort());
    });
    test.each(changes)(`${mode}, in one transaction: %s`, async (_, change, expected) => {
      const table = await (await create(version, keyed)).append(numbered(1, 2, 3));
      const transaction = table.begin();
      await transaction.rowDelta({ on: ["k"], deletes: [{ k: 1 }] });
      await change(transaction as unknown as Table<Row>, mode);
      expect(await rows(await transaction.commit())).toEqual(expected);
    });
  }
});

describe("a delete column that a data file lacks", () => {
  test.each([
    ["its default", ["US"], []],
    ["null", [null], ["1 US", "2 US"]],
  ])("has its initial default: deleted by %s", async (_, keys, expected) => {
    const old = await (await create(3, defineSchema({ k: long() }))).append([{ k: 1 }, { k: 2 }]);
    const wider = await old.update([new UpdateSchema().addColumn("c", string().optional().default("US"))]);
    const after = await wider.rowDelta({ on: ["c"], deletes: keys.map((c) => ({ c })) });
    expect(await rows(after)).toEqual(expected);
    expect(await rows(after, { select: ["k"] })).toEqual(expected.map((row) => row.slice(0, 1)));
    expect(await changed(after)).toEqual(expected.length === 0 ? ["1 US DELETE", "2 US DELETE"] : []);
    const dropped = await after.update([new UpdateSchema().dropColumn("c")]);
    expect(await rows(dropped)).toEqual(expected.map((row) => row.slice(0, 1)));
  });
});

/** What the newest snapshot changed. */
async function changed(table: Table<Row>): Promise<string[]> {
  const from = table.metadata.snapshots.at(-2)?.snapshotId;
  const found = await (await engine.changes(table, { from })).rows();
  return found.map((row) => Object.values(row).slice(0, -2).join(" ")).sort();
}
