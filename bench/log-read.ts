import { subscribe } from "node:diagnostics_channel";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Log, type Topic } from "sololakehouse/log";
import { LocalStore, type ObjectStore } from "sololakehouse/storage";
import type { Bench, Measurement } from "./harness.js";

const RECORDS = 400_000;
const RECORD_BYTES = 1_000;
/** About as many records are in a block. Every second block is read: the one behind it may be fetched ahead. */
const STEP = 2_100;
/** Of what was read last: it is in the cache. */
const CACHED = 40;
const REQUEST_MS = 20;

export const bench: Bench = {
  about: `Reading the log from an object store whose every request takes ${REQUEST_MS} ms: the milliseconds from asking for the records at an offset (of ${RECORDS / 1e3}K, ${RECORD_BYTES} bytes each) until the first are there, where nothing of them was read before and where they were; and of what a consumer reads that follows a producer, the part that came from memory. Aims: p99 below 200 ms uncached and 10 ms cached, more than 80% from memory.`,
  contenders: [{ name: "ours", run: ours }],
  rounds: 3,
};

/** A store that is as far away as one in the network. */
function distant(store: ObjectStore): ObjectStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "list") return value.apply(target, args);
        return sleep(REQUEST_MS).then(() => value.apply(target, args));
      };
    },
  });
}

async function ours(): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), "bench-log-read-"));
  const open = () =>
    new Log({ store: distant(new LocalStore(join(folder, "warehouse"))), folder: join(folder, "log") });
  const writer = open();
  let reader: Log | undefined;
  try {
    const topic = await writer.createTopic("bench", { compression: "none", segmentBytes: 16 * 1024 * 1024 });
    const value = Buffer.alloc(RECORD_BYTES, "a");
    for (let at = 0; at < RECORDS; at += 1_000)
      await topic.append(Array.from({ length: 1_000 }, () => ({ value })));
    await writer.flush();
    reader = open();
    const far = reader.topic("bench");
    const offsets = Array.from({ length: Math.floor(RECORDS / STEP) }, (_, i) => BigInt(i * STEP));
    const uncached = await firstReads(far, offsets);
    const last = offsets.slice(-CACHED);
    const cached = await firstReads(far, [...last, ...last, ...last, ...last, ...last]);
    return {
      ...percentiles("uncached", uncached),
      ...percentiles("cached", cached),
      ...(await followed(writer)),
    };
  } finally {
    await reader?.close();
    await writer.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function firstReads(topic: Topic, offsets: readonly bigint[]): Promise<number[]> {
  const taken: number[] = [];
  for (const from of offsets) {
    const began = performance.now();
    for await (const _ of topic.read({ partition: 0, from })) break;
    taken.push(performance.now() - began);
  }
  return taken;
}

function percentiles(name: string, taken: readonly number[]): Measurement {
  const sorted = taken.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] as number;
  return { [`${name}.p50.ms`]: at(0.5), [`${name}.p99.ms`]: at(0.99) };
}

/** A consumer that begins where the topic begins, and then follows: it reads what others have just written. */
async function followed(log: Log): Promise<Measurement> {
  const topic = await log.createTopic("followed", { segmentBytes: 4 * 1024 * 1024 });
  const bytes = { memory: 0, cache: 0, store: 0 };
  subscribe("sololakehouse:log.read", (message) => {
    const read = message as { source: keyof typeof bytes; bytes: number };
    bytes[read.source] += read.bytes;
  });
  const batches = 400;
  const consumed = (async () => {
    let left = batches * 100;
    for await (const batch of topic.read({ follow: true })) {
      left -= batch.records.length;
      if (left <= 0) return;
    }
  })();
  const value = Buffer.alloc(RECORD_BYTES, "a");
  for (let i = 0; i < batches; i++) {
    await topic.append(Array.from({ length: 100 }, () => ({ value })));
    await sleep(5);
  }
  await consumed;
  const all = bytes.memory + bytes.cache + bytes.store;
  return { "followed.hits.percent": (100 * (bytes.memory + bytes.cache)) / all };
}
