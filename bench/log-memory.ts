import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Log } from "sololakehouse/log";
import { LocalStore } from "sololakehouse/storage";
import { type Bench, type Measurement, peakRssMiB, seconds } from "./harness.js";

const SMALL_GB = 0.5;
const LARGE_GB = 2;
const VALUE_BYTES = 1_000;
const CALL = 1_000;

export const bench: Bench = {
  about: `Memory while a topic of 1 KB records that do not compress is appended and read from its beginning to its end: \`rss\` is the peak of the process that does both, of ${SMALL_GB} and of ${LARGE_GB} GB, and must stay flat. "npm run bench -- log-memory 10" makes the larger one 10 GB, and takes as much disk.`,
  contenders: [
    { name: "small", run: () => fillAndRead(SMALL_GB) },
    { name: "large", run: ([gigabytes = LARGE_GB]) => fillAndRead(Number(gigabytes)) },
  ],
  rounds: 1,
};

async function fillAndRead(gigabytes: number): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), "bench-log-memory-"));
  const log = new Log({
    store: new LocalStore(join(folder, "warehouse"), { durable: false }),
    folder: join(folder, "log"),
  });
  try {
    const topic = await log.createTopic("bench", { compression: "none", partitions: 4 });
    const calls = Math.ceil((gigabytes * 1e9) / (CALL * VALUE_BYTES));
    const appending = await seconds(async () => {
      for (let call = 0; call < calls; call++) {
        const noise = randomBytes(VALUE_BYTES + CALL);
        await topic.append(
          Array.from({ length: CALL }, (_, i) => ({ value: noise.subarray(i, i + VALUE_BYTES) })),
        );
      }
      await log.flush();
    });
    const appendRss = peakRssMiB();
    let records = 0;
    const reading = await seconds(async () => {
      for await (const batch of topic.read({ from: "beginning" })) records += batch.records.length;
    });
    if (records !== calls * CALL) throw new Error(`${records} of ${calls * CALL} records came back`);
    const megabytes = gigabytes * 1000;
    return {
      appendedMbPerSecond: megabytes / appending,
      readMbPerSecond: megabytes / reading,
      appendRss,
      rss: peakRssMiB(),
    };
  } finally {
    await log.close();
    await rm(folder, { recursive: true, force: true });
  }
}
