import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { PositionBitmap } from "../../../lib/lakehouse/iceberg/files/deletes/position-bitmap.js";
import { RoaringBitmap } from "../../../lib/lakehouse/iceberg/files/deletes/roaring.js";
import {
  readRoaring,
  roaringSize,
  writeRoaring,
} from "../../../lib/lakehouse/iceberg/files/deletes/roaring-format.js";
import { runs } from "../../support/runs.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function span(from: number, to: number, step = 1): number[] {
  return Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
}

function bitmapOf(values: Iterable<number>): RoaringBitmap {
  const bitmap = new RoaringBitmap();
  for (const value of values) bitmap.add(value);
  return bitmap;
}

function serialize32(bitmap: RoaringBitmap): Uint8Array {
  bitmap.optimize();
  const bytes = new Uint8Array(roaringSize(bitmap));
  expect(writeRoaring(bitmap, new DataView(bytes.buffer), 0)).toBe(bytes.length);
  return bytes;
}

function values32(bitmap: RoaringBitmap): number[] {
  const values: number[] = [];
  bitmap.forEach((value) => {
    values.push(value);
  });
  return values;
}

/** Positions that meet in containers, fill arrays past their limit, form runs and leave the 32-bit range. */
const positions = fc
  .array(
    fc.oneof(
      fc.record({
        start: fc.integer({ min: 0, max: 300_000 }),
        length: fc.integer({ min: 1, max: 6000 }),
        step: fc.constant(1),
      }),
      fc.record({
        start: fc.integer({ min: 0, max: 300_000 }),
        length: fc.integer({ min: 1, max: 6000 }),
        step: fc.integer({ min: 2, max: 40 }),
      }),
      fc.record({
        start: fc.maxSafeNat().map((n) => Math.min(n, Number.MAX_SAFE_INTEGER - 100)),
        length: fc.integer({ min: 1, max: 3 }),
        step: fc.integer({ min: 1, max: 9 }),
      }),
    ),
    { maxLength: 8 },
  )
  .map((groups) => groups.flatMap(({ start, length, step }) => span(start, start + length * step, step)));

const sorted = (values: Iterable<number>): number[] => [...new Set(values)].sort((a, b) => a - b);

describe("32-bit roaring bitmaps, byte for byte as CRoaring writes them after run optimisation", () => {
  const golden: [name: string, values: number[], bytes: string][] = [
    ["empty", [], "3a30000000000000"],
    ["an array", [1, 3, 5, 7, 9], "3a30000001000000000004001000000001000300050007000900"],
    ["a run", span(10, 1000), "3b300000010000dd0301000a00dd03"],
    [
      "three consecutive values: no shorter as a run",
      [7, 8, 9],
      "3a300000010000000000020010000000070008000900",
    ],
    ["four consecutive values: shorter as a run", [7, 8, 9, 10], "3b3000000100000300010007000300"],
    ["a full container", span(0, 65_536), "3b300000010000ffff01000000ffff"],
    [
      "three containers with a run: no offsets",
      [1, 65_538, ...span(262_144, 262_644)],
      "3b3002000400000000010000000400f3010100020001000000f301",
    ],
    [
      "five containers with a run: offsets",
      [1, 65_538, 131_075, 196_612, ...span(262_144, 262_644)],
      "3b30040010000000000100000002000000030000000400f3012d0000002f000000310000003300000035000000010002000300040001000000f301",
    ],
  ];
  test.each(golden)("%s", (_, values, bytes) => {
    expect(hex(serialize32(bitmapOf(values)))).toBe(bytes);
    expect(values32(readRoaring(unhex(bytes), 0, "golden").bitmap)).toEqual(values);
  });

  test("bitmap containers", () => {
    const bytes = serialize32(bitmapOf(span(0, 200_000, 3)));
    expect(bytes.length).toBe(26_878);
    expect(sha256(bytes)).toBe("8081422a09d67d0d5505529e383b05e096ed7e1526345da5127676bfbfad9ea7");
  });

  test("twenty thousand values scattered over all 32 bits", () => {
    const scattered = span(1, 20_001).map((i) => Number((BigInt(i) * BigInt(i) * 2654435761n) % 2n ** 32n));
    const bytes = serialize32(bitmapOf(scattered));
    expect(bytes.length).toBe(179_416);
    expect(sha256(bytes)).toBe("e9d7bac231827618992aafab6b551f64fe17d182c94d90cc1604f0a34f54dc4d");
  });
});

