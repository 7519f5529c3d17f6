import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Packages } from "../service.js";

/**
 * The folder of a JDK of one version: that of `JAVA_HOME`, or one where Linux and macOS keep theirs. Undefined where there
 * is none.
 */
export function jdkOf(version: number): string | undefined {
  const folders = ["/usr/lib/jvm", "/Library/Java/JavaVirtualMachines"].flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [],
  );
  const homes = [
    process.env.JAVA_HOME ?? "",
    ...folders.flatMap((each) => [each, join(each, "Contents/Home")]),
  ];
  const isIt = new RegExp(`^JAVA_VERSION="${version}\\b`, "m");
  return homes.find((home) => {
    const release = join(home, "release");
    const hasCompiler = existsSync(join(home, "bin", "javac"));
    return hasCompiler && existsSync(release) && isIt.test(readFileSync(release, "utf8"));
  });
}

/** Whether packages that run on a JDK of the machine's have theirs; others want none. */
export const hasJdkFor = (packages: Packages): boolean =>
  packages.from !== "jars" || jdkOf(packages.jdk) !== undefined;
