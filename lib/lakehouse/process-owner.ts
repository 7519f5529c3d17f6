import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** A process that is at something. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** When it started, as the system counts: another process of the same number has another. */
  readonly started: string | undefined;
}

export function thisProcess(): Owner {
  return { host: hostname(), pid: process.pid, started: startOf(process.pid) };
}

/** False where it is sure that the process has ended; a process of another machine may be at work. */
export function mayBeAlive({ host, pid, started }: Owner): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is another user's.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const now = startOf(pid);
  return started === undefined || now === undefined || now === started;
}

/** Linux says when a process started: field 22 of its stat (proc(5)), and which boot of the machine it was. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended, and is only not waited for yet.
    if (fields[0] === "Z" || fields[0] === "X") return "ended";
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}-${fields[19]}`;
  } catch {
    return undefined;
  }
}
