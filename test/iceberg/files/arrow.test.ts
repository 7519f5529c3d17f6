import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchConformer, conformBatches } from "../../../lib/lakehouse/iceberg/files/arrow/conform.js";
import { canonicalReader } from "../../../lib/lakehouse/iceberg/files/arrow/read.js";
import { validateRow } from "../../../lib/lakehouse/iceberg/files/arrow/rows.js";
import { FIELD_ID_KEY } from "../../../lib/lakehouse/iceberg/files/arrow/schema.js";
import {
  arrowToSchema,
  binary,
  boolean,
  canonicalValue,
  date,
  decimal,
  defineSchema,
  double,
  fixed,
  float,
  int,
  list,
  locateByName,
  long,
  map,
  type PrimitiveType,
  rowsToBatches,
  type Schema,
  schemaToArrow,
  string,
  struct,
  time,
  timestamp,
  timestampNs,
  timestamptz,
  unknown,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";

const everything = defineSchema({
  id: long(),
  b: boolean().optional(),
  i: int().optional().doc("a number"),
  f: float().optional(),
  d: double().optional(),
  p: decimal(38, 10).optional(),
  dt: date().optional(),
  t: time().optional(),
  ts: timestamp().optional(),
  tz: timestamptz().optional(),
  ns: timestampNs().optional(),
  s: string().optional(),
  u: uuid().optional(),
  x: fixed(3).optional(),
  y: binary().optional(),
  st: struct({ a: int(), b: string().optional() }).optional(),
  l: list(string().optional()).optional(),
  m: map(string(), struct({ n: int().optional() }).optional()).optional(),
  nothing: unknown(),
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

async function batchesOf(
  schema: Schema,
  rows: Iterable<unknown> | AsyncIterable<unknown>,
  limits = {},
): Promise<arrow.RecordBatch[]> {
  return collect(rowsToBatches(schema, rows, limits));
}

async function mismatchOf(schema: Schema, rows: Iterable<unknown>): Promise<string> {
  try {
    await batchesOf(schema, rows);
  } catch (error) {
    expect(error).toMatchObject({ code: "SCHEMA_MISMATCH" });
    return (error as Error).message;
  }
  return "no error";
}

/** The canonical values of a primitive column. */
function column(schema: Schema, batch: arrow.RecordBatch, name: string): unknown[] {
  const type = locateByName(schema, name)!.field.type as PrimitiveType;
  const data = batch.getChild(name)!.data[0]!;
  const read = canonicalReader(type, data);
  return Array.from({ length: data.length }, (_, i) => read(i));
}

describe("schemas", () => {
  test("go to Arrow with their field ids at every depth, and come back", () => {
    const converted = schemaToArrow(everything);
    const entry = converted.fields.find((field) => field.name === "m")!.type.children[0]!.type.children;
    expect(entry.map((field: arrow.Field) => field.metadata.get(FIELD_ID_KEY))).toEqual(["23", "24"]);
    const { identifierFieldIds, fields } = arrowToSchema(converted);
    expect({ identifierFieldIds, fields }).toEqual({ identifierFieldIds: [], fields: everything.fields });
  });

  test("of foreign Arrow data get fresh ids, and types widen to those that Iceberg has", () => {
    const foreign = new arrow.Schema([
      new arrow.Field("tiny", new arrow.Uint8(), true),
      new arrow.Field("u32", new arrow.Uint32(), false),
      new arrow.Field("text", new arrow.Dictionary(new arrow.LargeUtf8(), new arrow.Int32()), true),
      new arrow.Field("at", new arrow.TimestampMillisecond("UTC"), true),
      new arrow.Field("l", new arrow.List(new arrow.Field("item", new arrow.Int64(), true)), true),
    ]);
    const schema = arrowToSchema(foreign);
    expect(schema.fields.map((field) => [field.id, field.type.type, field.required])).toEqual([
      [1, "int", false],
      [2, "long", true],
      [3, "string", false],
      [4, "timestamptz", false],
      [5, "list", false],
    ]);
    expect(locateByName(schema, "l.element")?.field.id).toBe(6);
    expect(() => arrowToSchema(new arrow.Schema([new arrow.Field("u", new arrow.Uint64(), true)]))).toThrow(
      expect.objectContaining({ code: "INVALID_SCHEMA" }),
    );
  });
});

describe("rows", () => {
  const row = {
    id: 9007199254740993n,
    b: true,
    i: -5,
    f: 0.5,
    d: Number.NaN,
    p: "-1234567890123456789012345678.0123456789",
    dt: "2001-01-31",
    t: "22:31:08.5",
    ts: new Date("2001-01-31T10:00:00Z"),
    tz: "2001-01-31T10:00:00+02:00",
    ns: "2001-01-31T10:00:00.123456789",
    s: "Zürich \u{1F600}",
    u: "f79c3e09-677c-4bbd-a479-3f349cb785e7",
    x: Uint8Array.of(1, 2, 3),
    y: new Uint8Array(0),
    st: { a: 1 },
    l: ["a", null],
    m: new Map([
      ["k", { n: 1 }],
      ["z", null],
    ]),
    nothing: null,
  };

  test("of every type become Arrow and keep their values", async () => {
    const [batch] = await batchesOf(everything, [row, { id: 1 }]);
    expect(batch!.schema.fields.map((field) => field.name)).not.toContain("nothing");
    for (const { name, type } of everything.fields.slice(0, 15)) {
      const expected = canonicalValue(type as PrimitiveType, row[name as keyof typeof row]);
      expect(column(everything, batch!, name), name).toEqual([expected, name === "id" ? 1n : null]);
    }
    const read = batch!.toArray().map((each) => each!.toJSON());
    expect(read[0]!.st.toJSON()).toEqual({ a: 1, b: null });
    expect([...read[0]!.l]).toEqual(["a", null]);
    expect([...read[0]!.m].map(([key, value]) => [key, value?.toJSON() ?? null])).toEqual([
      ["k", { n: 1 }],
      ["z", null],
    ]);
    expect([read[1]!.st, read[1]!.l, read[1]!.m]).toEqual([null, null, null]);
  });

  test("stream through in bounded batches, from arrays and async sources alike", async () => {
    const schema = defineSchema({ id: int(), text: string() });
    async function* source() {
      for (let id = 0; id < 1000; id += 1) yield { id, text: "x".repeat(100) };
    }
    expect((await batchesOf(schema, source(), { maxRows: 300 })).map((batch) => batch.numRows)).toEqual([
      300, 300, 300, 100,
    ]);
    const small = await batchesOf(schema, await collect(source()), { maxBytes: 30_000 });
    expect(small.map((batch) => batch.numRows)).toEqual([512, 488]);
    expect(await batchesOf(schema, [])).toEqual([]);
  });

  test("that leave a value out take its write default; null stays null", async () => {
    const schema = defineSchema({
      id: int(),
      n: int().optional().writeDefault(7),
      p: decimal(9, 2).default("1.50"),
    });
    const [batch] = await batchesOf(schema, [{ id: 1 }, { id: 2, n: null, p: "2" }]);
    expect([column(schema, batch!, "n"), column(schema, batch!, "p")]).toEqual([
      [7, null],
      [150n, 200n],
    ]);
  });

  test("that are wrong are refused with row, column, expected and found", async () => {
    const schema = defineSchema({
      id: int(),
      price: decimal(9, 2).optional(),
      place: struct({ city: string() }).optional(),
      tags: list(string()).optional(),
      scores: map(string(), int()).optional(),
      at: timestamptz().optional(),
    });
    const bad = (row: unknown) => mismatchOf(schema, [{ id: 0 }, row]);
    expect(await bad({ id: "one" })).toMatch(
      /^Row 1, column "id": expected int \(a whole number of 32 bits\), found string "one"\.$/,
    );
    expect(await bad({ id: 2 ** 31 })).toMatch(/column "id".*found number 2147483648/);
    expect(await bad({})).toMatch(
      /column "id": expected a value, since the column is required, found nothing/,
    );
    expect(await bad({ id: null })).toMatch(/found null/);
    expect(await bad({ id: 1, price: "1.234" })).toMatch(
      /column "price".*without rounding.*found string "1.234"/,
    );
    expect(await bad({ id: 1, place: {} })).toMatch(/column "place.city"/);
    expect(await bad({ id: 1, place: { city: "x", zip: 1 } })).toMatch(
      /column "place.zip": expected no such column/,
    );
    expect(await bad({ id: 1, tags: "x" })).toMatch(/column "tags": expected an array/);
    expect(await bad({ id: 1, tags: [null] })).toMatch(/column "tags.element"/);
    expect(await bad({ id: 1, scores: { a: 1 } })).toMatch(/column "scores": expected a Map, found object/);
    expect(await bad({ id: 1, scores: new Map([["a", "b"]]) })).toMatch(/column "scores.value"/);
    expect(await bad({ id: 1, at: "2001-01-01T00:00:00" })).toMatch(/with an offset/);
    expect(await bad({ id: 1, colour: "red" })).toMatch(
      /column "colour": expected no such column, found string "red"/,
    );
    expect(await bad([1])).toMatch(/expected an object, found array of 1/);
    expect(() => validateRow(schema, { id: 1.5 }, 41)).toThrow(/Row 41/);
    expect(() => validateRow(schema, { id: 1 })).not.toThrow();
  });
});

describe("Arrow batches of other makers", () => {
  const schema = defineSchema({
    id: long(),
    d: double().optional(),
    s: string().optional(),
    at: timestamp().optional(),
    tag: string().optional(),
    n: int().optional().writeDefault(3),
  });
  const table = (columns: Record<string, arrow.Vector>) => new arrow.Table(columns).batches[0]!;
  const conform = (batch: arrow.RecordBatch, to: Schema = schema) => batchConformer(to, batch.schema)(batch);

  test("are cast where nothing is lost, and missing columns filled in", () => {
    const millis = arrow
      .makeBuilder({ type: new arrow.Int64(), nullValues: [null] })
      .append(1500n)
      .append(null)
      .finish()
      .toVector();
    const batch = table({
      tag: arrow.vectorFromArray(["b", null], new arrow.LargeUtf8()),
      s: arrow.vectorFromArray(["x", "y"], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
      id: arrow.vectorFromArray([1, 2], new arrow.Int32()),
      d: arrow.vectorFromArray([0.5, null], new arrow.Float32()),
      at: new arrow.Vector(millis.data.map((data) => data.clone(new arrow.TimestampMillisecond()))),
    });
    const out = conform(batch);
    expect(out.schema.fields.map((field) => `${field.name}:${field.type}`)).toEqual(
      schemaToArrow(schema).fields.map((field) => `${field.name}:${field.type}`),
    );
    expect(schema.fields.map(({ name }) => column(schema, out, name))).toEqual([
      [1n, 2n],
      [0.5, null],
      ["x", "y"],
      [1500000n, null],
      ["b", null],
      [3, 3],
    ]);
  });

  test("of the same layout are not copied", () => {
    const ids = new BigInt64Array([1n, 2n]);
    const out = conform(table({ id: arrow.makeVector(ids) }));
    expect(out.getChild("id")!.data[0]!.values.buffer).toBe(ids.buffer);
    expect(column(schema, out, "s")).toEqual([null, null]);
  });

  test("keep nulls and values of any slice and dictionary", () => {
    const words = fc.array(fc.option(fc.constantFrom("ATL", "ORD", "é", "")), {
      minLength: 1,
      maxLength: 20,
    });
    const one = defineSchema({ s: string().optional() });
    fc.assert(
      fc.property(words, fc.nat(10), (values, skip) => {
        const builder = arrow.makeBuilder({
          type: new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()),
          nullValues: [null],
        });
        for (const value of values) builder.append(value);
        const from = Math.min(skip, values.length - 1);
        const vector = builder.finish().toVector().slice(from);
        expect(column(one, conform(table({ s: vector }), one), "s")).toEqual(values.slice(from));
      }),
    );
  });

  test("nested ones too, with a list's and a map's parts under any names", () => {
    const nested = defineSchema({
      l: list(long()),
      st: struct({ a: long(), b: string().optional() }),
      m: map(string(), long()).optional(),
    });
    const listType = new arrow.List(new arrow.Field("item", new arrow.Int32(), true));
    const structType = new arrow.Struct([new arrow.Field("a", new arrow.Int32(), true)]);
    const entries = new arrow.Struct([
      new arrow.Field("keys", new arrow.Utf8(), false),
      new arrow.Field("values", new arrow.Int32(), true),
    ]);
    const mapType = new arrow.Map_(new arrow.Field("entries", entries as never, false));
    const batch = table({
      l: arrow.vectorFromArray([[1, 2], []], listType),
      st: arrow.vectorFromArray([{ a: 1 }, { a: 2 }], structType),
      m: arrow.vectorFromArray([new Map([["k", 5]]), null], mapType as arrow.DataType),
    });
    const out = conform(batch, nested);
    const rows = out.toArray().map((each) => each!.toJSON());
    expect(rows.map((each) => [...each.l])).toEqual([[1n, 2n], []]);
    expect(rows.map((each) => each.st.toJSON())).toEqual([
      { a: 1n, b: null },
      { a: 2n, b: null },
    ]);
    expect(rows.map((each) => each.m && [...each.m])).toEqual([[["k", 5n]], null]);
  });

  test.each<[string, Record<string, arrow.Vector>, RegExp]>([
    [
      "a type that does not fit",
      { id: arrow.vectorFromArray(["1"], new arrow.Utf8()) },
      /Column "id": expected long, found the Arrow type Utf8/,
    ],
    [
      "a column of another name",
      { id: arrow.makeVector(new BigInt64Array(1)), nope: arrow.makeVector(new BigInt64Array(1)) },
      /Column "nope": expected no such column/,
    ],
    [
      "a required column missing",
      { s: arrow.vectorFromArray(["1"], new arrow.Utf8()) },
      /Column "id": expected a column/,
    ],
    [
      "a null in a required column",
      { id: arrow.vectorFromArray([1, null], new arrow.Int32()) },
      /Row 1, column "id"/,
    ],
    ["a narrowing", { id: arrow.makeVector(new BigUint64Array(1)) }, /Column "id"/],
    [
      "a zone where none is",
      {
        id: arrow.makeVector(new BigInt64Array(1)),
        at: arrow.vectorFromArray([0], new arrow.TimestampMicrosecond("UTC")),
      },
      /Column "at": expected timestamp/,
    ],
  ])("with %s are refused", (_name, columns, message) => {
    expect(() => conform(table(columns))).toThrow(
      expect.objectContaining({ code: "SCHEMA_MISMATCH", message: expect.stringMatching(message) }),
    );
  });

  test("nanoseconds become microseconds only when no digit is lost, and rows are counted over batches", async () => {
    const nanos = (...values: bigint[]) =>
      arrow
        .makeVector(new BigInt64Array(values))
        .data.map((data) => data.clone(new arrow.TimestampNanosecond()));
    const one = defineSchema({ at: timestamp() });
    const batches = [nanos(1000n, 2000n), nanos(3000n, 3001n)].map((data) =>
      table({ at: new arrow.Vector(data) }),
    );
    const [first] = await collect(conformBatches(one, batches.slice(0, 1)));
    expect(column(one, first!, "at")).toEqual([1n, 2n]);
    await expect(collect(conformBatches(one, batches))).rejects.toThrow(/Row 3, column "at"/);
  });
});
