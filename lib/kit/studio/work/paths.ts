import { existsSync, realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { Refused } from "../http/refused.js";

/** Folders that nobody opens here: what git, packages and the lakehouse keep, and files such as `.env`. */
const CLOSED = /^(?:\..*|node_modules)$/;

/**
 * A path of a request, from the project's root, as an absolute one. Links are followed first, so that one which leads out
 * of the project is outside, and so is a file that would be made behind one.
 *
 * @param given with `/`; decoded
 * @throws Refused 403 for what is outside of the project or closed
 */
export function insideProject(root: string, given: string): string {
  const parts = given.split("/").filter((part) => part !== "" && part !== ".");
  const refuse = () => {
    throw new Refused(403, "FORBIDDEN", `${given} is no path of the project's own files.`);
  };
  if (parts.some((part) => CLOSED.test(part) || /[\\\0:]/.test(part))) refuse();
  const path = join(root, ...parts);
  const real = realpathSync(nearest(path));
  const home = realpathSync(root);
  if (real !== home && !real.startsWith(home + sep)) refuse();
  if (
    real
      .slice(home.length)
      .split(sep)
      .some((part) => part !== "" && CLOSED.test(part))
  )
    refuse();
  return path;
}

/** The path, or else the folder above it that is there. */
function nearest(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}
