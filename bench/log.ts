import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compressZstd, crc32c, prepareZstd } from "sololakehouse/codecs";
import { Log } from "sololakehouse/log";
import { LocalStore } from "sololakehouse/storage";
import type { Bench, Measurement } from "./harness.js";

const SMALL = { bytes: 100, count: 2_000_000 };
const LARGE = { bytes: 1_000, count: 300_000 };
/** Records of one call, and of one batch of the limit. */
const CALL = 10_000;
const CALLS_UNDER_WAY = 16;

export const bench: Bench = {
  about: `The log: ${SMALL.count / 1e6}M records of ${SMALL.bytes} bytes and ${LARGE.count / 1e3}K of ${LARGE.bytes}, appended ${CALL} at a time with zstd, ${CALLS_UNDER_WAY} calls under way, acknowledged from this disk (wal) and from the object store on it (stored), then read. Beside the limit: a loop that only frames, compresses, checksums, writes and flushes the same records. Aim: 60% of it with wal, 40% with stored.`,
  contenders: [
    { name: "ours", run: ours },
    { name: "the limit", run: limit },
  ],
  rounds: 3,
};

/** JSON events that compress as events do: about six to one. */
function values({ bytes, count }: typeof SMALL): Uint8Array[] {
  return Array.from({ length: Math.min(count, 200_000) }, (_, i) => {
    const event = `{"id":${i},"origin":"${AIRPORTS[i % 7]}","destination":"${AIRPORTS[(i * 31) % 11]}","delay":${(i * 7919) % 240}`;
    return Buffer.from(
      `${event.padEnd(bytes - 1, `,"carrier":"AA","distance":${(i * 13) % 2500}`)}}`.slice(0, bytes),
    );
  });
}

const AIRPORTS = ["ATL", "ORD", "DFW", "LAX", "DEN", "PHX", "HNL", "SFO", "SEA", "BOS", "JFK"];

async function ours(): Promise<Measurement> {
  const measured: Record<string, number> = {};
  for (const [name, size] of [
    ["small", SMALL],
    ["large", LARGE],
  ] as const) {
    const records = values(size).map((value) => ({ value }));
    for (const ack of ["wal", "stored"] as const) {
      const folder = await mkdtemp(join(tmpdir(), "bench-log-"));
      const log = new Log({ store: new LocalStore(join(folder, "warehouse")), folder: join(folder, "log") });
      try {
        const topic = await log.createTopic("bench");
        await topic.append(records.slice(0, CALL), { ack });
        const began = performance.now();
        const waiting = new Set<Promise<unknown>>();
        for (let sent = 0; sent < size.count; sent += CALL) {
          const from = sent % records.length;
          const call: Promise<unknown> = topic
            .append(records.slice(from, from + CALL), { ack })
            .then(() => waiting.delete(call));
          waiting.add(call);
          if (waiting.size >= CALLS_UNDER_WAY) await Promise.race(waiting);
        }
        await Promise.all(waiting);
        measured[`${name}.${ack}.recordsPerSecond`] = size.count / ((performance.now() - began) / 1000);
        if (ack === "wal") continue;
        const readBegan = performance.now();
        let read = 0;
        for await (const batch of topic.read()) read += batch.records.length;
        measured[`${name}.read.recordsPerSecond`] = read / ((performance.now() - readBegan) / 1000);
      } finally {
        await log.close();
        await rm(folder, { recursive: true, force: true });
      }
    }
  }
  return measured;
}

/** Frames each record as a record batch does, in the plainest way, and no more. */
async function limit(): Promise<Measurement> {
  await prepareZstd();
  const measured: Record<string, number> = {};
  for (const [name, size] of [
    ["small", SMALL],
    ["large", LARGE],
  ] as const) {
    const records = values(size);
    const folder = await mkdtemp(join(tmpdir(), "bench-limit-"));
    const file = await open(join(folder, "limit"), "w");
    try {
      const frame = Buffer.allocUnsafe(CALL * (size.bytes + 16));
      const write = async (from: number, position: number) => {
        let at = 0;
        for (let i = 0; i < CALL; i++) {
          const value = records[from + i] as Uint8Array;
          at = frame.writeUInt32LE(value.length, at);
          frame.set(value, at);
          at += value.length;
        }
        const compressed = compressZstd(frame.subarray(0, at), 1);
        const header = Buffer.alloc(61);
        header.writeUInt32BE(crc32c(compressed), 17);
        const { bytesWritten } = await file.writev([header, compressed], position);
        await file.datasync();
        return bytesWritten;
      };
      let position = await write(0, 0);
      const began = performance.now();
      for (let sent = 0; sent < size.count; sent += CALL)
        position += await write(sent % records.length, position);
      measured[`${name}.wal.recordsPerSecond`] = size.count / ((performance.now() - began) / 1000);
      measured[`${name}.stored.recordsPerSecond`] = measured[`${name}.wal.recordsPerSecond`] as number;
    } finally {
      await file.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return measured;
}