describe("64-bit position bitmaps", () => {
  test("are written byte for byte as CRoaring writes them", () => {
    const bitmap = PositionBitmap.from([5, 7, 2 ** 33 + 1, 2 ** 40, ...span(70_000, 90_000)]);
    expect(hex(bitmap.serialize())).toBe(
      "0300000000000000000000003b300100020000010001001f4e05000700010070111f4e020000003a3000000100000000000000100000000100000100003a3000000100000000000000100000000000",
    );
  });

  test("read empty bitmaps, which Java writes for the keys between two others", () => {
    const emptyThenSeven =
      "0200000000000000" + "000000003a30000000000000" + "010000003a300000010000000000000010000000" + "0700";
    const bitmap = PositionBitmap.deserialize(unhex(emptyThenSeven), "gap");
    expect(bitmap.toArray()).toEqual([2 ** 32 + 7]);
    expect(PositionBitmap.deserialize(bitmap.serialize(), "again").toArray()).toEqual([2 ** 32 + 7]);
  });

  test("hold the set that was added, whatever the order", () => {
    fc.assert(
      fc.property(positions, fc.boolean(), (values, backwards) => {
        const expected = sorted(values);
        const bitmap = PositionBitmap.from(backwards ? values.toReversed() : values);
        expect(bitmap.cardinality).toBe(expected.length);
        expect(bitmap.isEmpty).toBe(expected.length === 0);
        expect(bitmap.toArray()).toEqual(expected);
        expect([...bitmap.toBigInt64Array()]).toEqual(expected.map(BigInt));
        const set = new Set(expected);
        for (const value of expected.slice(0, 50)) {
          expect(bitmap.has(value)).toBe(true);
          expect(bitmap.has(value + 1)).toBe(set.has(value + 1));
        }
      }),
      { numRuns: runs(60) },
    );
  });

  test("come back from their serialization, and serialize to the same bytes again", () => {
    fc.assert(
      fc.property(positions, (values) => {
        const bytes = PositionBitmap.from(values).serialize();
        const back = PositionBitmap.deserialize(bytes, "round trip");
        expect(back.toArray()).toEqual(sorted(values));
        expect(hex(back.serialize())).toBe(hex(bytes));
      }),
      { numRuns: runs(60) },
    );
  });

  test("unite in place, before and after run optimisation, and leave the other side alone", () => {
    fc.assert(
      fc.property(positions, positions, fc.boolean(), fc.boolean(), (a, b, optimizeA, optimizeB) => {
        const left = PositionBitmap.from(a);
        const right = PositionBitmap.from(b);
        if (optimizeA) left.serialize();
        if (optimizeB) right.serialize();
        left.addAll(right);
        expect(left.toArray()).toEqual(sorted([...a, ...b]));
        left.addRange(0, 70_000);
        expect(right.toArray()).toEqual(sorted(b));
      }),
      { numRuns: runs(60) },
    );
  });

  test("take values after run optimisation", () => {
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        const bitmap = PositionBitmap.from(a);
        bitmap.serialize();
        for (const value of b) bitmap.add(value);
        expect(bitmap.toArray()).toEqual(sorted([...a, ...b]));
      }),
      { numRuns: runs(40) },
    );
  });

  test("take ranges, also across containers and keys, and give them back as the fewest ranges", () => {
    const near = fc.oneof(
      fc.integer({ min: 0, max: 200_000 }),
      fc.integer({ min: 2 ** 31 - 1, max: 2 ** 31 - 1 }).map((n) => 2 * n),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(near, fc.integer({ min: 0, max: 100_000 })), { maxLength: 4 }),
        fc.tuple(near, fc.integer({ min: 0, max: 100_000 })),
        (ranges, [from, length]) => {
          const bitmap = new PositionBitmap();
          const expected = new Set<number>();
          for (const [start, size] of ranges) {
            bitmap.addRange(start, start + size);
            for (let i = start; i < start + size; i++) expected.add(i);
          }
          const all = sorted(expected);
          expect(bitmap.cardinality).toBe(all.length);
          const found = bitmap.ranges();
          expect(found.flatMap(({ start, end }) => span(start, end))).toEqual(all);
          for (let i = 1; i < found.length; i++) expect(found[i]!.start).toBeGreaterThan(found[i - 1]!.end);
          const within = all.filter((position) => position >= from && position < from + length).length;
          expect(bitmap.count({ start: from, end: from + length })).toBe(within);
        },
      ),
      { numRuns: runs(40) },
    );
  });

  test("count within a range of scattered positions", () => {
    fc.assert(
      fc.property(positions, fc.nat(400_000), fc.nat(400_000), fc.boolean(), (values, a, b, optimize) => {
        const bitmap = PositionBitmap.from(values);
        if (optimize) bitmap.serialize();
        const range = { start: Math.min(a, b), end: Math.max(a, b) };
        const expected = sorted(values).filter((v) => v >= range.start && v < range.end).length;
        expect(bitmap.count(range)).toBe(expected);
      }),
      { numRuns: runs(60) },
    );
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])(
    "refuse %d as a position",
    (position) => {
      const refused = (run: () => void): void => {
        try {
          run();
        } catch (error) {
          expect(isLakehouseError(error, "INVALID_ARGUMENT")).toBe(true);
          return;
        }
        expect.unreachable("it was accepted");
      };
      refused(() => new PositionBitmap().add(position));
      refused(() => PositionBitmap.from([1, position]));
    },
  );
});

