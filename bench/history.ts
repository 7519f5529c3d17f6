import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, int, openLakehouse } from "sololakehouse";
import { type Bench, type Measurement, seconds } from "./harness.js";

const APPENDS = 600;
/** What tables had before they bounded what a commit costs. */
const UNBOUNDED = {
  "history.expire.max-snapshots": "0",
  "write.metadata.compression-codec": "none",
  "write.metadata.previous-versions-max": "100",
  "commit.manifest.min-count-to-merge": "100",
};

export const bench: Bench = {
  about: `What ${APPENDS} appends of one row leave in the warehouse of an embedded lakehouse, as a new table is made, and with every snapshot kept and nothing compressed.`,
  contenders: [
    { name: "ours", run: () => appends({}) },
    { name: "everything kept", run: () => appends(UNBOUNDED) },
  ],
  rounds: 1,
};

async function appends(properties: Readonly<Record<string, string>>): Promise<Measurement> {
  const root = await mkdtemp(join(tmpdir(), "bench-history-"));
  try {
    const lake = await openLakehouse({ root, profile: "embedded" });
    let table = await lake.createTable("bench.history", { schema: defineSchema({ n: int() }), properties });
    const taken = await seconds(async () => {
      for (let n = 0; n < APPENDS; n++) table = await table.append([{ n }]);
    });
    const before = await sizeOf(table.location);
    await table.append([{ n: APPENDS }]);
    const after = await sizeOf(table.location);
    await lake.close();
    return {
      seconds: taken,
      files: before.files,
      megabytes: before.bytes / 1e6,
      kilobytesOfOneMore: (after.bytes - before.bytes) / 1e3,
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function sizeOf(location: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const folder = location.replace("file://", "");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(({ parentPath, name }) => stat(join(parentPath, name))));
  return { files: files.length, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}
