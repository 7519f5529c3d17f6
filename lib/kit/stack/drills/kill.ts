import { setTimeout as sleep } from "node:timers/promises";
import { serviceFailed } from "../errors.js";
import type { StackHome, Started } from "../home.js";
import type { ServiceName } from "../ports.js";
import { isRunning } from "../process/identity.js";
import { isNative, type Service } from "../service.js";
import { SERVICES } from "../services/all.js";
import { up } from "../up.js";
import type { DrillReport } from "./drill.js";
import { type Ledger, servedLedger } from "./ledger.js";
import { Relay } from "./relay.js";
import { underLoad } from "./under-load.js";

/** @throws LakehouseError SERVICE_FAILED where it does not run; and see `underLoad`. */
export async function killService(
  name: ServiceName,
  home: StackHome,
  signal: AbortSignal,
  open: (home: StackHome) => Promise<Ledger>,
): Promise<DrillReport> {
  checkRuns(name, home);
  return underLoad(await open(home), signal, async (load) => {
    load.strike();
    await kill(name, home);
    await start(home, name);
  });
}

/** A commit is a POST to the table. */
const COMMIT = /^POST \S+\/tables\/\S+ HTTP/;

/**
 * Its writers reach the catalog by a relay. The server is killed when it has done a commit whose answer the relay has thrown
 * away, while others are under way: the writer that asks again asks a server that knows nothing of the first time.
 */
export async function killCatalog(home: StackHome, signal: AbortSignal): Promise<DrillReport> {
  checkRuns("catalog", home);
  const relay = await Relay.to(home.port("catalog", "http"));
  try {
    return await underLoad(await servedLedger(home, relay.port), signal, async (load) => {
      await relay.losesAnswer(COMMIT);
      load.strike();
      await kill("catalog", home);
      await start(home, "catalog");
    });
  } finally {
    await relay.close();
  }
}

/** Starts services of a stack that are not up. */
export const start = (home: StackHome, ...names: readonly ServiceName[]): Promise<void> =>
  up(names.map((name): Service => SERVICES[name]).filter(isNative), home, {
    doing: () => {},
    started: () => {},
  });

export function checkRuns(name: ServiceName, home: StackHome): void {
  const started = home.started(name);
  if (started === undefined || !isRunning(started))
    throw serviceFailed(name, `${name} does not run.`, "Run slh stack up first.");
}

/** Without a word, and with all that it has started. Returns when it is gone: until then it would be taken for one that is up. */
async function kill(name: ServiceName, home: StackHome): Promise<void> {
  const started = home.started(name) as Started;
  process.kill(-started.pid, "SIGKILL");
  while (isRunning(started)) await sleep(10);
}
