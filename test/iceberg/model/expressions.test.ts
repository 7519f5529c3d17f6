import { describe, expect, test } from "vitest";
import {
  alwaysFalse,
  alwaysTrue,
  and,
  bind,
  boolean,
  date,
  day,
  decimal,
  defineSchema,
  double,
  type Expression,
  eq,
  expressionToString,
  gt,
  gtEq,
  int,
  isIn,
  isNaN as isNan,
  isNull,
  list,
  long,
  lt,
  ltEq,
  not,
  notEq,
  notIn,
  notNull,
  notStartsWith,
  or,
  startsWith,
  string,
  struct,
  timestamp,
  timestamptz,
} from "../../../lib/lakehouse/iceberg/index.js";
import { unbind } from "../../../lib/lakehouse/iceberg/model/expressions/bind.js";
import { rowFilter } from "../../../lib/lakehouse/iceberg/model/expressions/evaluate.js";

const schema = defineSchema({
  id: int(),
  n: int().optional(),
  big: long().optional(),
  x: double().optional(),
  name: string().optional(),
  price: decimal(9, 2).optional(),
  day: date().optional(),
  at: timestamp().optional(),
  instant: timestamptz().optional(),
  place: struct({ city: string().optional() }).optional(),
  tags: list(string()).optional(),
  ok: boolean().optional(),
});
const matches = (expression: Expression, row: Record<string, unknown>) =>
  rowFilter(bind(schema, expression))({ id: 1, ...row });
const invalid = expect.objectContaining({ code: "INVALID_EXPRESSION" });

