import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyUpdates,
  bind,
  type Column,
  defineSchema,
  eq,
  evaluator,
  gt,
  gtEq,
  lt,
  ltEq,
  newTableMetadata,
  newViewMetadata,
  parsePrimitiveType,
} from "../../../lib/lakehouse/iceberg/index.js";
import { schemaOf } from "../support/exact-values.js";

describe("a literal of a filter", () => {
  const floats = fc.oneof(
    fc.float(),
    fc.constantFrom(3.4028234663852886e38, 2 ** -149, -(2 ** -149), 0, Number.POSITIVE_INFINITY),
  );
  const beyond = fc.constantFrom(1e300, -1e300, 1e-60, -1e-60, 3.5e38);

  test("beyond the floats is compared as the number that it is", () => {
    const schema = schemaOf({ type: "float" });
    fc.assert(
      fc.property(
        fc.float({ noNaN: true }).chain((f) => fc.tuple(fc.constant(f), beyond)),
        floats,
        ([_, literal], value) => {
          if (Number.isNaN(value)) return;
          for (const [make, holds] of [
            [lt, value < literal],
            [ltEq, value <= literal],
            [gt, value > literal],
            [gtEq, value >= literal],
            [eq, value === literal],
          ] as const) {
            const test = evaluator<number>(bind(schema, make("v", literal)), () => (row) => row);
            expect(test(value) === true).toBe(holds);
          }
        },
      ),
    );
  });

  test("with a time of day lies between two days", () => {
    const schema = schemaOf({ type: "date" });
    fc.assert(
      fc.property(
        fc.integer({ min: -9, max: 9 }),
        fc.integer({ min: -9_000, max: 9_000 }),
        (day, hundredths) => {
          // A hundredth of a day is 864 seconds.
          const at = new Date(hundredths * 864_000);
          for (const literal of [at, at.toISOString(), at.toISOString().replace("Z", "")]) {
            for (const [make, holds] of [
              [lt, day * 100 < hundredths],
              [ltEq, day * 100 <= hundredths],
              [gt, day * 100 > hundredths],
              [gtEq, day * 100 >= hundredths],
              [eq, day * 100 === hundredths],
            ] as const) {
              const test = evaluator<number>(bind(schema, make("v", literal)), () => (row) => row);
              expect(test(day) === true).toBe(holds);
            }
          }
        },
      ),
    );
  });

  test("is refused with half a surrogate pair", () => {
    expect(() => bind(schemaOf({ type: "string" }), eq("v", "\ud800"))).toThrow(/surrogate/);
  });
});

describe("a default", () => {
  test.each([
    ["float", 1e300],
    ["double", Number.NaN],
    ["double", Number.POSITIVE_INFINITY],
    ["string", "\udfff"],
  ])("of %s that metadata cannot hold is refused", (type, value) => {
    const column = { type: parsePrimitiveType(type), isOptional: true, init: { initialDefault: value } };
    expect(() => defineSchema({ v: column as unknown as Column<unknown, boolean> })).toThrow(
      expect.objectContaining({ code: "INVALID_SCHEMA" }),
    );
  });
});

describe("names, docs and properties", () => {
  const half = "caf\ud83d";
  const schema = defineSchema({ v: defineSchemaColumn() });

  function defineSchemaColumn(): Column<unknown, boolean> {
    return { type: { type: "int" }, isOptional: true, init: {} } as unknown as Column<unknown, boolean>;
  }

  test("with half a surrogate pair are refused wherever they come in", () => {
    const location = "file:///t";
    const base = newTableMetadata({ schema, location });
    const named = { ...schema, fields: [{ ...schema.fields[0]!, name: half }] };
    const documented = { ...schema, fields: [{ ...schema.fields[0]!, doc: half }] };
    for (const refused of [
      () => newTableMetadata({ schema: named, location }),
      () => newTableMetadata({ schema: documented, location }),
      () => newTableMetadata({ schema, location, properties: { a: half } }),
      () => newTableMetadata({ schema, location, properties: { [half]: "a" } }),
      () => applyUpdates(base, [{ action: "add-schema", schema: named }]),
      () => applyUpdates(base, [{ action: "set-properties", updates: { a: half } }]),
      () =>
        newViewMetadata({
          schema,
          location,
          defaultNamespace: [],
          representations: [{ type: "sql", dialect: "duckdb", sql: `SELECT '${half}'` }],
        }),
    ]) {
      expect(refused).toThrow(
        expect.objectContaining({
          code: "INVALID_ARGUMENT",
          message: expect.stringMatching(/"caf\\ud83d"|caf\\ud83d/),
        }),
      );
    }
    expect(newTableMetadata({ schema, location, properties: { a: "caf😀" } }).properties.a).toBe("caf😀");
  });
});
