import { expect, test } from "vitest";
import type { SqliteMeta } from "../../../lib/lakehouse/log/meta/sqlite-meta.js";
import type { Partition } from "../../../lib/lakehouse/log/partition/partition.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import { nextOffset } from "../../../lib/lakehouse/log/partition/tail.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import { runs } from "../../support/runs.js";
import { drive, driveUntil, emptyMeta, recovered, simulate } from "../support/histories.js";
import { Connection, codeOf, type Sent, SimulatedClient } from "../support/simulated-clients.js";
import {
  openServer,
  type SimulatedServer,
  STATE_TOPICS,
  simulatedTopic,
} from "../support/simulated-server.js";
import { World } from "../support/world.js";

// As test/log/simulation.test.ts, with producers that outlive the server, send again what was not answered, and write in
// transactions: SLH_SEED=123 npx vitest run test/log/transactions/simulation.test.ts

const HISTORIES = runs(100);
const PARTITIONS = 2;
const TOPIC = simulatedTopic("simulated", "01234567-89ab-cdef-0123-456789abcdef", PARTITIONS);

test("readers of what is committed see whole transactions or nothing of them, and each record once, whatever fails", async () => {
  await simulate(HISTORIES, history);
});

async function history(seed: number): Promise<void> {
  const world = new World(seed);
  const place = new Place(world.store);
  let meta = emptyMeta();
  for (const topic of [TOPIC, ...STATE_TOPICS]) {
    await meta.createTopic(topic);
    world.objects.set(place.topic(topic.id), Buffer.from(JSON.stringify(topic)));
  }
  const sent: Sent[] = [];
  const seen = Array.from({ length: PARTITIONS }, () => new Map<bigint, string>());
  const faults: string[] = [];
  const connection = new Connection();
  // Two speak for one transactional id: the later fences the earlier.
  const clients = [undefined, "a", "b", "b"].map(
    (id, number) => new SimulatedClient(world, connection, TOPIC, number, id, sent),
  );
  const report = (error: unknown) => faults.push(String(error));

  const begin = async (failing: number): Promise<{ readonly server: () => SimulatedServer | undefined }> => {
    world.failing = failing;
    let server: SimulatedServer | undefined;
    openServer(world, meta, place).then((opened) => {
      server = opened;
      connection.up(opened);
    }, report);
    const isBeside = world.chance(0.3);
    for (const [partition, map] of seen.entries())
      void followCommitted(
        world,
        reader(world, meta, place, partition, () =>
          isBeside ? undefined : server?.writer.opened(TOPIC.id, partition),
        ),
        map,
      ).catch(report);
    return { server: () => server };
  };

  const lives = 1 + world.below(4);
  for (let i = 0; i < lives; i++) {
    const life = await begin(world.chance(0.5) ? 0 : 0.1);
    const steps = 40 + world.below(200);
    for (let step = 0; step < steps; step++) {
      const client = clients[world.below(clients.length)] as SimulatedClient;
      if (life.server() !== undefined && !client.isBusy && world.chance(0.4)) client.next().catch(report);
      await world.step();
    }
    connection.down();
    const server = life.server();
    if (server !== undefined && world.chance(0.3)) {
      server.coordinator.close();
      // It tries once more, whatever fails.
      const closing = server.writer
        .close()
        .catch((error) => codeOf(error) === "STORAGE_FAILED" || report(error));
      if (world.chance(0.7)) await drive(world, closing);
    }
    world.crash();
    if (!world.chance(0.2)) continue;
    // The machine is gone, with its disk: what was acknowledged as stored is there all the same, and as a whole.
    world.files.clear();
    world.failing = 0;
    meta = await recovered(world, place);
    for (const one of sent) if (one.ack === "wal") one.fate = "any";
    for (const map of seen) map.clear();
  }

  const last = await begin(0);
  await driveUntil(world, () => last.server() !== undefined);
  const { writer, coordinator } = last.server() as SimulatedServer;
  await driveUntil(world, () => clients.every(({ isBusy }) => !isBusy));
  // What nobody ends any more is ended by its time.
  const partitions: Partition[] = [];
  for (let number = 0; number < PARTITIONS; number++)
    partitions.push(await drive(world, writer.partition(TOPIC, number)));
  await driveUntil(world, () => partitions.every((one) => one.lastStable === one.highWatermark));
  await drive(world, writer.flush());
  coordinator.close();
  await drive(world, writer.close());
  expect(faults).toEqual([]);

  for (const known of [meta, await recovered(world, place)]) {
    const visible: string[] = [];
    for (let number = 0; number < PARTITIONS; number++) {
      const there = reader(world, known, place, number, () => undefined);
      const all = await drive(world, readAll(there, "read_uncommitted"));
      expect(new Set(all.values()).size, "each record is there once").toBe(all.size);
      const committed = await drive(world, readAll(there, "read_committed"));
      for (const [offset, value] of seen[number] as Map<bigint, string>)
        expect(committed.get(offset), `offset ${offset}, which a reader saw`).toBe(value);
      for (const value of committed.values()) visible.push(`${number}/${value}`);
    }
    check(sent, visible);
  }
}

