import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { assignmentOf } from "../../../lib/lakehouse/log/groups/consumer-protocol.js";
import type { AssignorName, ConsumeOptions, Log } from "../../../lib/lakehouse/log/index.js";
import { runs } from "../../support/runs.js";
import { openLog, testFolder, texts } from "../support/lake-log.js";

const QUICK = { group: "readers", sessionTimeoutMs: 300, commitEveryMs: 0 };
const COOPERATIVE = { ...QUICK, assignor: "cooperative-sticky", commit: "manual" } as const;

async function flights(partitions = 4): Promise<Log> {
  const log = openLog(testFolder(), { groups: { initialRebalanceDelayMs: 0, minSessionTimeoutMs: 1 } });
  await log.createTopic("flights", { partitions });
  return log;
}

/** Asks for the next again and again, until there is one, while other things go on. */
async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await done())) await sleep(10);
}

/** How many partitions each member of the group has. */
async function shares(log: Log): Promise<number[]> {
  const { members, state } = await log.groups.describe("readers");
  if (state !== "Stable") return [];
  return members.map(({ assignment }) => [...(assignmentOf(assignment)?.values() ?? [])].flat().length);
}

test("a reader that is busy with what it keeps holds nobody up", async () => {
  const log = await flights();
  // The last are those that move.
  await log.topic("flights").append([{ value: "busy" }], { partition: 0 });
  const busy = log.consume(["flights"], COOPERATIVE);
  const { value: batch } = await busy.next();
  const stop = new AbortController();
  const seen: string[] = [];
  const other = (async () => {
    for await (const { records, commit } of log.consume(["flights"], {
      ...COOPERATIVE,
      signal: stop.signal,
    })) {
      seen.push(...texts(records));
      await commit();
    }
  })();
  await until(async () => {
    const now = await shares(log);
    return now.length === 2 && now.every((share) => share === 2);
  });
  await log.topic("flights").append([{ value: "moved" }], { partition: 3 });
  await until(() => seen.length > 0);
  expect(seen).toEqual(["moved"]);
  // Two generations later, it still has it.
  expect(await batch?.commit()).toBe(true);
  await log.topic("flights").append([{ value: "kept" }], { partition: 0 });
  expect(texts((await busy.next()).value?.records ?? [])).toEqual(["kept"]);
  await busy.return(undefined);
  stop.abort();
  await other;
});

test("a batch of a partition that moves is committed before the other reader gets it", async () => {
  const log = await flights(2);
  const topic = log.topic("flights");
  await topic.append([{ value: "0" }], { partition: 1 });
  const one = log.consume(["flights"], { ...COOPERATIVE, sessionTimeoutMs: 1_500 });
  const { value: batch } = await one.next();
  const two = log.consume(["flights"], COOPERATIVE);
  const first = two.next();
  await until(async () => (await log.groups.describe("readers")).members.length === 2);
  await topic.append([{ value: "1" }], { partition: 1 });
  // Longer than its session: it is alive, all the same.
  await sleep(2_000);
  expect(await batch?.commit()).toBe(true);
  const next = one.next();
  next.catch(() => undefined);
  expect(texts((await first).value?.records ?? [])).toEqual(["1"]);
  await two.return(undefined);
  await topic.append([{ value: "2" }], { partition: 0 });
  await next;
  await one.return(undefined);
});

type Event = { readonly what: "join" | "stop" | "break"; readonly who: number; readonly records: number };
const anyEvents = fc.array(
  fc.record({
    what: fc.constantFrom("join", "join", "stop", "break"),
    who: fc.nat(3),
    records: fc.nat(6),
  }) as fc.Arbitrary<Event>,
  { minLength: 2, maxLength: 7 },
);

/** What readers that come and go have done, by the record: whether its commit counted. */
class Readers {
  readonly #log: Log;
  readonly #options: ConsumeOptions;
  readonly #running: ({ readonly stop: AbortController; readonly reading: Promise<void> } | undefined)[] = [];
  readonly #breaking = new Set<number>();
  readonly committed = new Map<string, number>();
  /** Came though its commit had counted. */
  readonly again: string[] = [];

  constructor(log: Log, assignor: AssignorName) {
    this.#log = log;
    this.#options = { ...QUICK, assignor, commit: "manual" };
  }

  join(who: number): void {
    if (this.#running[who] !== undefined) return;
    const stop = new AbortController();
    this.#running[who] = { stop, reading: this.#read(who, stop.signal) };
  }

  async stop(who: number): Promise<void> {
    const running = this.#running[who];
    this.#running[who] = undefined;
    running?.stop.abort();
    await running?.reading.catch((error: unknown) => {
      // It had not begun.
      if ((error as { code?: string }).code !== "ABORTED") throw error;
    });
  }

  /** In the midst of its next batch. */
  breakOff(who: number): void {
    this.#breaking.add(who);
  }

  async #read(who: number, signal: AbortSignal): Promise<void> {
    for await (const { records, commit } of this.#log.consume(["flights"], { ...this.#options, signal })) {
      const values = texts(records);
      this.again.push(...values.filter((value) => this.committed.has(value)));
      if (this.#breaking.delete(who)) {
        this.#running[who] = undefined;
        return;
      }
      await sleep(1);
      if (await commit())
        for (const value of values) this.committed.set(value, (this.committed.get(value) ?? 0) + 1);
    }
  }
}

test.each(["range", "sticky", "cooperative-sticky"] as const)(
  "with %s, what was committed comes to nobody again, and all comes to somebody, whoever comes and goes",
  async (assignor) => {
    await fc.assert(
      fc.asyncProperty(anyEvents, async (events) => {
        const log = await flights(3);
        const readers = new Readers(log, assignor);
        let count = 0;
        for (const { what, who, records } of events) {
          const values = Array.from({ length: records }, () => ({ key: `${count}`, value: `${count++}` }));
          if (values.length > 0) await log.topic("flights").append(values);
          if (what === "join") readers.join(who);
          else if (what === "break") readers.breakOff(who);
          else void readers.stop(who);
          await sleep(20);
        }
        readers.join(0);
        await until(() => {
          // It may have been told to break off.
          readers.join(0);
          return readers.committed.size === count;
        });
        expect([...readers.committed.values()].every((times) => times === 1)).toBe(true);
        expect(readers.again).toEqual([]);
        for (let who = 0; who < 4; who++) await readers.stop(who);
        await log.close();
      }),
      { numRuns: runs(6) },
    );
  },
);

test("a group that fell behind what is kept goes on where that begins, and passes nothing over", async () => {
  const log = await flights(1);
  const topic = log.topic("flights");
  await topic.append([{ value: "0" }, { value: "1" }, { value: "2" }]);
  await log.groups.reset("readers", { topic: "flights", to: 1n });
  await topic.deleteRecords({ before: 2n });
  for await (const { records } of log.consume(["flights"], { ...QUICK, from: "end" })) {
    expect(texts(records)).toEqual(["2"]);
    break;
  }
});
