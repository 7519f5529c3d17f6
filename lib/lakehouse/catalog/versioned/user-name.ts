import { userInfo } from "node:os";

/** Who runs this process. */
export function userName(): string {
  try {
    return process.env.USER || userInfo().username;
  } catch {
    // A container may run under a user id without a name.
    return "unknown";
  }
}
