import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * A process that can be known again. A number alone is no name: the system gives it to another process when its owner has
 * ended, and starts over when the machine does.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system says it. */
  readonly started: string;
  /** Which start of the machine that was in. */
  readonly boot: string;
}

/** The process with a number; undefined where there is none, or only what is left of one that its parent has not seen. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === "linux" ? startedByProc(pid) : startedByPs(pid);
  return started === undefined ? undefined : { pid, started, boot: bootNow() };
}

/** Whether it still runs. */
export function isRunning({ pid, started, boot }: ProcessIdentity): boolean {
  const now = identify(pid);
  return now !== undefined && now.started === started && now.boot === boot;
}

/** Which start of the machine this is. */
export function bootNow(): string {
  if (process.platform === "linux") return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return spawnSync("sysctl", ["-n", "kern.boottime"], { encoding: "utf8" }).stdout?.trim() ?? "";
}

/**
 * proc(5): after the name, which may hold anything, come the state, 17 fields later the number of threads, and 2 after that
 * the start in ticks. The first thread of a process may have ended while others still hold its files and ports.
 */
function startedByProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const hasEnded = fields[0] === "Z" || fields[0] === "X";
  return hasEnded && Number(fields[17]) <= 1 ? undefined : fields[19];
}

function startedByPs(pid: number): string | undefined {
  const { stdout } = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" });
  const [, state = "Z", started] = /^\s*(\S+)\s+(.+?)\s*$/m.exec(stdout ?? "") ?? [];
  return state.startsWith("Z") ? undefined : started;
}

/** Bytes of memory that a process and those of its group hold; undefined where the system does not say. */
export function memoryOf(group: number): number | undefined {
  const { stdout, status } = spawnSync("ps", ["-A", "-o", "pgid=,rss="], { encoding: "utf8" });
  if (status !== 0) return undefined;
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  return rows.filter(([of]) => of === group).reduce((sum, [, kibibytes = 0]) => sum + kibibytes * 1024, 0);
}
