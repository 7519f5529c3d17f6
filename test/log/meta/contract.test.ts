import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { firstManifest } from "../../../lib/lakehouse/log/manifest/manifest.js";
import { EtcdMeta } from "../../../lib/lakehouse/log/meta/etcd-meta.js";
import type { LogMeta, TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import { EtcdMirror } from "../../../lib/lakehouse/log/meta/mirror.js";
import { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import { topicConfig } from "../../../lib/lakehouse/log/meta/topic-config.js";
import type { StoredSegment } from "../../../lib/lakehouse/log/segment/layout.js";
import { FakeEtcd } from "../cluster/fake-etcd.js";

// What any metadata is held to.

const TOPIC: TopicRecord = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  name: "flights",
  partitions: 2,
  config: topicConfig({}),
  createdAt: 5,
  version: 1,
};

/** Ten records, from `sequence` times ten on. */
function segment(sequence: number, more: Partial<StoredSegment> = {}): StoredSegment {
  return {
    topicId: TOPIC.id,
    partition: 0,
    sequence,
    lastSequence: sequence,
    epoch: 1,
    baseOffset: BigInt(sequence * 10),
    nextOffset: BigInt(sequence * 10 + 10),
    records: 10,
    maxTimestamp: BigInt(1_000 + sequence),
    lastStable: BigInt(sequence * 10 + 10),
    bytes: 100,
    object: `${sequence}.segment`,
    storedAt: 7,
    ...more,
  };
}

function etcdMeta(etcd: FakeEtcd): LogMeta & { start(): Promise<void> } {
  const wait = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined);
  const client = etcd.client(async (_, work) => work(), wait);
  const mirror = new EtcdMirror({ etcd: client, prefix: "log/", sleep: wait });
  return new EtcdMeta(mirror, new SqliteMeta(":memory:"));
}

const BACKENDS: Readonly<Record<string, () => Promise<LogMeta>>> = {
  SQLite: async () => new SqliteMeta(":memory:"),
  etcd: async () => {
    const meta = etcdMeta(new FakeEtcd(Date.now));
    await meta.start();
    return meta;
  },
};

