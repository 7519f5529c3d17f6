import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { day, defineSchema, eq, int, type Lakehouse, openLakehouse, timestamp } from "sololakehouse";
import { branchMoves } from "sololakehouse/catalog";
import { plannedScans, tableCommits } from "sololakehouse/iceberg";
import type { EventChannel } from "sololakehouse/observability";
import { definePipeline, step } from "sololakehouse/orchestration";
import { queries } from "sololakehouse/query";
import {
  cacheLookups,
  LocalStore,
  ObservedStore,
  openFileCache,
  storageRequests,
} from "sololakehouse/storage";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
let lake: Lakehouse;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slh-metrics-"));
  lake = await openLakehouse({ root: folder });
});
afterEach(async () => {
  await lake.close();
  await rm(folder, { recursive: true, force: true });
});

const schema = defineSchema({ n: int(), landed: timestamp() });
const rows = [1, 2].map((n) => ({ n, landed: new Date(Date.UTC(2026, 10, n)) }));
const makeTable = () => lake.createTable("s.t", { schema, partitionSpec: [day("landed")] });

async function listenTo<Event extends object>(
  channel: EventChannel<Event>,
  work: () => Promise<unknown>,
): Promise<Event[]> {
  const heard: Event[] = [];
  const end = channel.subscribe((event) => heard.push(event));
  try {
    await work();
  } finally {
    end();
  }
  return heard;
}

/** As a store that is far away: its objects have no path here. */
class FarStore extends ObservedStore {
  override localPath(): undefined {}
}

const milliseconds = expect.any(Number);

test("requests to the store are told with their bytes and outcome", async () => {
  const uri = `${lake.store.root}/a`;
  const heard = await listenTo(storageRequests, async () => {
    await lake.store.put(uri, Buffer.from("four"));
    await lake.store.read(uri, { start: 1, end: 3 });
    for await (const _ of lake.store.stream(uri));
    for await (const _ of lake.store.list(uri));
    await lake.store.head(uri);
    await lake.store.delete([uri]);
    await lake.store.read(uri).catch(() => undefined);
  });
  const ok = { uri, outcome: "ok", milliseconds };
  expect(heard).toEqual([
    { operation: "put", bytes: 4, ...ok },
    { operation: "read", bytes: 2, ...ok },
    { operation: "stream", bytes: 4, ...ok },
    { operation: "list", bytes: 0, ...ok },
    { operation: "head", bytes: 0, ...ok },
    { operation: "delete", bytes: 0, ...ok },
    { operation: "read", bytes: 0, uri, outcome: "OBJECT_NOT_FOUND", milliseconds },
  ]);
});

test("the file cache tells what it had and what it fetched", async () => {
  const store = new FarStore(new LocalStore(join(folder, "elsewhere")));
  const uri = `${store.root}/a`;
  await store.put(uri, Buffer.alloc(100));
  const cache = openFileCache({ dir: join(folder, "cached"), maxBytes: 1000 });
  const heard = await listenTo(cacheLookups, async () => {
    const hold = cache.hold();
    await hold.file(store, uri, { size: 100, ranges: [{ start: 0, end: 10 }] });
    await hold.file(store, uri, { size: 100, ranges: [{ start: 5, end: 20 }] });
    hold.release();
    await cache.close();
  });
  expect(heard).toEqual([
    // A small object comes whole.
    { uri, bytesHit: 0, bytesMissed: 100 },
    { uri, bytesHit: 100, bytesMissed: 0 },
  ]);
});

test("commits are told with how often they had to be made again", async () => {
  const table = await makeTable();
  const moved = await listenTo(branchMoves, async () => {
    const heard = await listenTo(tableCommits, async () => {
      await table.append(rows);
      await table.append(rows); // on the table as it was before the first
    });
    const snapshotId = expect.any(BigInt);
    const told = { table: table.location, operation: "append", snapshotId, outcome: "ok", milliseconds };
    expect(heard).toEqual([
      { ...told, retries: 0 },
      { ...told, retries: 1 },
    ]);
    expect(new Set(heard.map(({ snapshotId }) => snapshotId)).size).toBe(2);
  });
  const told = { branch: "main", retries: 0, milliseconds };
  expect(moved.at(0)).toEqual({ ...told, changes: 1, outcome: "ok" });
  expect(moved.reduce((sum, { changes }) => sum + changes, 0)).toBe(2);
});

test("plans tell the files that they want and those that they leave out, queries what they read", async () => {
  const table = await (await makeTable()).append(rows);
  const filter = eq("landed", rows[0]?.landed as Date);
  const plan = { table: table.location, snapshotId: table.currentSnapshot?.snapshotId, deleteFiles: 0 };
  const skipping = { dataFiles: 1, skippedDataFiles: 1, skippedManifests: 0, milliseconds };
  expect(await listenTo(plannedScans, () => table.scan({ filter }).planAll())).toEqual([
    { ...plan, ...skipping, filter, bytes: 390n, totalBytes: 780n },
  ]);
  const asked = await listenTo(queries, async () => {
    await lake.sql("select * from s.t where landed < '2026-11-01 12:00:00'");
    await lake.read(table);
    await lake.sql("select * from").catch(() => undefined);
  });
  const outcome = "ok";
  expect(asked).toEqual([
    { kind: "sql", outcome, dataFiles: 1, skippedDataFiles: 1, milliseconds },
    { kind: "scan", outcome, dataFiles: 2, skippedDataFiles: 0, milliseconds },
    { kind: "sql", outcome: "INVALID_SQL", dataFiles: 0, skippedDataFiles: 0, milliseconds },
  ]);
});

test("lake.metrics() has what was done since it was opened, as plain data", async () => {
  expect(lake.metrics()).toEqual([]);
  await (await makeTable()).append(rows);
  await lake.sql("select * from s.t");
  const metrics = structuredClone(lake.metrics());
  const found = (name: string) => metrics.filter((metric) => metric.name === name);
  expect(found("iceberg.commit.duration")).toMatchObject([
    { kind: "histogram", unit: "ms", labels: { outcome: "ok" }, count: 1 },
  ]);
  expect(found("query.files")).toMatchObject([{ kind: "counter", unit: "1", sum: 2 }]);
  expect(found("storage.bytes").map(({ labels }) => labels.operation)).toContain("put");
  expect(found("storage.request.duration").length).toBeGreaterThan(1);
  await lake.on("main").close();
  expect(storageRequests.hasSubscribers).toBe(true);
  await lake.close();
  expect(storageRequests.hasSubscribers).toBe(false);
  expect(lake.metrics()).toEqual(metrics);
});

test("nothing is counted after the end, also where a run has seen the lakehouse on a branch of its own", async () => {
  const look = step({ name: "look", run: async ({ lake: seen }) => void (await seen.sql("select 1")) });
  await lake.orchestration.run(definePipeline({ name: "p", steps: [look] }));
  expect(queries.hasSubscribers).toBe(true);
  await lake.close();
  expect(queries.hasSubscribers).toBe(false);
});
