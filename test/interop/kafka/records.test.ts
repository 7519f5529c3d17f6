import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKERS, type Clients, startClients } from "./brokers.js";
import { CODECS, type Codec } from "./clients/client.js";
import { CLIENTS } from "./clients/clients.js";
import { type PlainRecord, RECORDS } from "./records.js";
import { createTopic } from "./topics.js";

describe.each(Object.entries(BROKERS))("%s", (_, start) => {
  let clients: Clients;
  beforeAll(async () => {
    clients = await startClients(start);
  });
  afterAll(() => clients?.close());

  /** What the clients have written, one after the other. */
  const written = new Map<Codec, PlainRecord[]>();

  test.each(CODECS)("every client writes, in %s", async (codec) => {
    const topic = `records-${codec}`;
    await createTopic(clients.broker, topic);
    const all: PlainRecord[] = [];
    for (const [name, { needs, writes = CODECS }] of Object.entries(CLIENTS)) {
      if (needs?.skip || !writes.includes(codec)) continue;
      const client = clients.client(name);
      const records = RECORDS.map((record) => client.sends(record)).filter((each) => each !== undefined);
      await client.produce(topic, records, codec);
      all.push(...records);
    }
    written.set(
      codec,
      all.map((record, offset) => ({ ...record, offset })),
    );
  });

  for (const [name, { needs = {}, reads = CODECS }] of Object.entries(CLIENTS))
    test.each(reads)(`${name} reads all, in %s`, needs, async (codec) => {
      const expected = written.get(codec) as PlainRecord[];
      const read = await clients
        .client(name)
        .consume(`records-${codec}`, expected.length, "read_uncommitted");
      expect(read.length).toBe(expected.length);
      for (const [i, record] of read.entries()) {
        const wanted = expected[i] as PlainRecord;
        // Who cannot say a time has none that is known here.
        expect(wanted.timestamp === -1 ? { ...record, timestamp: -1 } : record).toEqual(wanted);
      }
    });

  test("every client reads the time of the append, where the topic wants that", async () => {
    const began = Date.now();
    await createTopic(clients.broker, "append-time", 1, { "message.timestamp.type": "LogAppendTime" });
    let count = 0;
    for (const [name, { needs }] of Object.entries(CLIENTS)) {
      if (needs?.skip) continue;
      const client = clients.client(name);
      const records = RECORDS.slice(0, 3)
        .map((record) => client.sends(record))
        .filter((each) => each !== undefined);
      await client.produce("append-time", records, "gzip");
      count += records.length;
    }
    let first: PlainRecord[] | undefined;
    for (const [name, { needs, ignoresAppendTime }] of Object.entries(CLIENTS)) {
      if (needs?.skip || ignoresAppendTime) continue;
      const read = await clients.client(name).consume("append-time", count, "read_uncommitted");
      for (const { timestamp } of read) expect(timestamp, name).toBeGreaterThanOrEqual(began);
      first ??= read;
      expect(read, name).toEqual(first);
    }
  });
});
