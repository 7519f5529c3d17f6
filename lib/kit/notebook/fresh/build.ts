import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalidConfig } from "sololakehouse/errors";

/** What `scripts/build.mjs` builds. */
const PACKAGES = ["lib/lakehouse", "lib/kit", "pipelines"];

/** What `scripts/build.mjs` has made `dist` from. */
interface BuildRecord {
  /** SHA-256 by path in the package. */
  readonly sources: Readonly<Record<string, string>>;
}

/**
 * Those of the given source files (paths from the root) that the build does not hold as they are now. The build notes
 * the SHA-256 of each source, so dates do not matter.
 */
export function unbuilt(root: string, sources: readonly string[]): string[] {
  const built = new Map<string, string>();
  for (const folder of PACKAGES) {
    const path = join(root, folder, "dist/built.json");
    if (!existsSync(path)) continue;
    const record = JSON.parse(readFileSync(path, "utf8")) as BuildRecord;
    for (const [name, hash] of Object.entries(record.sources)) built.set(`${folder}/${name}`, hash);
  }
  const hash = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(root, path)))
      .digest("hex");
  return sources.filter(
    (path) =>
      PACKAGES.some((folder) => path.startsWith(`${folder}/`)) &&
      path.endsWith(".ts") &&
      built.get(path) !== hash(path),
  );
}

/**
 * Builds all of it when the build lacks one of the given sources as it is now: cells run the build, and their
 * outputs are vouched for with the sources.
 *
 * @returns whether anything had to be built.
 * @throws LakehouseError `INVALID_CONFIG` with the compiler's first complaints.
 */
export async function ensureBuilt(root: string, sources: readonly string[]): Promise<boolean> {
  if (unbuilt(root, sources).length === 0) return false;
  const child = spawn(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  await new Promise<void>((done, reject) => {
    child.on("error", reject);
    child.on("close", () => done());
  });
  const [missing] = unbuilt(root, sources);
  if (missing === undefined) return true;
  throw invalidConfig(
    missing,
    `${missing} cannot be built:\n${output.trim().split("\n").slice(0, 5).join("\n")}\n`,
    "Correct it, then run the command again.",
  );
}
