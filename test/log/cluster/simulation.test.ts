import { expect, test } from "vitest";
import type { EtcdMeta } from "../../../lib/lakehouse/log/meta/etcd-meta.js";
import type { TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import { topicConfig } from "../../../lib/lakehouse/log/meta/topic-config.js";
import { logLost } from "../../../lib/lakehouse/log/metrics.js";
import type { Ack } from "../../../lib/lakehouse/log/partition/partition.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import { leaderEpochOf } from "../../../lib/lakehouse/log/records/header.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { recoverLog } from "../../../lib/lakehouse/log/recover.js";
import { readBlock, verifySegment } from "../../../lib/lakehouse/log/segment/segment-reader.js";
import { runs } from "../../support/runs.js";
import { drive, driveUntil, recovered, simulate } from "../support/histories.js";
import { batchOf } from "../support/records.js";
import { World } from "../support/world.js";
import { FakeEtcd } from "./fake-etcd.js";
import { SimulatedServer } from "./server.js";

// Servers of one log, over one etcd and one object store. A seed decides when one is paused and goes on, is cut from etcd,
// is killed and begins again, and how fast its clock goes. Again by seed: SLH_SEED=123

const PARTITIONS = 2;
const TOPIC: TopicRecord = {
  id: "01234567-89ab-cdef-0123-456789abcdef",
  name: "simulated",
  partitions: PARTITIONS,
  config: topicConfig({
    compression: "none",
    segmentBytes: 1024,
    segmentMs: 2_000,
    storedLingerMs: 10,
    fileDeleteDelayMs: 500,
  }),
  createdAt: 0,
  version: 1,
};

interface Acknowledged {
  readonly partition: number;
  readonly offset: bigint;
  readonly ack: Ack;
}

/** What happened in all histories. */
const seen = new Map<string, number>();
const count = (what: string, by = 1) => void seen.set(what, (seen.get(what) ?? 0) + by);

test("what is acknowledged as stored is there once, whoever led, was paused, cut off, or killed", async () => {
  const { isWhole } = await simulate(runs(60), history);
  if (!isWhole) return;
  for (const what of ["stored", "wal", "NOT_LEADER", "takeover", "lost", "read", "late"])
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(0);
});

async function history(seed: number): Promise<void> {
  const world = new World(seed);
  const place = new Place(world.store);
  const etcd = new FakeEtcd(() => world.now);
  const servers = ["a", "b"].map((name) => new SimulatedServer(world, etcd, place, name));
  world.objects.set(place.topic(TOPIC.id), Buffer.from(JSON.stringify(TOPIC)));
  const acknowledged = new Map<string, Acknowledged>();
  const calls: Promise<void>[] = [];
  const faults: string[] = [];
  /** What readers have had. */
  const observed = Array.from({ length: PARTITIONS }, () => new Map<bigint, string>());
  const ends = Array.from({ length: PARTITIONS }, () => 0n);
  let sent = 0;
  let lost = 0;
  const stop = logLost.subscribe(({ records }) => {
    lost += records;
  });

  const append = async (server: SimulatedServer, partition: number, ack: Ack) => {
    const values = Array.from({ length: 1 + world.below(3) }, () =>
      `${sent++}`.padEnd(world.below(100), "."),
    );
    try {
      const batch = await batchOf(values.map((value) => ({ value, timestamp: world.now })));
      const opened = await server.writer?.partition(TOPIC, partition);
      if (opened === undefined) return;
      const { baseOffset } = await opened.append(batch, ack);
      count(ack);
      for (const [i, value] of values.entries())
        acknowledged.set(value, { partition, offset: baseOffset + BigInt(i), ack });
    } catch (error) {
      count(expected(error));
    }
  };

  /** As a server answers a client: only while it leads. */
  const read = async (server: SimulatedServer, partition: number) => {
    const { cluster, meta, writer, learner } = server;
    if (!cluster?.leads(TOPIC.id, partition) || meta === undefined) return;
    const before = ends[partition] as bigint;
    const reader = new PartitionReader(TOPIC, partition, {
      meta,
      segments: new Segments(server.machine.store, place, 10_000),
      clock: server.machine.clock,
      writer: () => writer?.opened(TOPIC.id, partition),
      learn: async () => learner?.learn(TOPIC.id, partition),
    });
    try {
      const { end } = await reader.offsets();
      if (!cluster.leads(TOPIC.id, partition)) return;
      count("read");
      if (end < before) faults.push(`${partition} ended at ${before}, and then at ${end}`);
      if (end > (ends[partition] as bigint)) ends[partition] = end;
      const from = BigInt(world.below(Number(end) + 1));
      for (const { bytes } of await reader.batches(from, 1_000))
        for (const { offset, value } of readRecords(bytes, "simulated"))
          if (offset >= from) observed[partition]?.set(offset, Buffer.from(value ?? []).toString());
    } catch (error) {
      count(expected(error));
    }
  };

  const begin = (server: SimulatedServer) => {
    calls.push(server.start().catch((error) => void faults.push(String(error))));
  };
  const leadersNow = () =>
    Array.from({ length: PARTITIONS }, (_, number) =>
      servers.findIndex(({ cluster }) => cluster?.leads(TOPIC.id, number)),
    );
  for (const server of servers) begin(server);
  await driveUntil(world, () => servers.every(({ isUp }) => isUp));
  await drive(world, Promise.all(servers.slice(0, 1).map(({ meta }) => meta?.createTopic(TOPIC))));

  const steps = 200 + world.below(600);
  let leaders = leadersNow();
  for (let step = 0; step < steps; step++) {
    const any = servers[world.below(servers.length)] as SimulatedServer;
    const partition = world.below(PARTITIONS);
    const led = servers.find(({ cluster }) => cluster?.leads(TOPIC.id, partition));
    const server = led !== undefined && world.chance(0.7) ? led : any;
    if (world.chance(0.15)) calls.push(append(server, partition, world.chance(0.5) ? "wal" : "stored"));
    if (world.chance(0.1)) calls.push(read(server, partition));
    if (world.chance(0.01) && server.writer !== undefined)
      calls.push(
        server.writer.upkeep.run().then(
          () => count("upkeep"),
          (error) => count(expected(error)),
        ),
      );
    if (world.chance(0.01)) any.machine.isPaused = !any.machine.isPaused;
    if (world.chance(0.01)) any.isCut = !any.isCut;
    if (world.chance(0.003)) etcd.compact();
    if (world.chance(0.01)) world.failing = world.chance(0.7) ? 0 : 0.1;
    if (world.chance(0.005) && server.isUp && !server.machine.isPaused) {
      server.kill();
      begin(server);
    }
    await world.step();
    const now = leadersNow();
    for (const [number, leader] of now.entries()) {
      if (leader >= 0 && leader !== leaders[number] && (leaders[number] ?? -1) >= 0) count("takeover");
      if (leader >= 0) leaders[number] = leader;
    }
    if (servers.every(({ cluster }) => cluster?.leads(TOPIC.id, 0))) faults.push("two lead at once");
    leaders = leaders.map((leader, number) => ((now[number] ?? -1) >= 0 ? (now[number] as number) : leader));
  }

  // All is well again: everything that is on a disk gets to the object store, or is lost and said to be.
  world.failing = 0;
  for (const server of servers) {
    server.machine.isPaused = false;
    server.isCut = false;
  }
  await driveUntil(world, () => servers.every(({ isUp }) => isUp) || faults.length > 0);
  expect(faults).toEqual([]);
  await drive(world, Promise.all(servers.map(({ writer }) => writer?.flush().catch(expected))));
  for (let number = 0; number < PARTITIONS; number++) {
    const before = acknowledged.size;
    while (acknowledged.size === before) {
      await driveUntil(world, () => (leadersNow()[number] ?? -1) >= 0);
      const leader = servers[leadersNow()[number] as number] as SimulatedServer;
      await drive(world, append(leader, number, "stored"));
    }
  }
  // All have heard who leads.
  const epochs = () =>
    servers.map(({ cluster }) => `${cluster?.epoch(TOPIC.id, 0)} ${cluster?.epoch(TOPIC.id, 1)}`);
  await driveUntil(world, () => new Set(epochs()).size === 1);
  await drive(world, Promise.all(servers.map(({ writer }) => writer?.dropLost())));
  await drive(world, Promise.all(servers.map(({ writer }) => writer?.close())));
  stop();
  expect(faults).toEqual([]);
  count("lost", lost);
  count("late", world.late);

  const meta = await recovered(world, place);
  const lastEpochs = Array.from({ length: PARTITIONS }, () => 0);
  const found = Array.from({ length: PARTITIONS }, () => new Map<bigint, string>());
  for (const [number, records] of found.entries()) {
    let epoch = 0;
    for (const segment of await meta.segments(TOPIC.id, number)) {
      const uri = place.object(segment);
      const body = world.objects.get(uri) as Buffer;
      for (const entry of verifySegment(body, uri).blocks)
        for (const { bytes } of readBlock(
          body.subarray(entry.position, entry.position + entry.bytes),
          entry,
          uri,
        )) {
          expect(leaderEpochOf(bytes), "leaders in their order").toBeGreaterThanOrEqual(epoch);
          epoch = leaderEpochOf(bytes);
          lastEpochs[number] = epoch;
          for (const { offset, value } of readRecords(bytes, uri))
            records.set(offset, Buffer.from(value ?? []).toString());
        }
    }
    for (const [offset, value] of observed[number] ?? [])
      expect(records.get(offset), `offset ${offset}, which a reader saw`).toBe(value);
    const offsets = [...records.keys()];
    expect(offsets).toEqual(offsets.map((_, i) => BigInt(i)));
    expect(new Set(records.values()).size).toBe(records.size);
  }
  let missing = 0;
  for (const [value, { partition, offset, ack }] of acknowledged) {
    if (found[partition]?.get(offset) === value) continue;
    expect(ack, `record ${value} at ${partition}/${offset}`).toBe("wal");
    missing++;
  }
  // Nothing is lost in silence.
  expect(lost).toBeGreaterThanOrEqual(missing);

  // With etcd lost as well, epochs go on behind those of the records, also by a clock that is far behind them.
  const last = new SimulatedServer(world, new FakeEtcd(() => world.now), place, "c");
  await drive(world, last.start());
  const parts = { store: world.store, place, meta: last.meta as EtcdMeta, clock: world.clock };
  await drive(world, recoverLog(parts));
  for (const [number, epoch] of lastEpochs.entries()) {
    await driveUntil(world, () => last.cluster?.leads(TOPIC.id, number) === true);
    expect(last.cluster?.epoch(TOPIC.id, number)).toBeGreaterThan(epoch);
  }
  await drive(world, Promise.resolve(last.writer?.close()));
}

/** What may befall anyone. @returns its code. */
function expected(error: unknown): string {
  const { code = "" } = error as { code?: string };
  if (!/^(STORAGE_FAILED|CLOSED|NOT_LEADER|FENCED|OBJECT_NOT_FOUND)$/.test(code)) throw error;
  return code;
}
