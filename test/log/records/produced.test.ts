import { expect, test } from "vitest";
import { crc32c } from "../../../lib/lakehouse/codecs/index.js";
import { BatchBuilder } from "../../../lib/lakehouse/log/records/batch-builder.js";
import { checkProduced } from "../../../lib/lakehouse/log/records/header.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { openLog, readAll, testFolder } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";

/** A batch that was changed by who knows the format: its checksum holds. */
async function hostile(change: (batch: Buffer) => Uint8Array | undefined): Promise<Uint8Array> {
  const bytes = Buffer.from(await batchOf([{ value: "a" }, { value: "b" }]));
  const batch = Buffer.from(change(bytes) ?? bytes);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

test("a batch that would harm those beside it is refused, though its checksum holds", async () => {
  const refused: Record<string, (batch: Buffer) => Uint8Array | undefined> = {
    "bytes behind it": (batch) => Buffer.concat([batch, Buffer.alloc(7)]),
    "another batch behind it": (batch) => Buffer.concat([batch, batch]),
    "no records": (batch) => void batch.writeInt32BE(0, batch.writeInt32BE(0, 23) && 57),
    "fewer records than offsets": (batch) => void batch.writeInt32BE(2 ** 31 - 1, 23),
    "more records than offsets": (batch) => void batch.writeInt32BE(3, 57),
    "negative counts": (batch) => void batch.writeInt32BE(-1, 57),
    "a length beyond it": (batch) => void batch.writeInt32BE(2 ** 31 - 1, 8),
    "a negative length": (batch) => void batch.writeInt32BE(-1, 8),
  };
  for (const [what, change] of Object.entries(refused)) {
    const batch = await hostile(change);
    expect(() => checkProduced(batch, "test"), what).toThrow(
      expect.objectContaining({ code: "CORRUPT_RECORD_BATCH" }),
    );
  }
  for (const [attributes, code] of [
    [0x10, "INVALID_RECORD"],
    [0x20, "INVALID_RECORD"],
    [0x30, "INVALID_RECORD"],
    [5, "UNSUPPORTED_FEATURE"],
    [7, "UNSUPPORTED_FEATURE"],
  ] as const) {
    const batch = await hostile((bytes) => void bytes.writeInt16BE(attributes, 21));
    expect(() => checkProduced(batch, "test")).toThrow(expect.objectContaining({ code }));
  }
  const halves = await hostile((bytes) => void bytes.writeBigInt64BE(4n, 43));
  expect(() => checkProduced(halves, "test")).toThrow(expect.objectContaining({ code: "INVALID_RECORD" }));
});

test("timestamps come out as they went in, however far they are from each other", () => {
  const most = 2 ** 51 - 1;
  for (const timestamps of [
    [most, -most],
    [-most, most],
    [-most + 1, most, 0],
  ]) {
    const builder = new BatchBuilder("none");
    for (const timestamp of timestamps) builder.add({ value: null, timestamp }, 0);
    expect(readRecords(builder.build(), "test").map(({ timestamp }) => Number(timestamp))).toEqual(
      timestamps,
    );
  }
});

test("records that a topic takes one by one are taken together, and what does not shrink stays as it is", async () => {
  const topic = await openLog(testFolder()).createTopic("flights", { maxBatchBytes: 1024 });
  const bytes = (size: number) => crypto.getRandomValues(new Uint8Array(size));
  await topic.append(
    Array.from({ length: 50 }, (_, i) => ({ value: bytes(18 * i) })),
    { partition: 0 },
  );
  expect((await readAll(topic)).map(({ value }) => value?.length)).toEqual(
    Array.from({ length: 50 }, (_, i) => 18 * i),
  );
});

test("where one record is too large, none of its call is appended", async () => {
  const topic = await openLog(testFolder()).createTopic("flights", {
    maxBatchBytes: 1024,
    compression: "none",
  });
  const records = [{ value: "a" }, { value: "x".repeat(2000) }, { value: "b" }];
  await expect(topic.append(records)).rejects.toMatchObject({ code: "RECORD_TOO_LARGE" });
  expect(await readAll(topic)).toEqual([]);
});

test("a record that compresses well is refused where no reader would take it", async () => {
  const topic = await openLog(testFolder()).createTopic("flights");
  const value = new Uint8Array(256 * 1024 * 1024);
  await expect(topic.append({ value })).rejects.toMatchObject({ code: "RECORD_TOO_LARGE" });
});
