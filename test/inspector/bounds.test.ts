import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dateText, decimalText, readBound, timestampText } from "../../lib/kit/inspector/bounds.js";
import { squarify } from "../../lib/kit/inspector/treemap.js";
import type { ParquetColumn } from "../../lib/lakehouse/parquet/index.js";
import { runs } from "../support/runs.js";

type Node = ParquetColumn["node"];
const node = (physicalType: Node["physicalType"], kind?: "float16" | "string"): Node => ({
  name: "x",
  repetition: "required",
  physicalType,
  children: [],
  ...(kind ? { logicalType: { kind } } : {}),
});
const bytesOf = (...values: number[]) => Uint8Array.from(values);

describe("a bound", () => {
  test.each([
    [bytesOf(0x00, 0x3c), "1"],
    [bytesOf(0x00, 0xc0), "-2"],
    [bytesOf(0x01, 0x00), String(2 ** -24)],
    [bytesOf(0xff, 0x7b), "65504"],
    [bytesOf(0x00, 0x7c), "Infinity"],
    [bytesOf(0x01, 0x7c), undefined],
  ])("of a half float: %s", (bytes, text) => {
    expect(readBound(node("FIXED_LEN_BYTE_ARRAY", "float16"), bytes)?.text).toBe(text);
  });

  test("of an INT96 is an instant in nanoseconds", () => {
    const bytes = new Uint8Array(12);
    new DataView(bytes.buffer).setBigInt64(0, 1_500_000_000n, true);
    new DataView(bytes.buffer).setInt32(8, 2_440_589, true);
    expect(readBound(node("INT96"), bytes)?.text).toBe("1970-01-02 00:00:01.5");
  });

  test("of another length than its type has is none, and so is NaN", () => {
    expect(readBound(node("INT32"), bytesOf(1, 2))).toBeUndefined();
    expect(readBound(node("DOUBLE"), new Uint8Array(new Float64Array([Number.NaN]).buffer))).toBeUndefined();
  });

  test("that its writer shortened says so", () => {
    expect(readBound(node("BYTE_ARRAY", "string"), bytesOf(97, 98), false)?.text).toBe("ab…");
  });

  test("sorts bytes as Parquet does, without signs", () => {
    const [low, high] = [bytesOf(0x7f), bytesOf(0x80)].map((bytes) => readBound(node("BYTE_ARRAY"), bytes));
    expect((low?.order ?? "") < (high?.order ?? "")).toBe(true);
  });
});

describe("dates and decimals", () => {
  test("agree with JavaScript's, over all the years that those have", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }), (seconds) => {
        const iso = new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
        expect(timestampText(BigInt(seconds) * 1000n, "millis")).toBe(iso);
      }),
      { numRuns: runs(500) },
    );
  });

  test("reach beyond them", () => {
    expect(dateText(106_751_991n)).toBe("294247-01-10");
    expect(dateText(-719_529n)).toBe("-0001-12-31");
    expect(decimalText(-5n, 2)).toBe("-0.05");
    expect(decimalText(12n, 0)).toBe("12");
    expect(decimalText(12n, -2)).toBe("1200");
  });
});

test("a treemap's tiles have the areas of their weights, and fill the whole without overlap", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 30 }),
      fc.constantFrom(1, 2, 16 / 9),
      (given, aspect) => {
        const weights = given.sort((a, b) => b - a);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const tiles = squarify(weights, aspect);
        for (const [i, { x, y, width, height }] of tiles.entries()) {
          expect(width * height).toBeCloseTo((weights[i] ?? 0) / total, 6);
          expect(Math.min(x, y)).toBeGreaterThanOrEqual(-1e-9);
          expect(Math.max(x + width, y + height)).toBeLessThanOrEqual(1 + 1e-9);
          for (const other of tiles.slice(i + 1)) {
            const across = Math.min(x + width, other.x + other.width) - Math.max(x, other.x);
            const down = Math.min(y + height, other.y + other.height) - Math.max(y, other.y);
            expect(Math.min(across, down)).toBeLessThan(1e-9);
          }
        }
      },
    ),
    { numRuns: runs(100) },
  );
});
