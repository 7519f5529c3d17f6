import { spawnSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { down, stop } from "../down.js";
import { stackUnready } from "../errors.js";
import type { StackHome } from "../home.js";
import { SERVICES } from "../services/all.js";
import type { DrillReport } from "./drill.js";
import { start } from "./kill.js";
import { tableLedger } from "./ledger.js";
import { withSecondStack } from "./second-stack.js";
import { underLoad } from "./under-load.js";

/** SeaweedFS keeps a gigabyte in mind for each volume of a bucket; what is not written takes no memory. */
const SIZE = "16g";

/** Milliseconds for which these writers ask again: a minute, the default, is for a store that comes back by itself. */
const PATIENCE_MS = 5_000;

/**
 * A SeaweedFS of the drill's own has its data on a file system in memory, which is made as small as what is on it while writers
 * write, and as large as before when the store has refused one of them.
 * SeaweedFS 4.53 was not seen to take writes again by itself then, in five minutes: it is stopped in good order, and started.
 *
 * @throws LakehouseError STACK_UNREADY where this process may mount nothing.
 */
export function fillDisk(beside: StackHome, signal: AbortSignal): Promise<DrillReport> {
  return withSecondStack(beside, async (home) => {
    const { data } = home.prepare("seaweedfs");
    mount(["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", data]);
    try {
      await start(home, "seaweedfs", "etcd");
      return await underLoad(await tableLedger(home, PATIENCE_MS), signal, async (load) => {
        resize(data, `${usedKiB(data)}k`);
        load.strike();
        const refused = load.unknown.length;
        await load.until(() => load.unknown.length > refused, "No writer was told that the disk is full");
        resize(data, SIZE);
        await stop(SERVICES.seaweedfs, home);
        await start(home, "seaweedfs");
      });
    } finally {
      await down(home, () => {}, "at once");
      spawnSync("umount", [data]);
    }
  });
}

const resize = (folder: string, size: string): void => mount(["-o", `remount,size=${size}`, folder]);

function mount(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("mount", args, { encoding: "utf8" });
  if (status === 0) return;
  throw stackUnready(
    "mount",
    `A disk that can be filled is a file system in memory, and it cannot be mounted: ${error?.message ?? stderr.trim()}`,
    "Run this drill as root, on Linux.",
  );
}

/** Kibibytes, as the size of the smallest file system that holds what is there. */
function usedKiB(folder: string): number {
  const { blocks, bfree, bsize } = statfsSync(folder);
  return Math.max(4, ((blocks - bfree) * bsize) / 1024);
}
