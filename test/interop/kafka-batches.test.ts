import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { partitionOf } from "../../lib/lakehouse/log/partitioner.js";
import { BatchBuilder } from "../../lib/lakehouse/log/records/batch-builder.js";
import { type Compression, prepareCompression } from "../../lib/lakehouse/log/records/compression.js";
import { setBaseOffset } from "../../lib/lakehouse/log/records/header.js";
import { type LogRecord, readRecords } from "../../lib/lakehouse/log/records/read-records.js";
import { Engine } from "./engine.js";
import { bytes, hex, type PlainRecord, RECORDS, text } from "./kafka/records.js";

const plain = ({ offset, timestamp, key, value, headers }: LogRecord): PlainRecord => ({
  offset: Number(offset),
  timestamp: Number(timestamp),
  key: hex(key),
  value: hex(value),
  headers: headers.map((header) => [header.key, hex(header.value)]),
});

let kafka: Engine;
beforeAll(() => {
  kafka = new Engine("kafka_batches.py");
});
afterAll(() => kafka.close());

describe("record batches are those of kafka-python", () => {
  test.each<Compression>(["none", "gzip", "lz4", "zstd"])("it reads ours: %s", async (compression) => {
    await prepareCompression(compression);
    const builder = new BatchBuilder(compression);
    for (const { key, value, headers, timestamp } of RECORDS)
      builder.add(
        {
          key: bytes(key),
          value: bytes(value),
          headers: headers.map(([name, content]) => ({ key: name, value: bytes(content) })),
          timestamp,
        },
        0,
      );
    const batch = builder.build();
    setBaseOffset(batch, 0n);
    expect(await kafka.call("read", { batch: hex(batch) })).toEqual(RECORDS);
  });

  test.each(["none", "gzip", "snappy", "lz4", "zstd"])("we read its: %s", async (codec) => {
    const batch = await kafka.call<string>("write", { records: RECORDS, codec });
    expect(readRecords(Buffer.from(batch, "hex"), "kafka-python").map(plain)).toEqual(RECORDS);
  });

  test("and a key is in the partition that it says", async () => {
    const keys = Array.from({ length: 300 }, (_, i) => "é".repeat(i % 13) + i);
    const expected = await kafka.call("partitions", { keys: keys.map(text), count: 17 });
    expect(keys.map((key) => partitionOf(key, 17))).toEqual(expected);
  });
});
