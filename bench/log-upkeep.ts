import { execFile } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { crc32c } from "sololakehouse/codecs";
import { Log } from "sololakehouse/log";
import { LocalStore } from "sololakehouse/storage";
import { type Bench, type Measurement, peakRssMiB, seconds } from "./harness.js";

const SEGMENTS = { small: 150, large: 600 };
const KEYS = 100_000;

export const bench: Bench = {
  about: `The log's upkeep: a topic of ${SEGMENTS.small} and one of ${SEGMENTS.large} segments of 1 MB merged, and the larger one compacted to ${KEYS / 1000}K keys. Memory must stay flat: \`rss\` is the peak of a process that does this alone. Beside the limit: the same objects read, checksummed, and written to one file.`,
  contenders: [
    { name: "merge, small", run: () => merge(SEGMENTS.small) },
    { name: "merge, large", run: () => merge(SEGMENTS.large) },
    { name: "compact, large", run: () => compact(SEGMENTS.large) },
    { name: "the limit, large", run: () => limit(SEGMENTS.large) },
  ],
  rounds: 3,
};

async function merge(segments: number): Promise<Measurement> {
  return withTopic(segments, async (log) => {
    const elapsed = await seconds(() => log.upkeep());
    return { mbPerSecond: segments / elapsed, rss: peakRssMiB() };
  });
}

async function compact(segments: number): Promise<Measurement> {
  return withTopic(segments, async (log) => {
    await log.alterTopic("bench", { cleanupPolicy: "compact" });
    const elapsed = await seconds(() => log.upkeep());
    return { mbPerSecond: segments / elapsed, rss: peakRssMiB() };
  });
}

async function limit(segments: number): Promise<Measurement> {
  return withTopic(segments, async (_, store, folder) => {
    const file = await open(join(folder, "limit"), "w");
    const elapsed = await seconds(async () => {
      for await (const { uri } of store.list(`${store.root}/_log/`)) {
        const bytes = await store.read(uri);
        crc32c(bytes);
        crc32c(bytes);
        await file.write(bytes);
      }
      await file.sync();
    });
    await file.close();
    return { mbPerSecond: segments / elapsed, rss: peakRssMiB() };
  });
}

async function withTopic(
  segments: number,
  work: (log: Log, store: LocalStore, folder: string) => Promise<Measurement>,
): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), "bench-upkeep-"));
  try {
    const fill = fileURLToPath(new URL("./log-fill.js", import.meta.url));
    await promisify(execFile)(process.execPath, [fill, folder, `${segments}`, `${KEYS}`]);
    const store = new LocalStore(join(folder, "warehouse"));
    const log = new Log({ store, folder: join(folder, "log") });
    const measured = await work(log, store, folder);
    await log.close();
    return measured;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
