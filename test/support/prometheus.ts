// Prometheus and promtool: those that scripts/interop.mjs has unpacked, or those on the path.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { homeOf, SERVICES } from "../../lib/kit/stack/index.js";
import { needs } from "./needs.js";

const { packages } = SERVICES.prometheus;

function find(name: string): string | undefined {
  const installed = join(homeOf("prometheus", packages), "usr", "bin", name);
  const binary = existsSync(installed) ? installed : name;
  return spawnSync(binary, ["--version"], { stdio: "ignore" }).status === 0 ? binary : undefined;
}

export const prometheus = find("prometheus");
const promtool = find("promtool");

const LACKS = "Prometheus (Debian: prometheus; npm run test:interop unpacks it)";
export const needsPromtool = needs(promtool !== undefined, `promtool, of ${LACKS}`);
export const needsPrometheus = needs(prometheus !== undefined, LACKS);

/** What `promtool` says, and how it ends. */
export function runPromtool(args: readonly string[], input = ""): { code: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync(promtool as string, args, { input, encoding: "utf8" });
  return { code: status, out: stdout + stderr };
}