describe("a filter on rows", () => {
  test.each<[Expression, Record<string, unknown>, boolean]>([
    [eq("n", 5), { n: 5 }, true],
    [eq("n", 5), {}, false],
    [notEq("n", 5), { n: 6 }, true],
    [notEq("n", 5), {}, false],
    [not(eq("n", 5)), {}, false],
    [not(not(eq("n", 5))), { n: 5 }, true],
    [or(eq("n", 5), isNull("n")), {}, true],
    [and(eq("n", 5), isNull("name")), { n: 5 }, true],
    [not(and(eq("n", 5), eq("name", "a"))), { n: 6 }, true],
    [not(and(eq("n", 5), eq("name", "a"))), { n: 5 }, false],
    [isIn("n", [1, 2, 3]), { n: 2 }, true],
    [notIn("n", [1, 2, 3]), { n: 4 }, true],
    [notIn("n", [1, 2, 3]), {}, false],
    [isIn("n", []), { n: 1 }, false],
    [notIn("n", []), {}, true],
    [lt("big", 2n ** 60n), { big: 2n ** 59n }, true],
    [gt("price", "12.30"), { price: "12.31" }, true],
    [gt("price", 12.3), { price: "12.30" }, false],
    [eq("day", "2001-01-31"), { day: new Date("2001-01-31T00:00:00Z") }, true],
    [gtEq("at", new Date("2001-01-01T00:00:00Z")), { at: "2001-01-01T00:00:00" }, true],
    [lt("instant", "2001-01-01T01:00:00+01:00"), { instant: "2000-12-31T23:59:59.999999Z" }, true],
    [eq(day("at"), "2001-01-31"), { at: "2001-01-31T10:00:00" }, true],
    [startsWith("name", "ab"), { name: "abc" }, true],
    [notStartsWith("name", "ab"), { name: "ba" }, true],
    [isNan("x"), { x: Number.NaN }, true],
    [not(isNan("x")), {}, false],
    [gt("x", 1e300), { x: Number.NaN }, true],
    [eq("x", 0), { x: -0 }, true],
    [eq("x", 2n ** 53n), { x: 2 ** 53 }, true],
    [eq("place.city", "Bern"), { place: { city: "Bern" } }, true],
    [isNull("place.city"), {}, true],
    [isNull("place"), { place: { city: null } }, false],
    [notNull("tags"), { tags: [] }, true],
    [alwaysTrue, {}, true],
    [alwaysFalse, {}, false],
  ])("%o of %o is %s", (expression, row, expected) => {
    expect(matches(expression, row)).toBe(expected);
  });

  test("a literal between or beyond the values of a type keeps its meaning", () => {
    expect(matches(lt("n", 1.5), { n: 1 })).toBe(true);
    expect(matches(gtEq("n", 1.5), { n: 1 })).toBe(false);
    expect(matches(gt("n", -1.5), { n: -1 })).toBe(true);
    expect(matches(eq("n", 1.5), { n: 1 })).toBe(false);
    expect(matches(not(eq("n", 1.5)), { n: 1 })).toBe(true);
    expect(matches(not(eq("n", 1.5)), {})).toBe(false);
    expect(matches(lt("n", 2n ** 40n), { n: 2147483647 })).toBe(true);
    expect(matches(lt("n", 2n ** 40n), {})).toBe(false);
    expect(matches(gt("n", -(2n ** 40n)), { n: 1 })).toBe(true);
    expect(matches(isIn("n", [2n ** 40n, 7]), { n: 7 })).toBe(true);
    expect(matches(notIn("n", [2n ** 40n]), {})).toBe(false);
    expect(matches(ltEq("price", "12.305"), { price: "12.30" })).toBe(true);
    expect(matches(gt("price", "12.305"), { price: "12.30" })).toBe(false);
    expect(matches(lt("big", Number.POSITIVE_INFINITY), { big: 1n })).toBe(true);
  });

  test.each<[string, Expression]>([
    ["an unknown column", eq("nope", 1)],
    ["a column in a list", eq("tags.element", "a")],
    ["text for a number", eq("n", "five")],
    ["a number for text", eq("name", 5)],
    ["NaN of an int", isNan("n")],
    ["a prefix of an int", startsWith("n", "a")],
    ["a comparison of a struct", eq("place", "x")],
    ["an instant without an offset", eq("instant", "2001-01-01T00:00:00")],
    ["a timestamp that is none", eq("at", "soon")],
  ])("%s is refused", (_name, expression) => {
    expect(() => bind(schema, expression)).toThrow(invalid);
  });

  test("names are found without their case when asked", () => {
    expect(() => bind(schema, eq("NAME", "a"))).toThrow(invalid);
    expect(bind(schema, eq("NAME", "a"), { caseSensitive: false })).toMatchObject({ term: { name: "name" } });
  });

  test("what is always so is folded", () => {
    expect(bind(schema, isNull("id"))).toEqual({ type: "false" });
    expect(bind(schema, and(notNull("id"), not(isNull("id"))))).toEqual({ type: "true" });
    expect(bind(schema, or(isNull("id"), eq("n", 1)))).toMatchObject({ type: "eq" });
    expect(bind(schema, isIn("n", [3, 1, 3, 1]))).toMatchObject({ type: "in", values: [1, 3] });
    expect(bind(schema, isIn("n", [3, 3]))).toMatchObject({ type: "eq", value: 3 });
  });

  test("comes back from its bound form", () => {
    const expression = and(
      gt("price", "12.30"),
      or(isIn("day", ["2001-01-01", "2001-01-02"]), eq(day("at"), "2001-01-31")),
      notNull("name"),
    );
    const bound = bind(schema, expression);
    expect(bind(schema, unbind(bound))).toEqual(bound);
  });
});

describe("an expression's text", () => {
  test("reads well", () => {
    const expression = or(
      and(eq("origin", "O'Hare"), gtEq("delay", 60)),
      not(isIn("a b", [1, 2])),
      startsWith("name", "50%_"),
    );
    expect(expressionToString(expression)).toBe(
      "(origin = 'O''Hare' AND delay >= 60) OR NOT (\"a b\" IN (1, 2)) OR starts_with(name, '50%_')",
    );
  });
});
