import fc from "fast-check";
import { expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { buildSegment } from "../../../lib/lakehouse/log/segment/segment-builder.js";
import {
  readBlock,
  readFooter,
  readWriterId,
  tailOf,
  verifySegment,
} from "../../../lib/lakehouse/log/segment/segment-reader.js";
import { runs } from "../../support/runs.js";
import { consecutive } from "../support/records.js";

const IDENTITY = { topicId: "01234567-89ab-cdef-0123-456789abcdef", partition: 3, sequence: 7, epoch: 2 };

test("a segment is found by its tail, and each batch in the block that the index names", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
      fc.constantFrom(10, 100_000),
      fc.bigInt({ min: 0n, max: 2n ** 60n }),
      async (counts, valueBytes, first) => {
        const batches = await consecutive(counts, first, valueBytes);
        const { body, summary } = buildSegment(IDENTITY, 99n, first, batches);
        expect(summary).toMatchObject({ ...IDENTITY, baseOffset: first, bytes: body.length });
        const { start, end } = tailOf(body.length);
        const { blocks, ...rest } = readFooter(body.subarray(start, end), body.length, "uri");
        expect(rest).toEqual(summary);
        expect(verifySegment(body, "uri")).toEqual({ ...summary, blocks });
        expect(readWriterId(body.subarray(0, 64), "uri")).toBe(99n);
        const read = blocks.flatMap((entry) =>
          readBlock(body.subarray(entry.position, entry.position + entry.bytes), entry, "uri"),
        );
        expect(read.map(({ header }) => header)).toEqual(batches.map(({ header }) => header));
        expect(
          read.every(({ bytes }, i) => Buffer.compare(bytes, batches[i]?.bytes ?? bytes.subarray(1)) === 0),
        ).toBe(true);
        for (const entry of blocks.slice(0, -1)) expect(entry.bytes).toBeGreaterThanOrEqual(2 ** 20);
      },
    ),
    { numRuns: runs(30) },
  );
});

test("a segment without records says where it stands", () => {
  const { body, summary } = buildSegment(IDENTITY, 1n, 55n, []);
  expect(verifySegment(body, "uri")).toEqual({ ...summary, blocks: [] });
  expect(summary).toMatchObject({ baseOffset: 55n, nextOffset: 55n, records: 0 });
});

test("a segment that is cut short anywhere, or has any bit flipped, is refused as damaged", async () => {
  const { body } = buildSegment(IDENTITY, 1n, 0n, await consecutive([2, 3]));
  for (let length = 0; length < body.length; length++) refuses(body.subarray(0, length), `${length} bytes`);
  for (let bit = 0; bit < body.length * 8; bit++) {
    const damaged = body.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    refuses(damaged, `bit ${bit}`);
  }
});

test("a damaged block names the offsets that it held, and the others are still read", async () => {
  const { body } = buildSegment(IDENTITY, 1n, 0n, await consecutive([4, 4, 4], 0n, 300_000));
  const { start, end } = tailOf(body.length);
  const { blocks } = readFooter(body.subarray(start, end), body.length, "uri");
  const [first, second] = blocks;
  if (first === undefined || second === undefined) throw new Error("two blocks were expected");
  const damaged = body.slice();
  damaged[second.position + 100] = (damaged[second.position + 100] as number) ^ 1;
  const read = (entry: typeof first) =>
    readBlock(damaged.subarray(entry.position, entry.position + entry.bytes), entry, "uri");
  expect(read(first)).toHaveLength(1);
  expect(() => read(second)).toThrow(/affects offsets 4 to 7/);
});

function refuses(body: Uint8Array, what: string): void {
  try {
    verifySegment(body, "uri");
  } catch (error) {
    if (isLakehouseError(error, "CORRUPT_SEGMENT")) return;
    throw error;
  }
  throw new Error(`${what} was taken for a whole segment`);
}
