import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isLakehouseError, LakehouseError } from "../../../lib/lakehouse/errors.js";
import { asc } from "../../../lib/lakehouse/iceberg/model/partitioning/sort-order.js";
import { identity } from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import { defineSchema, int, long, string } from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { positionOf } from "../../../lib/lakehouse/iceberg/table/stream/position.js";
import type { StreamWriter } from "../../../lib/lakehouse/iceberg/table/stream/stream-writer.js";
import { Table } from "../../../lib/lakehouse/iceberg/table/table.js";
import type { ObjectStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { FakeClock, rowsIn } from "../support/streams.js";
import { createTable, type TestTable } from "../support/tables.js";

const SOURCES = ["a", "b b.ü"] as const;
type Source = (typeof SOURCES)[number];

interface Row {
  source: string;
  at: bigint;
  part: number;
}

/** What a source has at each of its offsets: gaps, rows that fit nothing, and messages of no row or of two. */
const message = (source: Source, i: number) => {
  const at = BigInt(i * 3 + (i % 2));
  const row: Row = { source, at, part: i % 3 };
  if (i % 7 === 5) return { at, rows: [{ ...row, part: "x" } as never], kept: 0 };
  if (i % 7 === 3) return { at, rows: [], kept: 0 };
  if (i % 7 === 6) return { at, rows: [row, { ...row, part: 2 }], kept: 2 };
  return { at, rows: [row], kept: 1 };
};

const source = fc.constantFrom(...SOURCES);
const which = fc.nat(1);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("write" as const), source, which, count: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("flush" as const), source, which }) },
  // Also none, and more than anyone waits.
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(0, 40, 100, 1e12) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("die" as const), source, which, after: fc.nat(12) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("restart" as const), source, which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), source, which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "append" as const,
        "compact" as const,
        "rollback" as const,
        "expire" as const,
        "lose" as const,
      ),
      early: fc.boolean(),
    }),
  },
);

/** A process that writes. It dies in front of any of its requests, and nothing that it asks for afterwards happens. */
class Process {
  #left = Number.POSITIVE_INFINITY;
  writer: StreamWriter<Row> | undefined;
  /** The next message that it writes. */
  next = 0;

  dieAfter(requests: number): void {
    this.#left = requests;
  }

