import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "../../../lib/lakehouse/codecs/index.js";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { summaryOf } from "../../../lib/lakehouse/log/segment/layout.js";
import { buildSegment } from "../../../lib/lakehouse/log/segment/segment-builder.js";
import {
  readBlock,
  readFooter,
  readWriterId,
  tailOf,
  verifySegment,
} from "../../../lib/lakehouse/log/segment/segment-reader.js";
import {
  readAborted,
  readProducers,
  type SegmentState,
} from "../../../lib/lakehouse/log/segment/segment-state.js";
import { MemoryStore } from "../../parquet/support/memory-store.js";
import { runs } from "../../support/runs.js";
import { consecutive } from "../support/records.js";

const IDENTITY = { topicId: "01234567-89ab-cdef-0123-456789abcdef", partition: 3, sequence: 7, epoch: 2 };

const sequence = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const offset = fc.bigInt({ min: 0n, max: 2n ** 62n });
const anyState: fc.Arbitrary<SegmentState> = fc.record({
  producers: fc.array(
    fc.record({
      producerId: offset,
      epoch: fc.integer({ min: 0, max: 2 ** 15 - 1 }),
      batches: fc.array(fc.record({ firstSequence: sequence, lastSequence: sequence, baseOffset: offset }), {
        maxLength: 5,
      }),
      openSince: fc.option(offset, { nil: undefined }),
      lastUsed: fc.integer({ min: 0, max: 2 ** 50 }),
    }),
    { maxLength: 3 },
  ),
  aborted: fc.array(
    fc.record({ producerId: offset, firstOffset: offset, lastOffset: offset, lastStable: offset }),
    { maxLength: 3 },
  ),
  lastStable: offset,
});
const NO_STATE: SegmentState = { producers: [], aborted: [], lastStable: 0n };
const SOME_STATE: SegmentState = {
  producers: [
    {
      producerId: 3n,
      epoch: 1,
      batches: [{ firstSequence: 0, lastSequence: 1, baseOffset: 0n }],
      openSince: 0n,
      lastUsed: 1,
    },
  ],
  aborted: [{ producerId: 4n, firstOffset: 1n, lastOffset: 2n, lastStable: 0n }],
  lastStable: 0n,
};

test("a segment is found by its tail, and each batch in the block that the index names", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
      fc.constantFrom(10, 100_000),
      fc.bigInt({ min: 0n, max: 2n ** 60n }),
      anyState,
      async (counts, valueBytes, first, state) => {
        const batches = await consecutive(counts, first, valueBytes);
        const { body, summary } = buildSegment(IDENTITY, 99n, first, batches, state);
        expect(summary).toMatchObject({ ...IDENTITY, baseOffset: first, bytes: body.length });
        const { start, end } = tailOf(body.length);
        const footer = readFooter(body.subarray(start, end), body.length, "uri");
        const { blocks } = footer;
        expect(summaryOf(footer)).toEqual(summary);
        expect(verifySegment(body, "uri")).toEqual(footer);
        const store = new MemoryStore();
        await store.put("uri", body);
        expect(await readProducers(store, "uri", footer)).toEqual(state.producers);
        expect(await readAborted(store, "uri", footer)).toEqual(state.aborted);
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
  const { body, summary } = buildSegment(IDENTITY, 1n, 55n, [], NO_STATE);
  const footer = verifySegment(body, "uri");
  expect(footer.blocks).toEqual([]);
  expect(summaryOf(footer)).toEqual(summary);
  expect(summary).toMatchObject({ baseOffset: 55n, nextOffset: 55n, records: 0 });
});

test("a segment that is cut short anywhere, or has any bit flipped, is refused as damaged", async () => {
  const { body } = buildSegment(IDENTITY, 1n, 0n, await consecutive([2, 3]), SOME_STATE);
  for (let length = 0; length < body.length; length++) refuses(body.subarray(0, length), `${length} bytes`);
  for (let bit = 0; bit < body.length * 8; bit++) {
    const damaged = body.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    refuses(damaged, `bit ${bit}`);
  }
});

test("a damaged block names the offsets that it held, and the others are still read", async () => {
  const { body } = buildSegment(IDENTITY, 1n, 0n, await consecutive([4, 4, 4], 0n, 300_000), NO_STATE);
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

test("a segment of version 1 is read, as one that knows no producers", async () => {
  const { body, summary } = buildSegment(IDENTITY, 1n, 7n, await consecutive([2, 3], 7n), {
    ...NO_STATE,
    lastStable: 12n,
  });
  const old = asVersion1(body);
  const footer = verifySegment(old, "uri");
  expect(summaryOf(footer)).toEqual({ ...summary, bytes: old.length });
  const store = new MemoryStore();
  await store.put("uri", old);
  expect(await readProducers(store, "uri", footer)).toEqual([]);
  expect(await readAborted(store, "uri", footer)).toEqual([]);
});

/** What a segment without producers was before there were any. */
function asVersion1(body: Uint8Array): Uint8Array {
  const footer = body.length - 96;
  const old = Buffer.concat([body.subarray(0, footer - 24), body.subarray(footer)]);
  old.writeUInt16BE(1, 6);
  old.writeUInt32BE(crc32c(old.subarray(0, 60)), 60);
  const at = old.length - 96;
  old.writeUInt16BE(1, at + 68);
  old.writeBigUInt64BE(BigInt(old.length), at + 80);
  old.writeUInt32BE(crc32c(old.subarray(at, at + 88)), at + 88);
  return old;
}

function refuses(body: Uint8Array, what: string): void {
  try {
    verifySegment(body, "uri");
  } catch (error) {
    if (isLakehouseError(error, "CORRUPT_SEGMENT")) return;
    throw error;
  }
  throw new Error(`${what} was taken for a whole segment`);
}
