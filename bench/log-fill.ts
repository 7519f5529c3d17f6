/** node log-fill.js <folder> <segments> <keys>: a topic of so many segments of 1 MB, for a bench to look after in another process. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Log } from "sololakehouse/log";
import { LocalStore } from "sololakehouse/storage";

const [folder = ".", segments = "1", keys = "1"] = process.argv.slice(2);
const RECORDS = 1_000;
const log = new Log({ store: new LocalStore(join(folder, "warehouse")), folder: join(folder, "log") });
const topic = await log.createTopic("bench", { compression: "none", segmentBytes: 1_000_000 });
const noise = randomBytes(1_000_000);
let sent = 0;
for (let segment = 0; segment < Number(segments); segment++) {
  const records = Array.from({ length: RECORDS }, () => {
    const key = `key-${(sent * 7919) % Number(keys)}`;
    const at = (sent++ * 31) % (noise.length - 1_000);
    return { key, value: noise.subarray(at, at + 980) };
  });
  await topic.append(records, { ack: "stored" });
}
await log.close();
