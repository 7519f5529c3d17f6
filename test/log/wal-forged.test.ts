import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diskAt } from "../../lib/lakehouse/log/wal/disk.js";
import { encodeFileHeader, encodeGroup, FILE_HEADER_BYTES } from "../../lib/lakehouse/log/wal/layout.js";
import { Wal } from "../../lib/lakehouse/log/wal/wal.js";
import { testFolder } from "./support/lake-log.js";
import { batchOf } from "./support/records.js";

const TOPIC = "01234567-89ab-cdef-0123-456789abcdef";
const onRefused = () => undefined;

test("a record that looks like a group of the write-ahead log makes no damage of what a crash has torn", async () => {
  const folder = testFolder();
  const { wal } = await Wal.open(diskAt(folder), { onRefused });
  // As if much before it had been acknowledged.
  const [forged] = encodeGroup([], 2 ** 40, 0) as [Uint8Array];
  await wal.append({ topicId: TOPIC, partition: 0, batch: await batchOf([{ value: forged }]) });
  const [name] = readdirSync(folder) as [string];
  const torn = readFileSync(join(folder, name)).fill(0, FILE_HEADER_BYTES, FILE_HEADER_BYTES + 8);
  await wal.close();
  const crashed = testFolder();
  writeFileSync(join(crashed, name), torn);

  expect((await Wal.open(diskAt(crashed), { onRefused })).entries).toEqual([]);
});

test("a write-ahead log of an earlier release, whose files have no number of their own, is read", async () => {
  const folder = testFolder();
  const batch = await batchOf([{ value: "kept" }]);
  const entry = { topicId: TOPIC, partition: 0, batch };
  const file = [
    encodeFileHeader({ number: 0, previousEnd: 0, salt: 0 }),
    ...encodeGroup([entry], FILE_HEADER_BYTES, 0),
  ];
  writeFileSync(join(folder, "000000000000.wal"), Buffer.concat(file));

  const { wal, entries } = await Wal.open(diskAt(folder), { onRefused });
  expect(entries).toEqual([{ ...entry, batch: Buffer.from(batch) }]);
  await wal.close();
});
