import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c } from "../../../lib/lakehouse/codecs/index.js";
import { readHeader } from "../../../lib/lakehouse/log/records/header.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { validateBatch } from "../../../lib/lakehouse/log/records/validate.js";
import { runs } from "../../support/runs.js";
import { anyCompression, anyRecord, batchOf } from "../support/records.js";

const manyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 8 });

/** With the checksum that its bytes have: as a client would send it that makes batches wrongly. */
function sealed(batch: Uint8Array): Uint8Array {
  Buffer.from(batch.buffer, batch.byteOffset, batch.length).writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

test("whatever our own producer makes is taken as it is", async () => {
  await fc.assert(
    fc.asyncProperty(manyRecords, anyCompression, async (records, compression) => {
      const batch = await batchOf(records, compression);
      const before = Buffer.from(batch);
      validateBatch(batch, false, "t/0");
      expect(Buffer.compare(before, batch)).toBe(0);
    }),
    { numRuns: runs(100) },
  );
});

test("a batch that is made wrongly is refused, or every reader can read all of it", async () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(manyRecords, changes, async (records, changes) => {
      const batch = await batchOf(records);
      for (const [at, value] of changes) batch[21 + (at % (batch.length - 21))] = value;
      sealed(batch);
      const code = codeOf(() => validateBatch(batch, false, "t/0"));
      if (code === undefined && !isControl(batch)) {
        const read = readRecords(batch, "t/0");
        const { count, baseOffset, maxTimestamp } = readHeader(batch, 0, "t/0");
        expect(read.map(({ offset }) => offset)).toEqual(
          Array.from({ length: count }, (_, i) => baseOffset + BigInt(i)),
        );
        if (count > 0) expect(read.map(({ timestamp }) => timestamp)).toContain(maxTimestamp);
        for (const { timestamp } of read) expect(timestamp <= maxTimestamp).toBe(true);
      } else if (code !== undefined)
        expect([
          "CORRUPT_RECORD_BATCH",
          "INVALID_RECORD",
          "UNSUPPORTED_FEATURE",
          "OLD_MESSAGE_FORMAT",
        ]).toContain(code);
    }),
    { numRuns: runs(500) },
  );
});

function isControl(batch: Uint8Array): boolean {
  return ((batch[22] ?? 0) & 0x20) !== 0;
}

describe("a client is told", () => {
  test("that bytes changed on their way, which it may send again; or that it made them wrongly, which it should not", async () => {
    const batch = await batchOf([{ key: "k", value: "value" }]);
    const wrong = Buffer.from(batch);
    wrong[61] = 100;
    expect(codeOf(() => validateBatch(wrong, false, "t/0"))).toBe("CORRUPT_RECORD_BATCH");
    expect(codeOf(() => validateBatch(sealed(wrong), false, "t/0"))).toBe("INVALID_RECORD");
  });

  test("that two batches in one are one too many, that old formats are, and that nothing is no batch", async () => {
    const batch = await batchOf([{ value: "v" }]);
    const two = Buffer.concat([batch, batch]);
    expect(codeOf(() => validateBatch(two, false, "t/0"))).toBe("INVALID_RECORD");
    for (const magic of [0, 1]) {
      const old = Buffer.from(batch);
      old[16] = magic;
      expect(codeOf(() => validateBatch(old, false, "t/0"))).toBe("OLD_MESSAGE_FORMAT");
    }
    expect(codeOf(() => validateBatch(new Uint8Array(), false, "t/0"))).toBe("CORRUPT_RECORD_BATCH");
  });

  test("that a compacted topic's records need keys", async () => {
    const batch = await batchOf([{ key: "k", value: "v" }, { value: "v" }]);
    validateBatch(batch, false, "t/0");
    expect(codeOf(() => validateBatch(batch, true, "t/0"))).toBe("INVALID_RECORD");
    validateBatch(await batchOf([{ key: "", value: null }]), true, "t/0");
  });
});

describe("a batch is refused", () => {
  const head = async () => Buffer.from(await batchOf([{ value: "x" }])).subarray(0, 61);
  const sized = (batch: Buffer) => {
    batch.writeInt32BE(batch.length - 12, 8);
    return sealed(batch);
  };

  test("whose lengths have more bytes than readers take", async () => {
    // A key that is null, in seven bytes; it ends with the value "x" and no headers.
    const body = Buffer.from([26, 0, 0, 0, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 2, 0x78, 0]);
    const batch = sized(Buffer.concat([await head(), body]));
    expect(codeOf(() => validateBatch(batch, false, "t/0"))).toBe("INVALID_RECORD");
  });

  test("whose times no clock gives: they have no place in a table, or in an int64", async () => {
    const batch = Buffer.from(await batchOf([{ value: "x" }, { value: "y", timestamp: 5 }]));
    for (const time of [2n ** 63n - 1n, 2n ** 62n, -(2n ** 62n), -(2n ** 63n)]) {
      batch.writeBigInt64BE(time, 27);
      batch.writeBigInt64BE(time, 35);
      expect(codeOf(() => validateBatch(sealed(batch), false, "t/0"))).toBe("INVALID_RECORD");
    }
  });

  test("that says when compaction may forget its deletions", async () => {
    const batch = Buffer.from(await batchOf([{ key: "k", value: null }]));
    batch.writeInt16BE(0x40, 21);
    expect(codeOf(() => validateBatch(sealed(batch), true, "t/0"))).toBe("INVALID_RECORD");
  });
});

test("the epoch of a leader that a client writes reaches no other", async () => {
  const batch = Buffer.from(await batchOf([{ value: "x" }]));
  batch.writeInt32BE(77, 12);
  validateBatch(batch, false, "t/0");
  expect(batch.readInt32BE(12)).toBe(-1);
});

test("a largest timestamp that is not the records' is put right, and the checksum with it", async () => {
  const batch = await batchOf([
    { value: "a", timestamp: 5 },
    { value: "b", timestamp: 9 },
    { value: "c", timestamp: 7 },
  ]);
  const bytes = Buffer.from(batch);
  bytes.writeBigInt64BE(-1n, 35);
  validateBatch(sealed(bytes), false, "t/0");
  expect(Buffer.compare(bytes, batch)).toBe(0);
});
