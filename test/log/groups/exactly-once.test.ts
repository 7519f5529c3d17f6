import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GroupBatch, Log } from "../../../lib/lakehouse/log/index.js";
import { runs } from "../../support/runs.js";
import { SIDES } from "../support/both-sides.js";
import { openLog, testFolder, texts } from "../support/lake-log.js";
import { code } from "./room.js";

/**
 * Who does not join in time is let go soon. Sessions are long: on a machine with much else to do, heartbeats come late, and
 * who is to stay would be taken for gone.
 */
const QUICK = {
  group: "readers",
  commit: "manual",
  sessionTimeoutMs: 60_000,
  rebalanceTimeoutMs: 200,
  commitEveryMs: 0,
} as const;

async function opened(partitions: number): Promise<Log> {
  const log = openLog(testFolder(), { groups: { initialRebalanceDelayMs: 0, minSessionTimeoutMs: 1 } });
  for (const name of ["flights", "delays"]) await log.createTopic(name, { partitions });
  return log;
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await sleep(10);
}

async function copied(log: Log): Promise<string[]> {
  const all: string[] = [];
  for await (const { records } of log.topic("delays").read({ isolation: "read_committed" }))
    all.push(...texts(records));
  return all.sort((a, b) => Number(a) - Number(b));
}

describe.each(SIDES)("%s", (_, sideOf) => {
  test("a reader whose partition is another's by now commits nothing of what came of its batch", async () => {
    const log = await opened(1);
    const side = await sideOf(log);
    await log.topic("flights").append([{ value: "1" }]);
    const producers = ["slow", "other"].map((transactionalId) => side.producer({ transactionalId }));
    const copy = (which: number, batch: GroupBatch) =>
      producers[which]?.transaction(async (tx) => {
        await tx.append(
          "delays",
          batch.records.map(({ value }) => ({ value })),
        );
        await tx.sendBatch(batch);
      });
    const slow = side.consume(["flights"], QUICK);
    const { value: batch } = await slow.next();
    // The other joins, and the first does not in time.
    const other = side.consume(["flights"], QUICK);
    const { value: again } = await other.next();
    await expect(copy(0, batch as GroupBatch)).rejects.toMatchObject(code("ILLEGAL_GENERATION"));
    await copy(1, again as GroupBatch);
    expect(await copied(log)).toEqual(["1"]);
    expect((await log.groups.describe("readers")).offsets).toMatchObject([{ offset: 1n }]);
    await slow.return(undefined);
    await other.return(undefined);
    const { commitAs: _, sendIn: __, ...foreign } = batch as GroupBatch;
    await expect(copy(0, foreign)).rejects.toMatchObject(code("INVALID_ARGUMENT"));
  });

  test("a reader that takes a partition over waits for the transaction that commits what was read of it", async () => {
    const log = await opened(1);
    const side = await sideOf(log);
    await log.topic("flights").append([{ value: "1" }]);
    const slow = side.consume(["flights"], QUICK);
    const { value: batch } = await slow.next();
    const [first] = (await log.groups.describe("readers")).members;
    const other = side.consume(["flights"], QUICK);
    const { next } = await side.producer({ transactionalId: "slow" }).transaction(async (tx) => {
      await tx.append("delays", [{ value: "1" }]);
      await tx.sendBatch(batch as GroupBatch);
      const next = other.next();
      await until(async () => {
        const { state, members } = await log.groups.describe("readers");
        return state === "Stable" && members.every(({ memberId }) => memberId !== first?.memberId);
      });
      // The partition is the other's by now, and what was read of it is not decided.
      expect(await Promise.race([next, sleep(300, "nothing yet")])).toBe("nothing yet");
      return { next };
    });
    await log.topic("flights").append([{ value: "2" }]);
    expect(texts(((await next).value as GroupBatch).records)).toEqual(["2"]);
    await slow.return(undefined);
    await other.return(undefined);
  });

  test.each(["range", "cooperative-sticky"] as const)(
    "with %s, each record comes to one effect, whoever is slow, broken off or taken for gone",
    async (assignor) => {
      const anyPauses = fc.array(fc.constantFrom(0, 0, 0, 5, 60, 500), { minLength: 4, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(fc.array(anyPauses, { minLength: 2, maxLength: 3 }), async (readers) => {
          const log = await opened(3);
          const side = await sideOf(log);
          const values = Array.from({ length: 30 }, (_, i) => String(i));
          for (const value of values) await log.topic("flights").append({ key: value, value });
          const stop = new AbortController();
          const reading = readers.map(async (pauses, i) => {
            const producer = side.producer({ transactionalId: `reader-${i}` });
            let turn = i;
            while (!stop.signal.aborted)
              try {
                const options = { ...QUICK, assignor, signal: stop.signal };
                for await (const batch of side.consume(["flights"], options)) {
                  await producer.transaction(async (tx) => {
                    await tx.append(
                      "delays",
                      batch.records.map(({ value }) => ({ value })),
                    );
                    await sleep(pauses[turn++ % pauses.length]);
                    await tx.sendBatch(batch);
                  });
                  if (turn % 5 === 4) break;
                }
              } catch (error) {
                expect(String((error as { code?: string }).code)).toMatch(/^(ILLEGAL_GENERATION|ABORTED)$/);
              }
          });
          while ((await copied(log)).length < values.length) await sleep(20);
          await sleep(50);
          stop.abort();
          await Promise.all(reading);
          expect(await copied(log)).toEqual(values);
          await log.close();
        }),
        { numRuns: runs(2) },
      );
    },
  );
});
