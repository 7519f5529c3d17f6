import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stackUnready } from "../errors.js";
import { runs, unpackDebian } from "./debian.js";
import { type Note, runInstaller } from "./run.js";

/**
 * Retrieves jars of Maven's repository by Ivy, which is one jar itself, a package of Debian's. It runs on the machine's own
 * Java, which knows the certificates that the machine trusts.
 *
 * @param list the dependencies, as an `ivy-module`.
 * @param pattern where each jar goes, as Ivy's `-retrieve` takes it.
 * @throws LakehouseError STACK_UNREADY where there is no Java.
 */
export async function retrieveJars(
  name: string,
  list: string,
  pattern: string,
  folder: string,
  note: Note,
): Promise<void> {
  if (!runs("java"))
    throw stackUnready(
      name,
      `${name} is fetched by Ivy, which wants a Java, and there is none on this machine.`,
      "Install a JDK, 17 say (Debian: apt install openjdk-17-jre-headless), and start again.",
    );
  const ivy = join(folder, "ivy");
  await unpackDebian("Ivy", ["ivy"], ivy, note);
  const file = join(ivy, "ivy.xml");
  writeFileSync(file, list);
  const jar = join(ivy, "usr", "share", "java", "ivy.jar");
  const run = ["-jar", jar, "-cache", join(ivy, "downloads"), "-ivy", file, "-retrieve", pattern];
  await runInstaller(name, "java", run, { note });
  rmSync(ivy, { recursive: true, force: true });
}
