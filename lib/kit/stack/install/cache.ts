import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * Where large downloads live: `$XDG_CACHE_HOME` or the platform's own folder for caches, and in it ours. A second clone
 * finds there what the first one fetched. Nothing in it is needed for long: remove what you like, it is fetched again.
 */
export function userCache({ env, platform }: Pick<NodeJS.Process, "env" | "platform"> = process): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env;
  if (xdg && isAbsolute(xdg)) return join(xdg, "sololakehouse");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "sololakehouse");
  if (platform === "win32" && local) return join(local, "sololakehouse", "cache");
  return join(homedir(), ".cache", "sololakehouse");
}

/** A folder there for each list of what is wanted, shared by all clones that want it. */
export function cacheFolder(name: string, wanted: readonly string[]): string {
  const hash = createHash("sha256");
  for (const word of [...wanted, process.platform, process.arch]) hash.update(word).update("\0");
  return join(userCache(), `${name}-${hash.digest("hex").slice(0, 12)}`);
}
