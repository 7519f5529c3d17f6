/**
 * The thread of a kernel that looks whether the process that it works for is there, and ends the kernel and all that its
 * cells started when it is not. A thread, since a cell may be in a loop that never lets anything else run.
 */
import { workerData } from "node:worker_threads";

/** So long a kernel may outlive who started it. */
const LOOK_MS = 1000;

const parent = workerData as number;

/** A child whose parent ends gets another: that says it even before the parent's own parent takes note of the end. */
const isOurs = process.platform !== "win32" && process.ppid === parent;

function isThere(): boolean {
  if (isOurs) return process.ppid === parent;
  try {
    process.kill(parent, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

setInterval(() => {
  if (isThere()) return;
  try {
    if (process.platform !== "win32") process.kill(-process.pid, "SIGKILL");
  } catch {
    // It leads no group.
  }
  process.kill(process.pid, "SIGKILL");
}, LOOK_MS);
