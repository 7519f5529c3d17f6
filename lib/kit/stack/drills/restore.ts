import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StackHome } from "../home.js";
import type { DrillReport } from "./drill.js";
import { checkRuns, start } from "./kill.js";
import { entriesIn, lakeOptions, tableLedger } from "./ledger.js";
import { compare, ENOUGH, Load } from "./load.js";
import { withSecondStack } from "./second-stack.js";

/**
 * Backs up the whole lakehouse while writers write, and restores it to a stack that has nothing. What was acknowledged before
 * the backup began has to be there; what was begun before it ended may be. Its times are from the start of the empty stack
 * until the lakehouse is whole, and until that one has taken an entry.
 */
export async function restoreElsewhere(home: StackHome, signal: AbortSignal): Promise<DrillReport> {
  checkRuns("seaweedfs", home);
  checkRuns("etcd", home);
  const ledger = await tableLedger(home);
  const folder = await mkdtemp(join(tmpdir(), "slh-drill-backup-"));
  const load = new Load(ledger, signal);
  try {
    await load.acknowledges(ENOUGH);
    const before = [...load.acknowledged];
    const { id: asOf } = await ledger.lake.backup({ to: folder });
    const begun = [...load.acknowledged, ...load.unknown, ...load.underWay];
    await load.stop();
    const known = new Set(before);
    const maybe = begun.filter((entry) => !known.has(entry));
    signal.throwIfAborted();
    return await withSecondStack(home, async (second) => {
      const { openLakehouse, restoreLakehouse } = await import("sololakehouse");
      load.strike();
      await start(second, "seaweedfs", "etcd");
      signal.throwIfAborted();
      const options = await lakeOptions(second);
      await restoreLakehouse({ ...options, from: folder, asOf });
      const recoveredMs = load.sinceStrike();
      const count = compare(before, maybe, await entriesIn(options, ledger.table));
      const lake = await openLakehouse(options);
      try {
        await (await lake.table(ledger.table)).append([{ id: "after" }]);
      } finally {
        await lake.close();
      }
      return { ...count, told: [...load.told].sort(), recoveredMs, resumedMs: load.sinceStrike() };
    });
  } finally {
    await load.stop();
    await ledger.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}
