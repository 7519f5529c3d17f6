import { describe, expect, test } from "vitest";
import { LakehouseError } from "../../../lib/lakehouse/errors.js";
import { asc } from "../../../lib/lakehouse/iceberg/model/partitioning/sort-order.js";
import { identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import {
  defineSchema,
  int,
  list,
  string,
  struct,
} from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { updateProperties } from "../../../lib/lakehouse/iceberg/table/evolution/settings.js";
import type { StreamOptions } from "../../../lib/lakehouse/iceberg/table/stream/options.js";
import type { StreamWriter } from "../../../lib/lakehouse/iceberg/table/stream/stream-writer.js";
import { Table } from "../../../lib/lakehouse/iceberg/table/table.js";
import { orphans } from "../support/commits.js";
import { FailingStore } from "../support/failing-store.js";
import { FakeClock, rowsIn } from "../support/streams.js";
import { createTable, scratch } from "../support/tables.js";

interface Reading {
  n: number;
  place: string;
}
const schema = defineSchema({ n: int(), place: string().optional() });
const reading = (n: number, place = "a"): Reading => ({ n, place });

/** A table, a clock, and a stream on both. */
async function streamed(
  use: (world: {
    table: Table<Reading>;
    clock: FakeClock;
    committer: Awaited<ReturnType<typeof createTable<Reading>>>["committer"];
    open: (options?: StreamOptions, on?: Table<Reading>) => Promise<StreamWriter<Reading>>;
    numbers: () => Promise<unknown[]>;
  }) => Promise<void>,
  init: Partial<Parameters<typeof createTable>[1]> = {},
): Promise<void> {
  await scratch(async (directory) => {
    const { table, committer } = await createTable<Reading>(directory, { schema, ...init });
    const clock = new FakeClock();
    await use({
      table,
      clock,
      committer,
      open: (options = {}, on = table) => on.stream({ clock, ...options }),
      numbers: async () =>
        (await rowsIn(await table.refresh())).map(({ n }) => n).sort((a, b) => Number(a) - Number(b)),
    });
  });
}

describe("a stream of rows", () => {
  test("is one commit an interval, and an idle stream's last rows are committed when theirs is over", () =>
    streamed(
      async ({ clock, open, numbers, committer }) => {
        const writer = await open();
        for (let n = 0; n < 5; n++) {
          await writer.write(reading(n));
          clock.pass(10);
        }
        clock.pass(940);
        expect(committer.commits).toBe(0);
        expect(clock.timers.size).toBe(1);
        clock.pass(10);
        await writer.flush();
        expect(await numbers()).toEqual([0, 1, 2, 3, 4]);
        expect(committer.commits).toBe(1);
        // Nothing waits, and nothing keeps the process.
        expect(clock.timers.size).toBe(0);
        clock.pass(5_000);
        await writer.close();
        expect(committer.commits).toBe(1);
      },
      { properties: { "write.target-file-age-ms": "1000" } },
    ));

  test("the interval is a minute where the table says nothing, and the table's later where it changes", () =>
    streamed(async ({ table, clock, open, committer }) => {
      const writer = await open();
      await writer.write(reading(1));
      clock.pass(59_999);
      expect(committer.commits).toBe(0);
      clock.pass(1);
      await writer.flush();
      expect(committer.commits).toBe(1);
      await table.update([updateProperties({ set: { "write.target-file-age-ms": "0" } })]);
      await writer.write(reading(2));
      await writer.flush();
      await writer.write(reading(3));
      expect(clock.timers.size).toBe(0);
      clock.pass(1e9);
      await writer.close();
      expect(committer.commits).toBe(4);
    }));

  test("files end at the table's size, and are in one commit all the same", () =>
    streamed(
      async ({ table, open, numbers }) => {
        const writer = await open();
        // Each batch of rows is larger than a file should be.
        for (let n = 0; n < 50_000; n++) await writer.write(reading(n, `place ${n}`));
        await writer.close();
        const now = await table.refresh();
        expect(now.metadata.snapshots).toHaveLength(1);
        expect((await now.scan().planAll()).tasks.length).toBeGreaterThan(2);
        expect(await numbers()).toHaveLength(50_000);
      },
      { properties: { "write.target-file-size-bytes": "100000" } },
    ));

  test("a partition has one file a commit, sorted by the table's order", () =>
    streamed(
      async ({ table, open }) => {
        const writer = await open();
        for (const n of [5, 3, 9, 1, 7])
          for (const place of ["a", "b"]) await writer.write(reading(n, place));
        await writer.close();
        const files = (await (await table.refresh()).inspect.files()).map(
          ({ partition, recordCount, sortOrderId }) => ({
            partition,
            recordCount,
            sortOrderId,
          }),
        );
        expect(files).toEqual(
          ["a", "b"].map((place) => ({ partition: { place }, recordCount: 5n, sortOrderId: 1 })),
        );
        expect((await rowsIn(await table.refresh())).map(({ n }) => n)).toEqual([
          1, 3, 5, 7, 9, 1, 3, 5, 7, 9,
        ]);
      },
      { partitionSpec: [identity("place")], sortOrder: [asc("n")] },
    ));

  test("a row that does not fit names itself, and the others are taken", () =>
    streamed(async ({ open, numbers, clock }) => {
      const writer = await open({ source: "s" });
      await expect(writer.write({ n: "x" } as never, { offset: 0n })).rejects.toMatchObject({
        code: "SCHEMA_MISMATCH",
        subject: "n",
        message: expect.stringContaining('Of "s", offset 0: Row 0, column "n": expected '),
      });
      // Nothing waits for a commit.
      expect(clock.timers.size).toBe(0);
      await writer.write(reading(1), { offset: 1n });
      await expect(
        writer.write([reading(2), { n: 3, place: 4 } as never], { offset: 2n }),
      ).rejects.toMatchObject({ message: expect.stringContaining("offset 2: Row 1") });
      await expect(writer.write({ n: 4, no: 1 } as never, { offset: 2n })).rejects.toMatchObject({
        subject: "no",
      });
      expect(await writer.write([reading(2), reading(3)], { offset: 2n })).toBe(true);
      await writer.close();
      expect(await numbers()).toEqual([1, 2, 3]);
    }));

  test("a row is what it was when it was given", () =>
    streamed(async ({ open, numbers }) => {
      const writer = await open();
      const row = reading(1);
      await writer.write(row);
      row.n = 2;
      await writer.close();
      expect(await numbers()).toEqual([1]);
    }));

  test("goes on where the table is: offsets that it has are skipped", () =>
    streamed(async ({ open, numbers, table }) => {
      const first = await open({ source: "s" });
      expect(first.position).toBeUndefined();
      expect(await first.write(reading(1), { offset: 10n })).toBe(true);
      expect(await first.write(reading(1), { offset: 10n })).toBe(false);
      expect(await first.write(reading(0), { offset: 4n })).toBe(false);
      // A message that becomes no row.
      await first.write([], { offset: 11n });
      await first.close();
      // Others of the same table, compaction and expiry in between.
      const other = await open({ source: "another" });
      await other.write(reading(100), { offset: 1n });
      await other.close();
      let now = await (await table.refresh()).append([reading(200)]);
      now = await now.rewriteManifests();
      await now.expireSnapshots({ retainLast: 1, olderThan: new Date() });
      const second = await open({ source: "s" });
      expect(second.position).toBe(11n);
      for (let offset = 9n; offset < 14n; offset++) await second.write(reading(Number(offset)), { offset });
      await second.close();
      expect(second.position).toBe(13n);
      expect(await numbers()).toEqual([1, 12, 13, 100, 200]);
    }));

  test("of two writers of a source one goes on, and the other doubles nothing", () =>
    streamed(async ({ open, numbers }) => {
      const [one, two] = [await open({ source: "s" }), await open({ source: "s" })];
      await one.write(reading(1), { offset: 1n });
      await two.write(reading(1), { offset: 1n });
      await two.flush();
      await expect(one.flush()).rejects.toMatchObject({
        code: "COMMIT_CONFLICT",
        message: expect.stringContaining("another stream has written the same source"),
      });
      await expect(one.write(reading(2), { offset: 2n })).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
      await expect(one.close()).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
      await one[Symbol.asyncDispose]();
      await two.write(reading(2), { offset: 2n });
      await two.close();
      expect(await numbers()).toEqual([1, 2]);
    }));

  test("a rollback takes the position back, and a writer that did not know is told", () =>
    streamed(async ({ open, numbers, table }) => {
      const writer = await open({ source: "s" });
      await writer.write(reading(1), { offset: 1n });
      await writer.flush();
      const was = (await table.refresh()).currentSnapshot?.snapshotId as bigint;
      await writer.write(reading(2), { offset: 2n });
      await writer.flush();
      await (await table.refresh()).rollback(was);
      await writer.write(reading(3), { offset: 3n });
      await expect(writer.close()).rejects.toMatchObject({
        message: expect.stringContaining("it was rolled back"),
      });
      const again = await open({ source: "s" });
      expect(again.position).toBe(1n);
      for (const n of [1, 2, 3]) await again.write(reading(n), { offset: BigInt(n) });
      await again.close();
      expect(await numbers()).toEqual([1, 2, 3]);
      expect(await orphans(await table.refresh())).toEqual([]);
    }));

  test("commits beside other writers", () =>
    streamed(
      async ({ open, numbers, table }) => {
        const writers = [await open({ source: "a" }), await open({ source: "b" }), await open()];
        for (let n = 0; n < 10; n++) {
          const [a, b, c] = writers as [StreamWriter<Reading>, StreamWriter<Reading>, StreamWriter<Reading>];
          await a.write(reading(n), { offset: BigInt(n) });
          await b.write(reading(100 + n), { offset: BigInt(n) });
          await c.write(reading(200 + n));
          await Promise.all([...writers.map((writer) => writer.flush()), table.append([reading(300 + n)])]);
        }
        await Promise.all(writers.map((writer) => writer.close()));
        expect(await numbers()).toHaveLength(40);
        expect(new Set(await numbers()).size).toBe(40);
      },
      { properties: { "commit.retry.num-retries": "100", "commit.retry.min-wait-ms": "1" } },
    ));

  test.each(["before", "after"])("a commit whose answer was lost %s it happened is there once", (when) =>
    streamed(async ({ open, numbers, committer }) => {
      const writer = await open({ source: "s" });
      await writer.write(reading(1), { offset: 1n });
      const lost = async () => {
        committer.beforeSwap = undefined;
        committer.afterSwap = undefined;
        throw new LakehouseError("COMMIT_STATE_UNKNOWN", "t", "The answer was lost.");
      };
      if (when === "before") committer.beforeSwap = lost;
      else committer.afterSwap = lost;
      await writer.flush();
      await writer.write(reading(2), { offset: 2n });
      await writer.close();
      expect(await numbers()).toEqual([1, 2]);
    }),
  );

  test("files of a commit that may have happened stay where they are", () =>
    streamed(async ({ table, numbers, committer, clock }) => {
      let isCut = false;
      const cut = new Proxy(committer, {
        get: (target, key) =>
          key === "load" && isCut
            ? () => Promise.reject(new LakehouseError("STORAGE_FAILED", "t", "The line is cut."))
            : Reflect.get(target, key, target)?.bind?.(target),
      });
      const there = new Table<Reading>({ ...table, identifier: table.identifier, committer: cut });
      const writer = await there.stream({ source: "s", clock });
      await writer.write(reading(1), { offset: 1n });
      committer.afterSwap = async () => {
        isCut = true;
        throw new LakehouseError("COMMIT_STATE_UNKNOWN", "t", "The answer was lost.");
      };
      await expect(writer.flush()).rejects.toMatchObject({ code: "STORAGE_FAILED" });
      committer.afterSwap = undefined;
      expect(await numbers()).toEqual([1]);
    }));

  test("whichever write fails, the table is whole, nothing is left over, and the next writer goes on", () =>
    streamed(
      async ({ open, table }) => {
        const options = { identifier: table.identifier, committer: table.committer };
        for (let after = 0, failed = true; failed; after++) {
          const failing = new FailingStore(table.store);
          const now = await table.refresh();
          const broken = new Table<Reading>({ ...now, ...options, store: failing.store });
          const writer = await open({ source: "s" }, broken);
          const from = (writer.position ?? -1n) + 1n;
          failing.failAfter(after);
          await writer.write(reading(Number(from), "a"), { offset: from });
          await writer.write(reading(Number(from + 1n), "b"), { offset: from + 1n });
          failed = await writer.close().then(
            () => false,
            (error) => {
              expect(error).toMatchObject({ code: "STORAGE_FAILED" });
              return true;
            },
          );
          const then = await table.refresh();
          expect(await orphans(then)).toEqual([]);
          if (failed) expect(then.metadataLocation).toBe(now.metadataLocation);
          const next = await open({ source: "s" });
          for (let offset = from; offset < from + 2n; offset++)
            await next.write(reading(Number(offset), "c"), { offset });
          await next.close();
          expect(await rowsIn(await table.refresh())).toHaveLength((after + 1) * 2);
        }
      },
      { partitionSpec: [identity("place")] },
    ));

  test("an aborted stream leaves nothing of what waited", () =>
    streamed(async ({ open, numbers, table, clock }) => {
      const stop = new AbortController();
      const writer = await open({ signal: stop.signal });
      await writer.write(reading(1));
      await writer.flush();
      for (let n = 2; n < 40_000; n++) await writer.write(reading(n));
      stop.abort();
      await expect(writer.write(reading(0))).rejects.toMatchObject({ code: "ABORTED" });
      await expect(writer.close()).rejects.toMatchObject({ code: "ABORTED" });
      expect(clock.timers.size).toBe(0);
      expect(await numbers()).toEqual([1]);
      expect(await orphans(await table.refresh())).toEqual([]);
    }));

  test("does not take what it cannot keep", () =>
    streamed(async ({ table, open }) => {
      const anonymous = await open();
      await expect(anonymous.write(reading(1), { offset: 1n })).rejects.toMatchObject({ subject: "offset" });
      const named = await open({ source: "s" });
      for (const place of [
        undefined,
        {},
        { offset: 1 },
        { offset: -1n },
        { offset: 2n ** 63n },
        { offset: null },
      ])
        await expect(named.write(reading(1), place as never)).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
        });
      for (const options of [
        { source: "" },
        { source: "\ud800" },
        { source: 1 },
        { sorce: "s" },
        { from: 1n },
        { source: "s", from: 1 },
        { bufferBytes: 0 },
      ])
        await expect(table.stream(options as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      await named.close();
      await named.close();
      await expect(named.write(reading(1), { offset: 1n })).rejects.toMatchObject({ code: "CLOSED" });
      await expect(named.flush()).rejects.toMatchObject({ code: "CLOSED" });
    }));

  test("waits for room where rows come faster than they are written", () =>
    streamed(
      async ({ table, numbers }) => {
        // A disk that takes nothing for a while.
        let release = () => {};
        const held = new Promise<void>((go) => {
          release = go;
        });
        const store = new Proxy(table.store, {
          get: (target, key) => {
            if (key !== "put") return Reflect.get(target, key).bind?.(target) ?? Reflect.get(target, key);
            return async (...args: Parameters<typeof target.put>) => {
              if (args[0].includes("/data/")) await held;
              return target.put(...args);
            };
          },
        });
        const slow = new Table<Reading>({
          ...table,
          identifier: table.identifier,
          committer: table.committer,
          store,
        });
        const writer = await slow.stream({ bufferBytes: 100_000 });
        let taken = 0;
        const feeding = (async () => {
          for (; taken < 600_000; taken++) await writer.write(reading(taken, `${taken % 3}`));
        })();
        // What is encoded and waits for its put is not counted: how much that is depends on which of them is faster.
        for (let before = -1; taken === 0 || taken !== before; ) {
          before = taken;
          await new Promise((go) => setTimeout(go, 300));
        }
        expect(taken).toBeLessThan(300_000);
        release();
        await feeding;
        await writer.close();
        expect(await numbers()).toHaveLength(600_000);
      },
      { partitionSpec: [identity("place")] },
    ));

  test("where nothing says how far the table has come, it is asked for", () =>
    streamed(async ({ open, table, numbers }) => {
      const writer = await open({ source: "s" });
      await writer.write(reading(1), { offset: 1n });
      await writer.close();
      // Another engine's snapshots carry nothing, and ours expire.
      const { metadata } = await table.refresh();
      const bare = metadata.snapshots.map((snapshot) => ({
        ...snapshot,
        parentSnapshotId: 7n,
        summary: { operation: "append" as const },
      }));
      const foreign = (await table.refresh()).view(
        { ...metadata, metadataLog: [], snapshots: bare },
        undefined,
      );
      const lost = new Table<Reading>({
        ...foreign,
        identifier: table.identifier,
        committer: {
          load: async () => ({ ...foreign }),
          commit: (request) => table.committer.commit(request),
        },
      });
      await expect(open({ source: "s" }, lost)).rejects.toMatchObject({ code: "POSITION_LOST" });
      const told = await open({ source: "s", from: 2n }, lost);
      expect(told.position).toBeUndefined();
      expect(await told.write(reading(1), { offset: 1n })).toBe(false);
      expect(await told.write(reading(2), { offset: 2n })).toBe(true);
      await told.close();
      expect(await numbers()).toEqual([1, 2]);
    }));

  test("a new source of a table with a long history needs none of it", () =>
    streamed(async ({ open, table }) => {
      let now = table;
      for (let n = 0; n < 3; n++) now = await now.append([reading(n)]);
      now = await now.expireSnapshots({ retainLast: 1, olderThan: new Date() });
      const alone = now.view({ ...now.metadata, metadataLog: [] }, undefined);
      const committer = { load: async () => ({ ...alone }), commit: () => Promise.reject() };
      const writer = await open(
        { source: "new" },
        new Table<Reading>({ ...alone, identifier: table.identifier, committer }),
      );
      expect(writer.position).toBeUndefined();
    }));
});

test("a row that is refused in the middle of a list or struct leaves no trace", () =>
  scratch(async (directory) => {
    const nested = defineSchema({
      id: int(),
      items: list(struct({ a: int(), b: string().optional() })),
      last: string(),
    });
    const { table } = await createTable(directory, { schema: nested });
    const writer = await table.stream();
    const good = (id: number) => ({ id, items: [{ a: id, b: `${id}` }, { a: -id }], last: "x" });
    await writer.write(good(1));
    for (const bad of [
      { ...good(2), items: [{ a: 2 }, { a: "x" }] },
      { ...good(2), last: null },
      { id: 2, items: [null], last: "x" },
    ])
      await expect(writer.write(bad)).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
    await writer.write(good(3));
    await writer.close();
    const { tasks } = await (await table.refresh()).scan().planAll();
    expect(tasks.map(({ dataFile }) => dataFile.recordCount)).toEqual([2n]);
    const [file] = await (await table.refresh()).inspect.files();
    expect(file?.readableMetrics).toMatchObject({ id: { lowerBound: 1, upperBound: 3 } });
  }));
