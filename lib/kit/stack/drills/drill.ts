import type { StackHome } from "../home.js";
import type { DrillName } from "./about.js";
import { cutEtcd } from "./cut-etcd.js";
import { fillDisk } from "./fill-disk.js";
import { killCatalog, killService } from "./kill.js";
import { tableLedger, topicLedger } from "./ledger.js";
import type { Count } from "./load.js";
import { restoreElsewhere } from "./restore.js";

/** What came of a drill. */
export interface DrillReport extends Count {
  /** Codes of the errors that writers were told. */
  readonly told: readonly string[];
  /** Milliseconds from the fault until its cause was over: the service was well again, the network or the space was there. */
  readonly recoveredMs: number;
  /** Milliseconds from the fault until an entry was acknowledged that was begun after it. */
  readonly resumedMs: number;
}

/**
 * Makes the fault under load, mends it, and counts. What must hold is the same of all: see `holds`. Where the signal is
 * aborted, it mends what it has done, deletes what it wrote, and throws.
 */
export type Drill = (home: StackHome, signal: AbortSignal) => Promise<DrillReport>;

export const DRILLS: Readonly<Record<DrillName, Drill>> = {
  "kill-seaweedfs": (home, signal) => killService("seaweedfs", home, signal, tableLedger),
  "kill-etcd": (home, signal) => killService("etcd", home, signal, tableLedger),
  "kill-catalog": killCatalog,
  "kill-log": (home, signal) => killService("log", home, signal, topicLedger),
  "cut-etcd": cutEtcd,
  "fill-disk": fillDisk,
  restore: restoreElsewhere,
};

/** Nothing acknowledged is lost, nothing is there twice, and nothing that nobody wrote. */
export const holds = ({ lost, twice, strangers }: Count): boolean =>
  lost.length + twice.length + strangers.length === 0;
