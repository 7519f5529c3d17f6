import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stackUnready } from "../errors.js";
import { type Note, runInstaller } from "./run.js";

/**
 * Unpacks packages of Debian's or Ubuntu's into a folder, which needs no root.
 *
 * @throws LakehouseError STACK_UNREADY where there is no apt-get.
 */
export async function unpackDebian(
  name: string,
  packages: readonly string[],
  folder: string,
  note: Note,
): Promise<void> {
  if (!hasApt())
    throw stackUnready(
      name,
      `${name} comes from Debian's packages, and this machine has no apt-get.`,
      `Install ${name} so that it is on the path, or run it with Docker Compose: slh stack compose.`,
    );
  mkdirSync(folder, { recursive: true });
  const downloads = mkdtempSync(join(folder, "download-"));
  try {
    // A fresh machine knows no packages yet; whoever is not root takes the lists that there are.
    spawnSync("apt-get", ["update", "-qq"], { stdio: "ignore" });
    await runInstaller(name, "apt-get", ["download", "-q", ...packages], { cwd: downloads, note });
    for (const file of readdirSync(downloads).filter((each) => each.endsWith(".deb")))
      await runInstaller(name, "dpkg", ["-x", join(downloads, file), folder], { note });
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** A program of packages that were unpacked into a folder, or the one of the path. */
export function debianProgram(folder: string, program: string): string {
  const unpacked = join(folder, "usr", "bin", program);
  return existsSync(unpacked) ? unpacked : program;
}

export const hasApt = (): boolean => runs("apt-get") && runs("dpkg");

export const runs = (program: string): boolean =>
  spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
