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
});
