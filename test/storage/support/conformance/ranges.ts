import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { runs } from "../../../support/runs.js";
import { collect, MB } from "../bodies.js";
import type { Subject } from "./subject.js";

/** Any range is a slice of the whole. */
export function ranges(subject: Subject): void {
  describe("ranges", () => {
    const size = 1000;
    const body = Uint8Array.from({ length: size }, (_, i) => i % 251);
    let uri: string;
    beforeAll(async () => {
      uri = `${subject.place()}/ranged`;
      await subject.store.put(uri, body);
    });

    test.each([
      [0, 1],
      [0, size],
      [size - 1, size],
      [size - 1, size + 1],
      [10, 10],
      [0, 0],
      [size, size + 10],
      [size + 5, size + 10],
      [size, size],
      [500, Number.MAX_SAFE_INTEGER],
    ])("[%i, %i) is what a slice of the whole is", async (start, end) => {
      const expected = Buffer.from(body.slice(start, end));
      expect(Buffer.from(await subject.store.read(uri, { start, end })).equals(expected)).toBe(true);
      expect(Buffer.from(await collect(subject.store.stream(uri, { start, end }))).equals(expected)).toBe(
        true,
      );
    });

    test("any range is what a slice of the whole is", async () => {
      const position = fc.nat({ max: size + 20 });
      await fc.assert(
        fc.asyncProperty(position, position, async (a, b) => {
          const range = { start: Math.min(a, b), end: Math.max(a, b) };
          const expected = Buffer.from(body.slice(range.start, range.end));
          expect(Buffer.from(await subject.store.read(uri, range)).equals(expected)).toBe(true);
        }),
        { numRuns: runs(25) },
      );
    });

    test.each([
      [-1, 5],
      [5, 4],
      [0.5, 2],
      [0, Number.NaN],
      [0, Number.POSITIVE_INFINITY],
    ])("[%d, %d) is INVALID_ARGUMENT", async (start, end) => {
      await expect(subject.store.read(uri, { start, end })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
      await expect(collect(subject.store.stream(uri, { start, end }))).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    });

    test("a stream may be left early", async () => {
      const large = `${subject.place()}/large`;
      await subject.store.put(large, new Uint8Array(3 * MB).fill(7));
      for (let i = 0; i < 60; i++) {
        // More times than there are connections: each must be given back.
        for await (const chunk of subject.store.stream(large)) {
          expect(chunk[0]).toBe(7);
          break;
        }
      }
      expect((await subject.store.read(large)).byteLength).toBe(3 * MB);
    });
  });
}
