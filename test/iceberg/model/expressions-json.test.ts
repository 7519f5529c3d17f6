import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  alwaysFalse,
  alwaysTrue,
  and,
  binary,
  bind,
  bucket,
  date,
  day,
  decimal,
  defineSchema,
  double,
  type Expression,
  eq,
  expressionFromJson,
  expressionToJson,
  gt,
  isIn,
  isNull,
  type Json,
  long,
  lt,
  not,
  notEq,
  notNaN,
  notStartsWith,
  or,
  parseJson,
  startsWith,
  string,
  stringifyJson,
  struct,
  timestamp,
  timestampNs,
  timestamptz,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";

const schema = defineSchema({
  id: long(),
  name: string().optional(),
  x: double().optional(),
  price: decimal(9, 2).optional(),
  day: date().optional(),
  at: timestamp().optional(),
  instant: timestamptz().optional(),
  nanos: timestampNs().optional(),
  bytes: binary().optional(),
  key: uuid().optional(),
  place: struct({ city: string().optional() }).optional(),
});

const text = (expression: Expression) => stringifyJson(expressionToJson(expression, schema));
const read = (json: Json) => expressionFromJson(json, schema);
const invalid = expect.objectContaining({ code: "INVALID_EXPRESSION" });

describe("a filter as the REST catalog's JSON", () => {
  test("is written with terms and values, which readers of every version understand", () => {
    const filter = and(or(eq("name", "ATL"), isNull("x")), not(isIn("id", [1n, 2n])));
    expect(expressionToJson(filter)).toEqual({
      type: "and",
      left: {
        type: "or",
        left: { type: "eq", term: "name", value: "ATL" },
        right: { type: "is-null", term: "x" },
      },
      right: { type: "not", child: { type: "in", term: "id", values: [1n, 2n] } },
    });
    expect(expressionToJson(eq(bucket("id", 16), 3))).toEqual({
      type: "eq",
      term: { type: "transform", transform: "bucket[16]", term: "id" },
      value: 3,
    });
    expect([expressionToJson(alwaysTrue), expressionToJson(alwaysFalse)]).toEqual([true, false]);
  });

  test("keeps 64-bit integers whole both ways", () => {
    const filter = eq("id", 9223372036854775807n);
    expect(text(filter)).toBe('{"type":"eq","term":"id","value":9223372036854775807}');
    expect(expressionFromJson(text(filter))).toEqual(filter);
  });

  test("gives values the form of their column's type where the schema is known", () => {
    const value = (filter: Expression) => (expressionToJson(filter, schema) as { value: unknown }).value;
    const instant = new Date("2024-03-01T13:33:20.5Z");
    expect(value(gt("at", instant))).toBe("2024-03-01T13:33:20.500000");
    expect(value(gt("instant", instant))).toBe("2024-03-01T13:33:20.500000+00:00");
    expect(value(gt("nanos", 1n))).toBe("1970-01-01T00:00:00.000000001");
    expect(value(gt("day", instant))).toBe("2024-03-01T13:33:20.500Z");
    expect(value(gt("day", new Date("2024-03-01")))).toBe("2024-03-01");
    expect(value(eq(day("at"), new Date("2024-03-01")))).toBe("2024-03-01");
    expect(value(eq("bytes", Uint8Array.of(0, 255)))).toBe("00ff");
    expect(value(eq("price", "1.50"))).toBe("1.50");
    expect(value(eq("key", "F79C3E09-677C-4BBD-A479-3F349CB785E7"))).toBe(
      "f79c3e09-677c-4bbd-a479-3f349cb785e7",
    );
  });

  test("binds to the same filter after a round trip", () => {
    const pairs: readonly (readonly [string, fc.Arbitrary<string | number | bigint | Date | Uint8Array>])[] =
      [
        ["id", fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
        ["name", fc.string()],
        ["place.city", fc.string()],
        ["x", fc.double({ noDefaultInfinity: true, noNaN: true })],
        ["price", fc.integer({ min: -999_999_999, max: 999_999_999 }).map((n) => (n / 100).toFixed(2))],
        ["day", fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(2e12) })],
        ["at", fc.bigInt({ min: 0n, max: 10n ** 15n })],
        ["instant", fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(2e12) })],
        ["nanos", fc.bigInt({ min: 0n, max: 10n ** 18n })],
        ["bytes", fc.uint8Array()],
      ];
    const predicate = fc.constantFrom(...pairs).chain(([term, values]) =>
      fc.oneof(
        fc.constant<Expression>({ type: "not-null", term }),
        fc
          .tuple(fc.constantFrom("eq" as const, "not-eq" as const, "lt-eq" as const, "gt" as const), values)
          .map(([type, value]): Expression => ({ type, term, value })),
        fc
          .tuple(fc.constantFrom("in" as const, "not-in" as const), fc.array(values, { minLength: 1 }))
          .map(([type, list]): Expression => ({ type, term, values: list })),
      ),
    );
    const { filter } = fc.letrec<{ filter: Expression }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 4 },
        predicate,
        fc.tuple(tie("filter"), tie("filter")).map(([a, b]) => and(a, b)),
        fc.tuple(tie("filter"), tie("filter")).map(([a, b]) => or(a, b)),
        tie("filter").map(not),
      ),
    }));
    fc.assert(
      fc.property(filter, (given) => {
        const back = expressionFromJson(text(given), schema);
        expect(bind(schema, back)).toEqual(bind(schema, given));
      }),
    );
  });

  test("is read in the form of the expressions spec too", () => {
    const x = { type: "reference", name: "x" };
    const literal = { type: "literal", value: 5 };
    expect(read({ type: "lt", left: x, right: 5 })).toEqual(lt("x", 5));
    expect(read({ type: "lt", left: literal, right: x })).toEqual(gt("x", 5));
    expect(read({ type: "not-eq", left: 5, right: x })).toEqual(notEq("x", 5));
    expect(read({ type: "not-nan", child: x })).toEqual(notNaN("x"));
    expect(read({ type: "eq", left: { type: "reference", id: 1 }, right: 5 })).toEqual(eq("id", 5));
    const listed = { type: "literals", values: ["a", "b"], "data-type": "string" };
    expect(read({ type: "in", child: { type: "reference", name: "name" }, values: listed })).toEqual(
      isIn("name", ["a", "b"]),
    );
    const hash = (named: Json) => ({
      type: "eq",
      left: { type: "apply", function: named, arguments: [16, { type: "reference", name: "id" }] },
      right: 3,
    });
    for (const named of ["bucket", ["bucket"], { catalog: "iceberg_functions", identifier: ["bucket"] }]) {
      expect(read(hash(named))).toEqual(eq(bucket("id", 16), 3));
    }
  });

  test("is read as Java and PyIceberg wrote it: literals and references in objects, constants as objects", () => {
    expect(read({ type: "true" })).toEqual(alwaysTrue);
    expect(read({ type: "literal", value: false })).toEqual(alwaysFalse);
    expect(
      read({
        type: "starts-with",
        term: { type: "reference", term: "name" },
        value: { type: "literal", value: "A" },
      }),
    ).toEqual(startsWith("name", "A"));
    expect(read({ type: "not-starts-with", term: "name", value: "A" })).toEqual(notStartsWith("name", "A"));
    const micros = { type: "gt-eq", term: "at", value: 1_700_000_000_000_000 };
    expect(bind(schema, read(micros))).toMatchObject({ value: 1_700_000_000_000_000n });
    expect(read({ type: "eq", term: "bytes", value: "00FF" })).toEqual(eq("bytes", Uint8Array.of(0, 255)));
  });

  test.each([
    ["nothing", "", "not valid JSON"],
    ["a number", "5", "should be an object"],
    ["no type", "{}", '"type" is required'],
    ["an unknown operation", '{"type":"like","term":"x","value":"a%"}', "is no operation"],
    ["no value", '{"type":"eq","term":"x"}', '"value" is required'],
    ["a null", '{"type":"eq","term":"x","value":null}', '"value" is required'],
    ["a list for a value", '{"type":"eq","term":"x","value":[1]}', "should be a value"],
    [
      "two columns",
      '{"type":"eq","left":{"type":"reference","name":"x"},"right":{"type":"reference","name":"y"}}',
      "right",
    ],
    [
      "a prefix of a constant",
      '{"type":"starts-with","left":"a","right":{"type":"reference","name":"x"}}',
      "left",
    ],
    [
      "an unknown field id",
      '{"type":"is-null","child":{"type":"reference","id":99}}',
      "no column of the table",
    ],
    [
      "an unknown transform",
      '{"type":"eq","term":{"type":"transform","transform":"zorder","term":"x"},"value":1}',
      "zorder",
    ],
    [
      "a function of another catalog",
      '{"type":"is-null","child":{"type":"apply","function":{"catalog":"sql_functions","identifier":["day"]},"arguments":[{"type":"reference","name":"day"}]}}',
      "no partition transform",
    ],
    [
      "a transform of a transform",
      '{"type":"is-null","term":{"type":"transform","transform":"day","term":{"type":"transform","transform":"day","term":"at"}}}',
      "transformed",
    ],
  ])("is refused with %s, and the place is named", (_, json, problem) => {
    expect(() => expressionFromJson(json, schema)).toThrow(invalid);
    expect(() => expressionFromJson(json, schema)).toThrow(problem);
  });

  test("is not read without end when it nests without end", () => {
    const deep = `${'{"type":"not","child":'.repeat(100_000)}true${"}".repeat(100_000)}`;
    expect(() => expressionFromJson(deep)).toThrow(invalid);
    expect(parseJson('{"type":"true"}')).toEqual({ type: "true" });
  });

  test("cannot hold NaN or infinity", () => {
    expect(() => expressionToJson(gt("x", Number.NaN))).toThrow(invalid);
    expect(() => expressionToJson(isIn("x", [1, Number.POSITIVE_INFINITY]))).toThrow(invalid);
  });
});