describe.each(Object.entries(BACKENDS))("metadata on %s", (_, open) => {
  async function opened(): Promise<LogMeta> {
    const meta = await open();
    onTestFinished(() => meta.close());
    return meta;
  }

  test("a topic is found by its name and its id, and there is one of a name", async () => {
    const meta = await opened();
    expect(await meta.topic("flights")).toBeUndefined();
    await meta.createTopic(TOPIC);
    await meta.createTopic({ ...TOPIC, id: TOPIC.id.replace("0", "1"), name: "airports" });
    expect(await meta.topic("flights")).toEqual(TOPIC);
    expect(await meta.topicOf(TOPIC.id)).toEqual(TOPIC);
    expect((await meta.topics()).map(({ name }) => name)).toEqual(["airports", "flights"]);
    const again = { ...TOPIC, id: TOPIC.id.replace("0", "2") };
    await expect(meta.createTopic(again)).rejects.toMatchObject({ code: "TOPIC_EXISTS", subject: "flights" });
  });

  test("of two changes of a topic, the later stays, whichever comes first", async () => {
    const meta = await opened();
    await meta.createTopic(TOPIC);
    const third = { ...TOPIC, version: 3, partitions: 5, config: topicConfig({ segmentMs: 9 }) };
    await meta.changeTopic(third);
    await meta.changeTopic({ ...TOPIC, version: 2, partitions: 4 });
    expect(await meta.topic("flights")).toEqual(third);
    await meta.changeTopic({ ...TOPIC, id: TOPIC.id.replace("0", "1"), name: "unknown", version: 9 });
    expect(await meta.topics()).toEqual([third]);
  });

  test("a topic goes with all that is known of it, and another may have its name", async () => {
    const meta = await opened();
    await meta.createTopic(TOPIC);
    await meta.addSegments([segment(0)]);
    await meta.setManifest(TOPIC.id, 0, { ...firstManifest(), revision: 1 });
    await meta.deleteTopic(TOPIC.id);
    expect(await meta.topics()).toEqual([]);
    expect(await meta.segments(TOPIC.id, 0)).toEqual([]);
    expect(await meta.manifest(TOPIC.id, 0)).toBeUndefined();
    // It is never known again.
    await meta.setManifest(TOPIC.id, 0, { ...firstManifest(), revision: 2 });
    expect(await meta.manifest(TOPIC.id, 0)).toBeUndefined();
    await meta.deleteTopic(TOPIC.id);
    const next = { ...TOPIC, id: TOPIC.id.replace("0", "1") };
    await meta.createTopic(next);
    expect(await meta.topic("flights")).toEqual(next);
    expect(await meta.topicOf(TOPIC.id)).toBeUndefined();
  });

  test("an offset and a time are found in the segment that has them", async () => {
    const meta = await opened();
    await meta.createTopic(TOPIC);
    const empty = segment(2, { nextOffset: 20n, records: 0, maxTimestamp: -1n });
    const last = segment(3, { baseOffset: 20n, nextOffset: 30n });
    await meta.addSegments([segment(1), segment(0), empty, last]);
    await meta.addSegments([segment(0, { bytes: 999 })]);
    expect(await meta.segments(TOPIC.id, 0)).toEqual([segment(0), segment(1), empty, last]);
    expect(await meta.lastSegment(TOPIC.id, 0)).toEqual(last);
    expect(await meta.lastSegment(TOPIC.id, 1)).toBeUndefined();
    for (const [offset, found] of [
      [0n, segment(0)],
      [19n, segment(1)],
      [20n, last],
      [30n, undefined],
    ] as const)
      expect(await meta.segmentOf(TOPIC.id, 0, offset)).toEqual(found);
    expect(await meta.segmentSince(TOPIC.id, 0, 1_001n)).toEqual(segment(1));
    expect(await meta.segmentSince(TOPIC.id, 0, 2_000n)).toBeUndefined();
    expect(await meta.sizes(TOPIC.id)).toEqual([{ partition: 0, segments: 4, bytes: 400 }]);
  });

  test("below its end, a manifest's segments are those alone, unless a later one is known", async () => {
    const meta = await opened();
    await meta.createTopic(TOPIC);
    await meta.addSegments([segment(0), segment(1), segment(2)]);
    const merged = segment(0, { lastSequence: 1, nextOffset: 20n, object: "0-1.segment" });
    const manifest = {
      ...firstManifest(),
      revision: 4,
      next: 2,
      nextOffset: 20n,
      start: 3n,
      segments: [merged],
    };
    await meta.setManifest(TOPIC.id, 0, manifest);
    await meta.setManifest(TOPIC.id, 0, { ...firstManifest(), revision: 3, next: 3 });
    expect(await meta.segments(TOPIC.id, 0)).toEqual([merged, segment(2)]);
    expect(await meta.manifest(TOPIC.id, 0)).toEqual({ revision: 4, start: 3n, next: 2, cleaned: 0n });
  });

  test("who begins to write is somebody new, and is known again", async () => {
    const meta = await opened();
    const [first, second] = [await meta.beginWriting(), await meta.beginWriting()];
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(second.writerId).not.toBe(first.writerId);
    expect(await meta.hasWritten(first.writerId)).toBe(true);
    expect(await meta.hasWritten(first.writerId + 1n)).toBe(false);
  });
});

describe("metadata on etcd", () => {
  async function two() {
    const etcd = new FakeEtcd(Date.now);
    const [a, b] = [etcdMeta(etcd), etcdMeta(etcd)];
    await a.start();
    onTestFinished(() => a.close());
    return { etcd, a, b };
  }

  test("a server knows the topics that another has made, changed and deleted, also while it was away", async () => {
    const { a, b } = await two();
    await a.createTopic(TOPIC);
    await b.start();
    onTestFinished(() => b.close());
    expect(await b.topics()).toEqual([TOPIC]);
    const later = { ...TOPIC, version: 2, partitions: 3 };
    await b.changeTopic(later);
    await expect.poll(() => a.topic("flights")).toEqual(later);
    await a.addSegments([segment(0)]);
    await b.deleteTopic(TOPIC.id);
    await expect.poll(() => a.topics()).toEqual([]);
    await expect.poll(() => a.segments(TOPIC.id, 0)).toEqual([]);
  });

  test("a topic that another has just made is found by its name at once", async () => {
    const { a, b } = await two();
    await b.start();
    onTestFinished(() => b.close());
    await b.createTopic(TOPIC);
    expect(await a.topic("flights")).toEqual(TOPIC);
  });

  test("what happened behind a history that etcd has forgotten is read anew", async () => {
    const { etcd, a, b } = await two();
    await a.createTopic(TOPIC);
    await b.start();
    onTestFinished(() => b.close());
    await a.deleteTopic(TOPIC.id);
    const next = { ...TOPIC, id: TOPIC.id.replace("0", "1") };
    await a.createTopic(next);
    etcd.compact();
    await expect.poll(() => b.topics()).toEqual([next]);
  });
});
