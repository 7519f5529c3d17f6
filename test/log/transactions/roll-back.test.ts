import { expect, onTestFinished, test } from "vitest";
import { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import { Writer } from "../../../lib/lakehouse/log/writer.js";
import { batchOf } from "../support/records.js";
import { simulatedTopic } from "../support/simulated-server.js";
import { World } from "../support/world.js";

const TOPIC = simulatedTopic("simulated", "01234567-89ab-cdef-0123-456789abcdef", 1);

test("after the disk has refused something, what was aborted before stays so, and batches are known as they were", async () => {
  const world = new World(1);
  const meta = new SqliteMeta(":memory:");
  onTestFinished(() => meta.close());
  await meta.createTopic(TOPIC);
  const place = new Place(world.store);
  world.objects.set(place.topic(TOPIC.id), Buffer.from(JSON.stringify(TOPIC)));
  const { store, clock, disk } = world;
  const parts = { store, clock, disk, meta, place, bufferBytes: 10_000 };
  const writer = await done(world, Writer.open(parts));
  const partition = await done(world, writer.partition(TOPIC, 0));
  const learn = () =>
    done(
      world,
      partition.transactions.learn({ producerId: 7n, epoch: 0 }, async () => 1),
    );
  await learn();
  const batch = (value: string, baseSequence: number) =>
    batchOf([{ value }], "none", 0n, {
      producerId: 7n,
      producerEpoch: 0,
      baseSequence,
      kind: "transactional",
    });
  await done(world, partition.append(await batch("aborted", 0), "wal"));
  await done(world, partition.appendMarker(7n, 0, "abort", "stored"));
  expect(partition.tailStart).toBe(0n);
  await learn();

  world.failing = 1;
  const refused = partition.append(await batch("refused", 1), "wal");
  await expect(done(world, refused)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  world.failing = 0;

  const segments = new Segments(store, place, 2_000);
  const reader = new PartitionReader(TOPIC, 0, { meta, segments, clock, writer: () => partition });
  const batches = await done(world, reader.batches(0n, 1_000, { isolation: "read_committed" }));
  expect(batches).toHaveLength(2);
  expect(await done(world, reader.committed(batches))).toEqual([]);
  // The one that was refused is not known; the one before it is.
  const again = await done(world, partition.append(await batch("aborted", 0), "wal"));
  expect(again.baseOffset).toBe(0n);
  const sent = await done(world, partition.append(await batch("refused", 1), "wal"));
  expect(sent.baseOffset).toBe(2n);
  await done(world, writer.close());
});

async function done<T>(world: World, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  for (let i = 0; !isSettled && i < 10_000; i++) await world.step();
  return promise;
}
