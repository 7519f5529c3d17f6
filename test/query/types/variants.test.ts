import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  encodeVariant,
  eq,
  isIn,
  type Schema,
  type Table,
  type VariantInput,
} from "../../../lib/lakehouse/iceberg/index.js";
import { readFooter } from "../../../lib/lakehouse/parquet/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { HandMadeTables } from "../support/hand-made-table.js";

const schema: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    { id: 1, name: "id", required: true, type: { type: "long" } },
    { id: 2, name: "v", required: false, type: { type: "variant" } },
    { id: 3, name: "name", required: false, type: { type: "string" } },
  ],
};
let directory: string;
let engine: QueryEngine;
let table: Table;
let made: HandMadeTables;
let shredded: Table | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "query-variants-"));
  made = await HandMadeTables.open();
  const catalog = await openCatalog({
    backend: ":memory:",
    store: new LocalStore(directory, { durable: false }),
  });
  engine = await openQueryEngine({
    resolve: async (name) =>
      name.join(".") === "n.shredded" ? shredded : name.join(".") === "n.t" ? table : undefined,
  });
  await catalog.createNamespace("n");
  const created = await catalog.createTable("n.t", { schema, formatVersion: 3 });
  table = created.withEngine(engine) as Table;
});

afterAll(async () => {
  await engine.close();
  await made.close();
  await rm(directory, { recursive: true });
});

const rows = async (of: Table, select?: readonly string[]) => {
  const text = await (await engine.scan(of, of.scan({ select }))).format("json");
  return JSON.parse(text) as Record<string, unknown>[];
};

describe("variants", () => {
  test("are declared as such in data files, and read as they were written", async () => {
    const values = [{ a: [1, null, "x"], b: { c: true } }, "text", -5, null, 1.5, []];
    table = await table.append(values.map((value, id) => ({ id: BigInt(id), v: encodeVariant(value) })));
    table = await table.append([{ id: 100n, v: null, name: "none" }]);
    const [task] = (await table.scan().planAll()).tasks;
    const footer = await readFooter(table.store, task?.dataFile.filePath ?? "");
    expect(footer.schema.children[1]).toMatchObject({
      name: "v",
      fieldId: 2,
      logicalType: { kind: "variant" },
    });
    const found = await rows(table);
    expect(found.find(({ id }) => id === 100)).toEqual({ id: 100, v: null, name: "none" });
    for (const [id, value] of values.entries()) expect(found.find((row) => row.id === id)?.v).toEqual(value);
  });

  test("are JSON in SQL, with their parts by name", async () => {
    const sql = async (text: string) => (await engine.sql(text)).rows();
    expect(await sql("SELECT id, v FROM n.t WHERE id IN (0, 2, 100) ORDER BY id")).toEqual([
      { id: 0n, v: '{"a":[1,null,"x"],"b":{"c":true}}' },
      { id: 2n, v: "-5" },
      { id: 100n, v: null },
    ]);
    expect(
      await sql("SELECT t.v.b.c::BOOLEAN AS c, t.v.a[3]::VARCHAR AS x FROM n.t AS t WHERE id = 0"),
    ).toEqual([{ c: true, x: "x" }]);
    expect(await sql("SELECT count(*)::INT AS n FROM n.t WHERE variant_typeof(v) = 'VARCHAR'")).toEqual([
      { n: 1 },
    ]);
    expect((await sql("DESCRIBE n.t")).map((row) => row.column_type)).toEqual([
      "BIGINT",
      "VARIANT",
      "VARCHAR",
    ]);
  });

  test("are the same after rows were moved", async () => {
    const before = new Map((await rows(table)).map(({ id, v }) => [id, v]));
    table = await table.deleteRows(isIn("id", [1n]), { mode: "copy-on-write" });
    table = await table.updateRows(eq("id", 0n), { name: "changed" });
    for (const { id, v } of await rows(table)) expect([id, v]).toEqual([id, before.get(id)]);
  });

  test("of any value mean in SQL what was written", async () => {
    const { value } = fc.letrec<{ value: VariantInput }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, true, false),
        fc.integer(),
        fc.string({ unit: "grapheme" }),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(fc.string({ minLength: 1, unit: "grapheme-ascii" }), tie("value"), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 20 }), async (values) => {
        const catalog = await openCatalog({ backend: ":memory:", store: table.store });
        await catalog.createNamespace("p");
        const of = await catalog.createTable("p.t", { schema, formatVersion: 3 });
        const full = (await of.append(
          values.map((v, id) => ({ id: BigInt(id), v: encodeVariant(v) })),
        )) as unknown as Table;
        shredded = full;
        const found = await (await engine.sql("SELECT v FROM n.shredded ORDER BY id")).rows();
        expect(found.map(({ v }) => JSON.parse(String(v)) as unknown)).toEqual(values);
        expect((await rows(full)).map(({ v }) => v)).toEqual(values);
        await catalog.close();
      }),
      { numRuns: runs(15) },
    );
  });
});

describe("variants that a writer shredded without calling them variants", () => {
  const hex = (value: VariantInput) => {
    const { metadata, value: bytes } = encodeVariant(value);
    return { metadata: Buffer.from(metadata).toString("hex"), value: Buffer.from(bytes).toString("hex") };
  };
  const struct = (metadata: string, value: string | null, typed: string) =>
    `{'metadata': from_hex('${metadata}'), 'value': ${value === null ? "NULL::BLOB" : `from_hex('${value}')`}, 'typed_value': ${typed}}`;
  const text = hex("text");
  const select = [
    `SELECT 1::BIGINT AS id, ${struct(text.metadata, null, "42::BIGINT")} AS v, 'a' AS name`,
    `SELECT 2::BIGINT, ${struct(text.metadata, text.value, "NULL::BIGINT")}, 'b'`,
    "SELECT 3::BIGINT, NULL, 'c'",
  ].join(" UNION ALL ");

  test("are put together", async () => {
    const of = made.table(schema, [await made.file(select, "id: 1, v: 2, name: 3")]);
    shredded = of;
    const sql = "SELECT id, v, name FROM n.shredded ORDER BY id";
    expect(await (await engine.sql(sql)).rows()).toEqual([
      { id: 1n, v: "42", name: "a" },
      { id: 2n, v: '"text"', name: "b" },
      { id: 3n, v: null, name: "c" },
    ]);
  });

  test("are refused, and not read in part, where their file has no field ids; its other columns are read", async () => {
    shredded = made.table(schema, [await made.file(select, undefined)]);
    expect(await (await engine.sql("SELECT name FROM n.shredded ORDER BY id")).rows()).toEqual([
      { name: "a" },
      { name: "b" },
      { name: "c" },
    ]);
    const reading = engine.sql("SELECT v FROM n.shredded").then((result) => result.rows());
    await expect(reading).rejects.toThrow(/v is a shredded variant/);
    const whole = await engine.sql("SELECT v FROM n.shredded WHERE id > 1 ORDER BY id");
    expect(await whole.rows()).toEqual([{ v: '"text"' }, { v: null }]);
  });
});
