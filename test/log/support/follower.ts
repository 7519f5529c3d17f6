import type { LogMeta, TopicRecord } from "../../../lib/lakehouse/log/meta/log-meta.js";
import type { Partition } from "../../../lib/lakehouse/log/partition/partition.js";
import { PartitionReader } from "../../../lib/lakehouse/log/partition/partition-reader.js";
import type { Place } from "../../../lib/lakehouse/log/partition/place.js";
import { Segments } from "../../../lib/lakehouse/log/partition/segments.js";
import { readRecords } from "../../../lib/lakehouse/log/records/read-records.js";
import type { World } from "./world.js";

export interface Following {
  readonly world: World;
  readonly topic: TopicRecord;
  readonly partition: number;
  readonly meta: LogMeta;
  readonly place: Place;
  readonly writer: () => Partition | undefined;
  /** What any reader saw, by offset. */
  readonly seen: Map<bigint, string>;
  /** What readers saw that must not be. */
  readonly faults: string[];
}

/** Reads a partition until its log is closed: each offset once, in order, and the same whoever reads it. */
export async function follow(following: Following): Promise<void> {
  const { world, topic, partition, meta, place, writer, seen, faults } = following;
  const segments = new Segments(world.store, place, 2_000);
  const reader = new PartitionReader(topic, partition, { meta, segments, clock: world.clock, writer });
  const { signal } = new AbortController();
  let next = 0n;
  /** Where it went on because what it had to read next was deleted. */
  let begun = -1n;
  for (;;) {
    try {
      const batches = await reader.batches(next, 200);
      if (batches.length === 0) await reader.untilBeyond(next, signal);
      for (const { offset, value } of batches.flatMap(({ bytes }) => readRecords(bytes, "followed"))) {
        // The partition may begin in the midst of a batch.
        if (offset < next && next === begun) continue;
        if (offset !== next) faults.push(`${offset} came where ${next} should`);
        next = offset + 1n;
        const text = Buffer.from(value ?? []).toString();
        const before = seen.get(offset) ?? text;
        if (before !== text) faults.push(`${offset} was ${before}, and then ${text}`);
        seen.set(offset, text);
      }
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "CLOSED") return;
      if (code === "STORAGE_FAILED") continue;
      const start = code === "OFFSET_OUT_OF_RANGE" ? await startOf(reader) : undefined;
      if (start !== undefined && start > next) {
        next = begun = start;
        continue;
      }
      faults.push(String(error));
      return;
    }
  }
}

async function startOf(reader: PartitionReader): Promise<bigint | undefined> {
  try {
    return (await reader.offsets()).start;
  } catch {
    return undefined;
  }
}