/** What may be seen of what was sent. */
function check(sent: readonly Sent[], visible: readonly string[]): void {
  const there = new Set(visible);
  expect(there.size).toBe(visible.length);
  for (const { fate, values, isTransactional } of sent) {
    const found = values.filter(({ partition, value }) => there.has(`${partition}/${value}`)).length;
    const may = {
      any: [found],
      open: [0],
      asked: [0, values.length],
      committed: [values.length],
    }[fate];
    expect(
      may,
      `of ${values.length} that were sent, ${fate}, in a transaction: ${isTransactional}`,
    ).toContain(found);
  }
}

function reader(
  world: World,
  meta: SqliteMeta,
  place: Place,
  partition: number,
  writer: () => Partition | undefined,
): PartitionReader {
  const segments = new Segments(world.store, place, 2_000);
  return new PartitionReader(TOPIC, partition, { meta, segments, clock: world.clock, writer });
}

type Isolation = "read_committed" | "read_uncommitted";

async function readSome(from: PartitionReader, next: bigint, isolation: Isolation) {
  const batches = await from.batches(next, 200, { isolation });
  const visible = isolation === "read_committed" ? await from.committed(batches) : batches;
  const last = batches.at(-1);
  return {
    records: visible.flatMap(({ bytes }) =>
      readRecords(bytes, "read").map(({ offset, value }) => ({
        offset,
        value: Buffer.from(value ?? []).toString(),
      })),
    ),
    next: last === undefined ? undefined : nextOffset(last),
  };
}

async function readAll(from: PartitionReader, isolation: Isolation): Promise<Map<bigint, string>> {
  const all = new Map<bigint, string>();
  for (let next: bigint | undefined = 0n; next !== undefined; ) {
    const some = await readSome(from, next, isolation);
    for (const { offset, value } of some.records) all.set(offset, value);
    next = some.next;
  }
  return all;
}

/** Reads what is committed until the log is closed. What a reader saw once must stay so. */
async function followCommitted(
  world: World,
  from: PartitionReader,
  seen: Map<bigint, string>,
): Promise<void> {
  const { signal } = new AbortController();
  for (let next = 0n; ; ) {
    try {
      const some = await readSome(from, next, "read_committed");
      for (const { offset, value } of some.records) {
        const before = seen.get(offset) ?? value;
        if (before !== value) throw new Error(`${offset} was ${before}, and then ${value}`);
        seen.set(offset, value);
      }
      if (some.next !== undefined) next = some.next;
      else await from.untilBeyond(next, signal, { isolation: "read_committed" });
    } catch (error) {
      if (codeOf(error) === "CLOSED") return;
      if (codeOf(error) !== "STORAGE_FAILED") throw error;
      if (world.failing === 0) throw error;
    }
  }
}