describe("bytes that are no bitmap", () => {
  const refusal = (bytes: Uint8Array): string => {
    try {
      PositionBitmap.deserialize(bytes, "dv.puffin");
    } catch (error) {
      if (isLakehouseError(error)) return error.code;
      throw error;
    }
    return "accepted";
  };
  const one = "0100000000000000" + "00000000";

  test.each([
    ["nothing at all", ""],
    ["a count of 2^63", "0000000000000080"],
    ["more bitmaps than bytes", "ffffff7f00000000"],
    ["bytes after the last bitmap", `${one}3a3000000000000000`],
    ["an unknown cookie", `${one}3930000000000000`],
    ["65,537 containers", `${one}3a30000001000100`],
    ["an array whose values descend", `${one}3a30000001000000000001001000000005000300`],
    ["an array with a value twice", `${one}3a30000001000000000001001000000005000500`],
    ["a run past 65,535", `${one}3b300000010000ffff010001 00ffff`.replace(" ", "")],
    ["overlapping runs", `${one}3b3000000100000500020001000200020002 00`.replace(" ", "")],
    ["a run container of the wrong size", `${one}3b3000000100000400010007000300`],
    [
      "container keys that do not ascend",
      `${one}3a30000002000000000000000000000018000000 1a000000 0100 0100`.replaceAll(" ", ""),
    ],
    ["bitmap keys that do not ascend", `0200000000000000${"010000003a30000000000000".repeat(2)}`],
  ])("%s is refused", (_, bytes) => {
    expect(refusal(unhex(bytes))).toBe("CORRUPT_FILE");
  });

  test("positions above 2^53 are refused as unsupported", () => {
    expect(refusal(unhex("0100000000000000" + "000020003a30000000000000"))).toBe("UNSUPPORTED_FEATURE");
  });

  test("every truncation is refused", () => {
    const bytes = PositionBitmap.from([1, 9, 70_000, ...span(131_072, 133_000), 2 ** 35]).serialize();
    for (let end = 0; end < bytes.length; end++) expect(refusal(bytes.subarray(0, end))).toBe("CORRUPT_FILE");
  });

  test("random and mutated bytes are read or refused, and what is read is a sound bitmap", () => {
    const valid = positions.map((values) => PositionBitmap.from(values).serialize());
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    const mutated = fc.tuple(valid, edits).map(([bytes, changes]) => {
      const copy = bytes.slice();
      for (const [at, byte] of changes) copy[at % Math.min(copy.length, 64)] = byte;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
        const outcome = refusal(bytes);
        if (outcome !== "accepted") {
          expect(["CORRUPT_FILE", "UNSUPPORTED_FEATURE"]).toContain(outcome);
          return;
        }
        const bitmap = PositionBitmap.deserialize(bytes, "fuzz");
        const again = PositionBitmap.deserialize(bitmap.serialize(), "fuzz");
        expect(again.cardinality).toBe(bitmap.cardinality);
        expect(again.ranges()).toEqual(bitmap.ranges());
      }),
      { numRuns: runs(400) },
    );
  });
});
