import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_CONFIG } from "../../../lib/lakehouse/log/meta/topic-config.js";
import type { StoredSegment } from "../../../lib/lakehouse/log/segment/layout.js";
import { verifySegment } from "../../../lib/lakehouse/log/segment/segment-reader.js";
import { mergeLimits, planMerge } from "../../../lib/lakehouse/log/upkeep/merge-plan.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { openLog, readAll, testFolder, texts } from "../support/lake-log.js";

async function segmentsOf(store: LocalStore): Promise<string[]> {
  const uris: string[] = [];
  for await (const { uri } of store.list(`${store.root}/_log/`)) if (uri.endsWith(".segment")) uris.push(uri);
  return uris;
}

describe("small segments become one", () => {
  test("with their batches as they are, for readers, for recovery, and for who goes on writing", async () => {
    const root = testFolder();
    const store = new LocalStore(join(root, "warehouse"));
    const log = openLog(join(root, "a"), { store });
    const topic = await log.createTopic("flights", { fileDeleteDelayMs: 0 });
    const values = Array.from({ length: 21 }, (_, i) => `${i}`);
    for (const value of values)
      await topic.append({ value, timestamp: 1_000 + Number(value) }, { ack: "stored" });
    const before = await readAll(topic);
    const plan = await log.upkeep({ dryRun: true });
    expect(plan).toMatchObject([{ what: "merge", objects: 20 }]);
    expect(await log.upkeep()).toMatchObject([
      { what: "merge", objects: 20 },
      { what: "delete", objects: 20 },
    ]);
    const uris = await segmentsOf(store);
    expect(uris.map((uri) => uri.slice(uri.lastIndexOf("/") + 1))).toEqual([
      expect.stringMatching(/^0{20}-0{18}19-[0-9a-f]{16}\.segment$/),
      "00000000000000000020.segment",
    ]);
    for (const uri of uris) expect(verifySegment(await store.read(uri), uri).hasGaps).toBe(false);
    expect(await readAll(topic)).toEqual(before);
    expect(await log.upkeep()).toEqual([]);
    await topic.append({ value: "21" }, { ack: "stored" });
    await log.close();

    const again = openLog(join(root, "b"), { store });
    expect(await again.recover()).toEqual({ topics: 1, segments: 3 });
    expect(texts(await readAll(again.topic("flights")))).toEqual([...values, "21"]);
    expect(texts(await readAll(again.topic("flights"), { from: 7n })).slice(0, 2)).toEqual(["7", "8"]);
    expect(texts(await readAll(again.topic("flights"), { from: new Date(1_011) }))[0]).toBe("11");
    await again.topic("flights").append({ value: "22" });
    expect(texts(await readAll(again.topic("flights")))).toEqual([...values, "21", "22"]);
  });

  test("a reader whose metadata is from before reads on, without being told", async () => {
    const root = testFolder();
    const store = new LocalStore(join(root, "warehouse"));
    const log = openLog(join(root, "a"), { store });
    const topic = await log.createTopic("flights", { fileDeleteDelayMs: 0 });
    for (let i = 0; i < 10; i++) await topic.append({ value: `${i}` }, { ack: "stored" });
    const other = openLog(join(root, "b"), { store });
    await other.recover();
    const reading = other.topic("flights").read();
    await reading.next();
    await log.upkeep();
    expect(await segmentsOf(store)).toHaveLength(2);
    const rest: string[] = [];
    for await (const { records } of reading) rest.push(...texts(records));
    expect(rest).toEqual(Array.from({ length: 9 }, (_, i) => `${i + 1}`));
  });

  test("recovery takes either of what a merge that was cut short has left, and upkeep forgets the other", async () => {
    const root = testFolder();
    const store = new LocalStore(join(root, "warehouse"));
    const log = openLog(join(root, "a"), { store });
    const topic = await log.createTopic("flights", { fileDeleteDelayMs: 0 });
    for (let i = 0; i < 10; i++) await topic.append({ value: `${i}` }, { ack: "stored" });
    const small = await Promise.all(
      (await segmentsOf(store)).map(async (uri) => ({ uri, body: await store.read(uri) })),
    );
    await log.upkeep();
    const [merged] = await segmentsOf(store);
    await log.close();
    // Some of the old ones are still there, and a merged one that is not listed.
    for (const { uri, body } of small.slice(2, 6)) await store.put(uri, body);
    const stray = (merged as string).replace(/-[0-9a-f]{16}\./, "-0123456789abcdef.");
    await store.put(stray, await store.read(merged as string));

    const again = openLog(join(root, "b"), { store });
    expect(await again.recover()).toEqual({ topics: 1, segments: 2 });
    expect(await again.upkeep()).toMatchObject([
      { what: "forget", objects: 5 },
      { what: "delete", objects: 5 },
    ]);
    expect(await segmentsOf(store)).toHaveLength(2);
    expect(texts(await readAll(again.topic("flights")))).toEqual(
      Array.from({ length: 10 }, (_, i) => `${i}`),
    );
  });
});

function segment(sequence: number, bytes: number, time = 0): StoredSegment {
  return { sequence, bytes, maxTimestamp: BigInt(time), storedAt: time } as StoredSegment;
}

describe("the plan of merges", () => {
  test("leaves few segments, and writes no byte again more often than its logarithm", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 200, max: 60_000 }), { minLength: 1, maxLength: 300 }),
        (sizes) => {
          const limits = mergeLimits(DEFAULT_CONFIG);
          let segments: StoredSegment[] = [];
          const writes = new Map<number, number>();
          const parts = new Map<StoredSegment, readonly number[]>();
          for (const [i, bytes] of sizes.entries()) {
            const added = segment(i, bytes);
            parts.set(added, [i]);
            segments.push(added);
            for (
              let run = planMerge(segments, limits);
              run !== undefined;
              run = planMerge(segments, limits)
            ) {
              const at = segments.indexOf(run[0] as StoredSegment);
              expect(segments.slice(at, at + run.length)).toEqual(run);
              const merged = segment(
                run[0]?.sequence as number,
                run.reduce((sum, one) => sum + one.bytes, 0),
              );
              const within = run.flatMap((one) => parts.get(one) ?? []);
              for (const part of within) writes.set(part, (writes.get(part) ?? 0) + 1);
              parts.set(merged, within);
              segments = [...segments.slice(0, at), merged, ...segments.slice(at + run.length)];
            }
          }
          const total = sizes.reduce((sum, bytes) => sum + bytes, 1);
          expect(Math.max(0, ...writes.values())).toBeLessThanOrEqual(Math.log2(total / 200) + 1);
          expect(segments.length).toBeLessThanOrEqual(8 * 8 * (1 + Math.log2(1 + total / 1024) / 3));
        },
      ),
      { numRuns: runs(50) },
    );
  });

  test("keeps within what retention takes at once", () => {
    const limits = mergeLimits({ ...DEFAULT_CONFIG, retentionMs: 800, retentionBytes: 800_000 });
    expect(limits).toEqual({ bytes: 100_000, span: 100, fewest: 8 });
    const far = Array.from({ length: 20 }, (_, i) => segment(i, 2_000, i * 50));
    expect(planMerge(far, limits)).toBeUndefined();
    const near = Array.from({ length: 20 }, (_, i) => segment(i, 2_000, i * 10));
    expect(planMerge(near, limits)).toEqual(near.slice(0, 11));
    const large = Array.from({ length: 20 }, (_, i) => segment(i, 10_000));
    expect(planMerge(large, limits)).toEqual(large.slice(0, 10));
  });
});
