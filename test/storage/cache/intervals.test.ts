import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteCount, normalize, split, subtract } from "../../../lib/lakehouse/storage/cache/intervals.js";
import type { ByteRange } from "../../../lib/lakehouse/storage/index.js";

describe("intervals", () => {
  const range = fc
    .tuple(fc.nat(60), fc.nat(60))
    .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
  const ranges = fc.array(range, { maxLength: 8 });
  const members = (list: readonly ByteRange[]) => {
    const all = new Set<number>();
    for (const { start, end } of list) for (let i = start; i < end; i++) all.add(i);
    return all;
  };

  test("normalize keeps the bytes, sorted and apart", () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const normal = normalize(list);
        expect(members(normal)).toEqual(members(list));
        expect(byteCount(normal)).toBe(members(list).size);
        normal.forEach(({ start, end }, i) => {
          expect(start).toBeLessThan(end);
          if (i > 0) expect(start).toBeGreaterThan(normal[i - 1]!.end);
        });
      }),
    );
  });

  test("normalize with a gap only adds what lies between", () => {
    expect(
      normalize(
        [
          { start: 0, end: 2 },
          { start: 5, end: 6 },
          { start: 10, end: 11 },
        ],
        3,
      ),
    ).toEqual([
      { start: 0, end: 6 },
      { start: 10, end: 11 },
    ]);
  });

  test("subtract leaves what is wanted and not there", () => {
    fc.assert(
      fc.property(ranges, ranges, (wanted, have) => {
        const missing = subtract(normalize(wanted), normalize(have));
        const held = members(have);
        expect(members(missing)).toEqual(new Set([...members(wanted)].filter((i) => !held.has(i))));
        expect(normalize(missing)).toEqual(missing);
      }),
    );
  });

  test("split keeps the bytes in pieces no longer than asked", () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 1, max: 20 }), (list, most) => {
        const pieces = split(normalize(list), most);
        expect(members(pieces)).toEqual(members(list));
        for (const { start, end } of pieces) expect(end - start).toBeLessThanOrEqual(most);
      }),
    );
  });
});
