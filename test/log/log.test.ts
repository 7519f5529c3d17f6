import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openLog, readAll, testFolder, texts } from "./support/lake-log.js";

const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ value: `record ${from + i}` }));

describe("a topic", () => {
  test("gives back what was appended, in order, with offsets from 0 on", async () => {
    const topic = await openLog(testFolder()).createTopic("flights");
    expect(await topic.append(numbered(0, 3))).toEqual([{ partition: 0, baseOffset: 0n, lastOffset: 2n }]);
    await topic.append({
      key: "HNL",
      value: "with a key",
      headers: [{ key: "h", value: "v" }],
      timestamp: 1234,
    });
    const records = await readAll(topic);
    expect(texts(records)).toEqual(["record 0", "record 1", "record 2", "with a key"]);
    expect(records.map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 3n]);
    expect(records[3]).toMatchObject({
      timestamp: 1234n,
      headers: [{ key: "h", value: new Uint8Array([118]) }],
    });
  });

  test("has the same records after it was closed and opened, from the object store", async () => {
    const root = testFolder();
    const log = openLog(root);
    const topic = await log.createTopic("flights", { partitions: 3 });
    await topic.append(Array.from({ length: 100 }, (_, i) => ({ key: `k${i % 7}`, value: `record ${i}` })));
    const before = await readAll(topic);
    await log.close();
    expect(await readdir(join(root, "log", "wal"))).toEqual([]);
    const after = await readAll(openLog(root).topic("flights"));
    const inOrder = (records: typeof before) => texts(records).sort();
    expect(inOrder(after)).toEqual(inOrder(before));
    expect(after).toHaveLength(100);
  });

  test("keeps the records of a key in one partition and in order", async () => {
    const topic = await openLog(testFolder()).createTopic("flights", { partitions: 4 });
    for (let i = 0; i < 5; i++)
      await topic.append(Array.from({ length: 20 }, (_, k) => ({ key: `k${k}`, value: `${i}` })));
    for (let partition = 0; partition < 4; partition++) {
      const seen = new Map<string, string[]>();
      for (const { key, value } of await readAll(topic, { partition })) {
        const name = Buffer.from(key ?? []).toString();
        seen.set(name, [...(seen.get(name) ?? []), Buffer.from(value ?? []).toString()]);
      }
      for (const values of seen.values()) expect(values).toEqual(["0", "1", "2", "3", "4"]);
    }
  });

  test("is read from an offset, from its end, and from a time", async () => {
    const log = openLog(testFolder());
    const topic = await log.createTopic("flights", { segmentBytes: 1024 });
    for (let i = 0; i < 20; i++)
      await topic.append([{ value: `${i}`, timestamp: 1000 + 10 * i }], { ack: "stored" });
    expect(texts(await readAll(topic, { from: 17n }))).toEqual(["17", "18", "19"]);
    expect(await readAll(topic, { from: "end" })).toEqual([]);
    expect(texts(await readAll(topic, { from: new Date(1175) }))).toEqual(["18", "19"]);
    expect(await readAll(topic, { from: new Date(5000) })).toEqual([]);
    expect(await readAll(topic, { from: 20n })).toEqual([]);
    await expect(readAll(topic, { from: 21n })).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("is read from an offset that some of its partitions have not reached, and gives theirs when they have it", async () => {
    const topic = await openLog(testFolder()).createTopic("flights", { partitions: 3 });
    await topic.append(numbered(0, 5), { partition: 0 });
    await topic.append(numbered(10, 2), { partition: 1 });
    expect(texts(await readAll(topic, { from: 3n }))).toEqual(["record 3", "record 4"]);
    // Where one is named, or none has it, the place may be that of records that are lost.
    for (const wrong of [{ from: 3n, partition: 1 }, { from: 6n }])
      await expect(readAll(topic, wrong)).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { partition, records } of topic.read({ from: 3n, follow: true, signal: stop.signal })) {
      for (const { offset, value } of records)
        seen.push(`${partition}/${offset} ${Buffer.from(value ?? [])}`);
      if (partition === 0) await topic.append([...numbered(20, 2), ...numbered(30, 1)], { partition: 1 });
      if (partition === 1) await topic.append(numbered(40, 4), { partition: 2 });
      if (partition === 2) stop.abort();
    }
    expect(seen).toEqual(["0/3 record 3", "0/4 record 4", "1/3 record 21", "1/4 record 30", "2/3 record 43"]);
  });

  test("is followed: what is appended later comes, until the reader is stopped", async () => {
    const topic = await openLog(testFolder()).createTopic("flights");
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { records } of topic.read({ follow: true, signal: stop.signal })) {
        seen.push(...texts(records));
        if (seen.length === 6) stop.abort();
      }
    })();
    await topic.append(numbered(0, 3));
    await topic.append(numbered(3, 3));
    await reading;
    expect(seen).toEqual(numbered(0, 6).map(({ value }) => value));
  });

  test("is in the object store when an append that wanted that is done", async () => {
    const root = testFolder();
    const topic = await openLog(root).createTopic("flights");
    await topic.append(numbered(0, 10), { ack: "stored" });
    expect((await topic.offsets())[0]).toEqual({ start: 0n, end: 10n, lastStable: 10n, stored: 10n });
    const reader = openLog(root);
    expect(texts(await readAll(reader.topic("flights")))).toHaveLength(10);
    await expect(reader.topic("flights").append({ value: "no" })).rejects.toMatchObject({
      code: "LOG_IN_USE",
    });
  });

  test("is deleted with its objects, and another of its name is empty", async () => {
    const root = testFolder();
    const log = openLog(root);
    const topic = await log.createTopic("flights");
    await topic.append(numbered(0, 10), { ack: "stored" });
    await log.deleteTopic("flights");
    expect(await readdir(join(root, "warehouse", "_log"))).toEqual(["epoch.json"]);
    await expect(topic.append({ value: "late" })).rejects.toMatchObject({ code: "NO_SUCH_TOPIC" });
    await log.createTopic("flights");
    expect(await readAll(topic)).toEqual([]);
  });

  test("that is not there, or cannot be, is refused with a code", async () => {
    const log = openLog(testFolder());
    await log.createTopic("flights");
    await expect(log.createTopic("flights")).rejects.toMatchObject({ code: "TOPIC_EXISTS" });
    await expect(log.createTopic("a/b")).rejects.toMatchObject({ code: "INVALID_TOPIC" });
    await expect(log.createTopic("x", { segmentBytes: 1 })).rejects.toMatchObject({ code: "INVALID_CONFIG" });
    await expect(log.topic("flihts").append({ value: "" })).rejects.toThrow(/Did you mean flights/);
    await expect(log.topic("flights").append({ value: "" }, { partition: 1 })).rejects.toMatchObject({
      code: "NO_SUCH_PARTITION",
    });
    await expect(log.topic("flights").append({ value: 3 } as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
