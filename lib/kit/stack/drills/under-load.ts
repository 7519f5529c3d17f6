import type { DrillReport } from "./drill.js";
import type { Ledger } from "./ledger.js";
import { compare, ENOUGH, Load } from "./load.js";

/**
 * Writes, has the fault made, writes on until that is answered, and counts.
 *
 * @param signal ends it before, once the fault is mended.
 * @param fault makes the fault, says `load.strike()` when it is there, and returns when its cause is over.
 * @throws LakehouseError SERVICE_FAILED where nothing is acknowledged any more, or a writer never gets an answer.
 */
export async function underLoad(
  ledger: Ledger,
  signal: AbortSignal,
  fault: (load: Load) => Promise<void>,
): Promise<DrillReport> {
  const load = new Load(ledger, signal);
  let report: DrillReport;
  try {
    await load.acknowledges(ENOUGH);
    await fault(load);
    const recoveredMs = load.sinceStrike();
    const resumedMs = await load.resumes();
    await load.acknowledges(ENOUGH);
    await load.stop();
    const count = compare(load.acknowledged, load.unknown, await ledger.read());
    report = { ...count, told: [...load.told].sort(), recoveredMs, resumedMs };
  } catch (error) {
    load.end();
    if (signal.aborted) await load.stop().catch(() => {});
    // The fault may be there still, and what fails because of it says less than what went wrong first.
    await ledger.dispose().catch(() => {});
    throw error;
  }
  await ledger.dispose();
  return report;
}