  async open({ table, committer }: TestTable<Row>, source: Source, clock: FakeClock): Promise<void> {
    const asked = <T>(call: () => T): T => {
      if (this.#left-- <= 0) throw new LakehouseError("STORAGE_FAILED", "process", "It is dead.");
      return call();
    };
    const guarded = <Of extends object>(of: Of, names: readonly (keyof Of)[]): Of =>
      new Proxy(of, {
        get: (target, key) => {
          const value = Reflect.get(target, key, target);
          if (typeof value !== "function") return value;
          if (!names.includes(key as keyof Of)) return value.bind(target);
          return async (...args: unknown[]) => asked(() => value.apply(target, args));
        },
      });
    const store: ObjectStore = guarded(table.store, ["put", "delete"]);
    const own = new Table<Row>({
      ...(await table.refresh()),
      identifier: table.identifier,
      store,
      committer: guarded(committer, ["commit"]),
    });
    this.writer = await own.stream({ source, clock, bufferBytes: 2_000 });
    // Often from before where it is: what it has already is given again.
    const position = this.writer.position ?? -1n;
    this.next = Math.max(0, Math.floor(Number(position) / 3) - 2);
  }
}

test("each row of a source up to its position is in the table once, whoever writes, dies, races, rolls back or expires", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.constantFrom("plain", "partitioned", "sorted"),
      async (steps, kind) => {
        const directory = await mkdtemp(join(tmpdir(), "stream-"));
        try {
          const world = await createTable<Row>(directory, {
            schema: defineSchema({ source: string(), at: long(), part: int() }),
            properties: { "write.target-file-age-ms": "100", "commit.retry.min-wait-ms": "1" },
            ...(kind === "plain" ? {} : { partitionSpec: [identity("part")] }),
            ...(kind === "sorted" ? { sortOrder: [asc("at")] } : {}),
          });
          const clock = new FakeClock();
          const processes = new Map(SOURCES.map((source) => [source, [new Process(), new Process()]]));
          const processOf = (source: Source, which: number) => processes.get(source)?.[which] as Process;
          const { table, committer } = world;
          let appended = 0;

          /** A writer that has failed, or lost to another, is left, and another process takes over. */
          const using = async (
            process: Process,
            source: Source,
            use: (writer: StreamWriter<Row>) => Promise<unknown>,
          ) => {
            try {
              if (process.writer === undefined) await process.open(world, source, clock);
              await use(process.writer as StreamWriter<Row>);
            } catch (error) {
              if (!isLakehouseError(error)) throw error;
              expect(["STORAGE_FAILED", "COMMIT_CONFLICT", "COMMIT_STATE_UNKNOWN"]).toContain(error.code);
              process.writer = undefined;
              process.dieAfter(Number.POSITIVE_INFINITY);
            }
          };
          const write = async (process: Process, source: Source, count: number) => {
            for (let i = 0; i < count; i++) {
              const { at, rows } = message(source, process.next);
              await process.writer
                ?.write(rows.length === 1 ? (rows[0] as Row) : rows, { offset: at })
                .catch((error) => {
                  if (!isLakehouseError(error, "SCHEMA_MISMATCH")) throw error;
                });
              process.next++;
            }
          };
          const holds = async () => {
            const now = await table.refresh();
            const rows = await rowsIn(now);
            for (const source of SOURCES) {
              const position = (await positionOf(now, source, undefined)) ?? -1n;
              const expected: string[] = [];
              for (let i = 0; ; i++) {
                const { at, kept, rows } = message(source, i);
                if (at > position) break;
                if (kept > 0) expected.push(...rows.map(({ part }) => `${at} ${part}`));
              }
              const found = rows
                .filter((row) => row.source === source)
                .map(({ at, part }) => `${at} ${part}`);
              expect(found.sort()).toEqual(expected.sort());
            }
          };

          for (const each of steps) {
            // A loss is meant for a stream.
            if (["append", "compact", "expire", "rollback"].includes(each.do)) {
              committer.beforeSwap = undefined;
              committer.afterSwap = undefined;
            }
            switch (each.do) {
              case "write":
                await using(processOf(each.source, each.which), each.source, () =>
                  write(processOf(each.source, each.which), each.source, each.count),
                );
                break;
              case "flush":
                await using(processOf(each.source, each.which), each.source, (writer) => writer.flush());
                break;
              case "pass":
                clock.pass(each.ms);
                await new Promise((go) => setTimeout(go, 2));
                break;
              case "die":
                processOf(each.source, each.which).dieAfter(each.after);
                break;
              case "restart":
                processOf(each.source, each.which).dieAfter(0);
                processOf(each.source, each.which).writer = undefined;
                processes.get(each.source)?.splice(each.which, 1, new Process());
                break;
              case "close":
                await using(processOf(each.source, each.which), each.source, (writer) => writer.close());
                processOf(each.source, each.which).writer = undefined;
                break;
              case "append":
                await (await table.refresh()).append([{ source: "other", at: BigInt(appended++), part: 0 }]);
                break;
              case "compact":
                await (await table.refresh()).rewriteManifests();
                break;
              case "expire":
                await (await table.refresh()).expireSnapshots({
                  retainLast: 1,
                  olderThan: new Date(Date.now() + 1000),
                });
                break;
              case "rollback": {
                const now = await table.refresh();
                const past = now.metadata.snapshots.filter(
                  ({ snapshotId }) => snapshotId !== now.metadata.currentSnapshotId,
                );
                const to = past[each.early ? 0 : past.length - 1];
                if (to !== undefined) await now.setBranch(to.snapshotId);
                break;
              }
              case "lose": {
                const lost = async () => {
                  committer.beforeSwap = undefined;
                  committer.afterSwap = undefined;
                  throw new LakehouseError("COMMIT_STATE_UNKNOWN", "t", "The answer was lost.");
                };
                if (each.early) committer.beforeSwap = lost;
                else committer.afterSwap = lost;
                break;
              }
            }
            await holds();
          }
          committer.beforeSwap = undefined;
          committer.afterSwap = undefined;
          // Whoever comes last, from wherever it begins, brings the rest.
          for (const source of SOURCES) {
            // A commit of an earlier one may still be under way, and comes in between: then it is begun again.
            for (let done = false; !done; ) {
              const last = new Process();
              await using(last, source, async (writer) => {
                last.next = 0;
                await write(last, source, 120);
                await writer.close();
                done = true;
              });
            }
            const position = await positionOf(await table.refresh(), source, undefined);
            expect(position).toBeGreaterThanOrEqual(message(source, 119).at);
          }
          await holds();
        } finally {
          await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
        }
      },
    ),
    { numRuns: runs(25) },
  );
});
