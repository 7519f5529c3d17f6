import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { identify, isRunning, type ProcessIdentity } from "./identity.js";

/** Who has a lock, or has had it. */
interface Ticket extends ProcessIdentity {
  readonly released?: true;
}

/**
 * Runs `work` while no other process runs anything under the same lock, which is a folder. Processes draw numbered tickets
 * there. Who has the highest has the lock, until it says so or no longer runs; then the next number may be drawn. A ticket
 * is deleted by who holds a higher one, so the highest is always there, and nobody who was slow draws one that has passed:
 * it sees that there is a higher one.
 *
 * @param onWait is told once, when another process has it.
 */
export async function exclusively<T>(folder: string, work: () => Promise<T>, onWait = () => {}): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const own = identify(process.pid) as ProcessIdentity;
  const fresh = join(folder, `new-${process.pid}-${Math.random().toString(36).slice(2)}`);
  writeFileSync(fresh, JSON.stringify(own satisfies Ticket));
  let mine: number | undefined;
  try {
    for (let waits = 0; mine === undefined; waits++) {
      mine = draw(folder, fresh);
      if (mine !== undefined) break;
      if (waits === 0) onWait();
      await sleep(100);
    }
    for (const number of tickets(folder))
      if (number < mine) rmSync(join(folder, String(number)), { force: true });
    return await work();
  } finally {
    rmSync(fresh, { force: true });
    if (mine !== undefined) release(folder, mine, own);
  }
}

const tickets = (folder: string): number[] => readdirSync(folder).map(Number).filter(Number.isInteger);

/** The number that was drawn, where the lock was free. */
function draw(folder: string, fresh: string): number | undefined {
  const highest = Math.max(0, ...tickets(folder));
  if (highest > 0 && !isFree(join(folder, String(highest)))) return undefined;
  const next = highest + 1;
  const path = join(folder, String(next));
  try {
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return undefined;
    throw error;
  }
  if (Math.max(...tickets(folder)) === next) return next;
  // It had been drawn, given back and deleted meanwhile.
  rmSync(path, { force: true });
  return undefined;
}

function isFree(path: string): boolean {
  try {
    const ticket = JSON.parse(readFileSync(path, "utf8")) as Ticket;
    return ticket.released === true || !isRunning(ticket);
  } catch (error) {
    // Somebody holds a higher one.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** A file of the same name takes the ticket's place, so that its text is whole at any time. */
function release(folder: string, mine: number, own: ProcessIdentity): void {
  const path = join(folder, String(mine));
  const said = `${path}.released-${process.pid}`;
  writeFileSync(said, JSON.stringify({ ...own, released: true } satisfies Ticket));
  renameSync(said, path);
}
