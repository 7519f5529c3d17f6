import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalidConfig } from "sololakehouse/errors";

const PACKAGES = ["lib/lakehouse", "lib/kit"];

interface BuildInfo {
  readonly fileNames: readonly string[];
  readonly fileInfos: readonly (string | { readonly version: string })[];
}

/**
 * Those of the given source files (paths from the root) that the build does not hold as they are now. TypeScript
 * notes the SHA-256 of each source that it has compiled, so dates do not matter.
 */
export function unbuilt(root: string, sources: readonly string[]): string[] {
  const versions = new Map<string, string>();
  for (const folder of PACKAGES) {
    const path = join(root, folder, "dist/.tsbuildinfo");
    if (!existsSync(path)) continue;
    const { fileNames, fileInfos } = JSON.parse(readFileSync(path, "utf8")) as BuildInfo;
    fileNames.forEach((name, index) => {
      const info = fileInfos[index];
      const version = typeof info === "string" ? info : info?.version;
      if (version && name.startsWith("../"))
        versions.set(join(folder, "dist", name).replaceAll("\\", "/"), version);
    });
  }
  const hash = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(root, path), "utf8"))
      .digest("hex");
  return sources.filter(
    (path) =>
      PACKAGES.some((folder) => path.startsWith(`${folder}/`)) &&
      path.endsWith(".ts") &&
      versions.get(path) !== hash(path),
  );
}

/**
 * Builds both packages when the build lacks one of the given sources as it is now: cells run the build, and their
 * outputs are vouched for with the sources.
 *
 * @returns whether anything had to be built.
 * @throws LakehouseError `INVALID_CONFIG` with the compiler's first complaints.
 */
export async function ensureBuilt(root: string, sources: readonly string[]): Promise<boolean> {
  if (unbuilt(root, sources).length === 0) return false;
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const child = spawn(process.execPath, [tsc, "-b", ...PACKAGES], { cwd: root });
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
