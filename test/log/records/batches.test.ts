import fc from "fast-check";
import { expect, test } from "vitest";
import { isLakehouseError } from "../../../lib/lakehouse/errors.js";
import { readHeader } from "../../../lib/lakehouse/log/records/header.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { runs } from "../../support/runs.js";
import { anyCompression, anyRecord, batchOf } from "../support/records.js";

const asBytes = (content: Uint8Array | string | null | undefined) =>
  content === null || content === undefined ? null : [...Buffer.from(content as string)];

test("records come out of a batch as they went in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyRecord, { minLength: 1, maxLength: 20 }),
      anyCompression,
      async (records, codec) => {
        const batch = await batchOf(records, codec, 1_000n);
        const read = readRecords(batch, "test");
        expect(
          read.map(({ offset, timestamp, key, value, headers }) => ({
            offset,
            timestamp,
            key: asBytes(key),
            value: asBytes(value),
            headers: headers.map((header) => ({ key: header.key, value: asBytes(header.value) })),
          })),
        ).toEqual(
          records.map(({ key, value, headers, timestamp }, i) => ({
            offset: 1_000n + BigInt(i),
            timestamp: BigInt(timestamp ?? 0),
            key: asBytes(key),
            value: asBytes(value),
            headers: (headers ?? []).map((header) => ({
              key: Buffer.from(header.key).toString(),
              value: asBytes(header.value),
            })),
          })),
        );
        const header = readHeader(batch, 0, "test");
        expect(header).toMatchObject({
          size: batch.length,
          count: records.length,
          lastOffsetDelta: records.length - 1,
        });
        const times = records.map(({ timestamp }) => timestamp ?? 0);
        expect(header.maxTimestamp).toBe(BigInt(Math.max(...times)));
      },
    ),
    { numRuns: runs(200) },
  );
});

test("a batch with any bit flipped behind its epoch is refused, or is what it was", async () => {
  const batch = await batchOf([{ key: "k", value: "a value" }, { value: null }], "zstd");
  for (let bit = 12 * 8; bit < batch.length * 8; bit++) {
    const damaged = batch.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
    // The leader's epoch is not covered by the checksum, as in Kafka, and nothing here depends on it.
    if (bit < 16 * 8) expect(readRecords(damaged, "test")).toHaveLength(2);
    else expect(() => readRecords(damaged, "test"), `bit ${bit}`).toThrow(/CORRUPT|damaged/);
  }
});

test("bytes that are no batch are refused with a code, whatever they are", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readRecords(bytes, "test");
      } catch (error) {
        return isLakehouseError(error, "CORRUPT_RECORD_BATCH");
      }
      return false;
    }),
    { numRuns: runs(500) },
  );
});
