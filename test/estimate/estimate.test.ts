import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reckon } from "../../lib/kit/estimate/formula.js";
import {
  ASSUMPTIONS,
  DERIVED,
  estimate,
  estimates,
  inUnit,
  LIMITS,
  over,
  PETABYTE,
  plus,
  quantity,
  times,
  withUnit,
} from "../../lib/kit/estimate/index.js";
import { runs } from "../support/runs.js";

const UNITS = ["rows/day", "bytes/row", "dollars/GB/month", "MB/core/second", "questions", "1/question", ""];
const given = fc.record({ value: fc.integer({ min: 1, max: 1e6 }), unit: fc.constantFrom(...UNITS) });

describe("a quantity", () => {
  test("comes back in the unit that it was given in", () => {
    fc.assert(
      fc.property(given, ({ value, unit }) => {
        expect(inUnit(quantity(value, unit), unit)).toBeCloseTo(value, 6);
      }),
      { numRuns: runs(200) },
    );
  });

  test("divided by what it was multiplied by is itself again", () => {
    fc.assert(
      fc.property(given, given, (a, b) => {
        const [left, right] = [quantity(a.value, a.unit), quantity(b.value, b.unit)];
        const back = over(times(left, right), right);
        expect(back.of).toEqual(left.of);
        expect(back.value / left.value).toBeCloseTo(1, 9);
      }),
      { numRuns: runs(200) },
    );
  });

  test("has a sum with its like alone", () => {
    fc.assert(
      fc.property(given, given, (a, b) => {
        const [left, right] = [quantity(a.value, a.unit), quantity(b.value, b.unit)];
        const isAlike =
          JSON.stringify(Object.entries(left.of).sort()) === JSON.stringify(Object.entries(right.of).sort());
        if (isAlike) expect(plus(left, right).value).toBe(left.value + right.value);
        else expect(() => plus(left, right)).toThrow("means nothing");
      }),
      { numRuns: runs(200) },
    );
  });

  test("knows a plural, a prefix and a time for what they are", () => {
    expect(inUnit(quantity(1, "GB/day"), "bytes/second")).toBeCloseTo(1e9 / 86_400, 6);
    expect(inUnit(quantity(2, "years"), "days")).toBe(730);
    expect(inUnit(quantity(4, "dollars/thousand/requests"), "dollars/request")).toBe(0.004);
    expect(() => inUnit(quantity(1, "dollars/month"), "dollars")).toThrow("means nothing");
  });
});

describe("a formula", () => {
  const known = { a: quantity(6, "rows"), b: quantity(2, "rows"), c: quantity(3, "bytes/row") };
  const of = (text: string) => reckon(text, (name) => known[name as keyof typeof known]);

  test("is reckoned from left to right, products before sums", () => {
    expect(of("a + b * 2")).toEqual({ value: 10, of: { row: 1 } });
    expect(of("(a + b) * c / 4")).toEqual({ value: 6, of: { byte: 1 } });
    expect(of("a / b / 3")).toEqual({ value: 1, of: {} });
  });

  test.each([["a + c"], ["a * nobody"], ["a *"], ["(a"], ["a b"], ["* a"], [""], ["a - b"]])(
    "%j is refused",
    (text) => {
      expect(() => of(text)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    },
  );
});

describe("the estimates", () => {
  test("agree with plain arithmetic", () => {
    const stored = (100e6 * 40 * 730) / 1e12;
    expect(estimate("stored")).toBeCloseTo(stored, 9);
    expect(estimate("files")).toBeCloseTo((stored * 1e12) / 512e6, 6);
    expect(estimate("busy")).toBeCloseTo((20_000 * stored * 1e12 * 0.002) / 86_400 / 100e6, 9);
    expect(estimate("load_pointer", PETABYTE)).toBeCloseTo((500 / 60) * 0.2, 9);
    expect(estimate("bill")).toBeCloseTo(
      stored * 1000 * 0.023 +
        (20_000 * 30 * ((stored * 1e12 * 0.002) / 512e6) * 2 * 0.0004) / 1000 +
        ((50 * 24) / 86_400 + 4 / 60) * 30 * 86_400 * 4 * (0.005 / 1000),
      6,
    );
  });

  test("have unique names, limits that are results, and values within their bounds", () => {
    const ids = [...ASSUMPTIONS, ...DERIVED].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, value, least, most } of ASSUMPTIONS) {
      expect(value, id).toBeGreaterThanOrEqual(least);
      expect(value, id).toBeLessThanOrEqual(most);
    }
    for (const { load } of LIMITS) expect(estimate(load, PETABYTE)).toBeGreaterThan(estimate(load));
  });

  test("show the arithmetic with the values in place", () => {
    expect(estimates()[0]?.arithmetic).toBe("100 million rows/day × 40 bytes/row × 730 days");
    expect(estimates({ kept: 365 })[0]?.arithmetic).toContain("× 365 days");
    expect(estimates({ kept: 1 })[0]?.arithmetic).toBe("100 million rows/day × 40 bytes/row × 1 day");
    for (const [value, unit, text] of [
      [1, "files/commit", "1 file/commit"],
      [1, "seconds/question", "1 second/question"],
      [1, "MB/second", "1 MB/second"],
      [1.001, "days", "1 day"],
      [0, "days", "0 days"],
      [1e6, "rows/day", "1 million rows/day"],
    ] as const)
      expect(withUnit(value, unit)).toBe(text);
  });

  test("refuse an assumption that there is not, and say which is near", () => {
    expect(() => estimates({ bytes_a_rows: 1 } as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", remedy: expect.stringContaining("bytes_a_row") }),
    );
    for (const wrong of [Number.NaN, -1, Number.POSITIVE_INFINITY])
      expect(() => estimates({ kept: wrong })).toThrow("cannot be");
  });
});
