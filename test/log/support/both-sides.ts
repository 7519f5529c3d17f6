/** A log as its own process has it, and as a client of its server: what holds for one holds for the other. */
import type { Log, RemoteLog } from "../../../lib/lakehouse/log/index.js";
import { connected } from "../rpc/support/servers.js";

export type AnyLog = Log | RemoteLog;

export const SIDES: readonly (readonly [name: string, of: (log: Log) => Promise<AnyLog>])[] = [
  ["in its process", async (log) => log],
  ["at a server", (log) => connected(log)],
];
