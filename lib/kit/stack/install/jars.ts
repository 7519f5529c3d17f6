import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stackUnready } from "../errors.js";
import type { Packages } from "../service.js";
import { retrieveJars } from "./ivy.js";
import { jdkOf } from "./jdk.js";
import { type Note, runInstaller } from "./run.js";

type Jars = Extract<Packages, { readonly from: "jars" }>;

/**
 * Fetches a server that is many jars, and its plugins, each with its own; and compiles what starts it. A plugin's folder
 * names its class, which the package by itself does not.
 *
 * @throws LakehouseError STACK_UNREADY where there is no JDK for it. Throws as `retrieveJars` else.
 */
export async function fetchJars(name: string, jars: Jars, folder: string, note: Note): Promise<void> {
  const home = jdkFor(jars);
  note("fetching its jars, which takes minutes");
  const pattern = join(folder, "[conf]", "[artifact]-[revision](-[classifier]).[ext]");
  await retrieveJars(name, jarsList(jars), pattern, folder, note);
  for (const [plugin, { class: main }] of Object.entries(jars.plugins)) {
    const into = pluginsIn(folder);
    const services = join(into, plugin, "service", "META-INF", "services");
    mkdirSync(into, { recursive: true });
    renameSync(join(folder, plugin), join(into, plugin));
    mkdirSync(services, { recursive: true });
    writeFileSync(join(services, jars.pluginInterface), `${main}\n`);
  }
  const source = join(folder, `${jars.main.class}.java`);
  writeFileSync(source, jars.main.source);
  const compile = ["-d", join(folder, "main"), "-cp", join(folder, "server", "*"), source];
  await runInstaller(name, join(home, "bin", "javac"), compile, { note });
  rmSync(source);
}

/** @throws LakehouseError STACK_UNREADY where there is none. */
function jdkFor({ folder: name, jdk }: Jars): string {
  const home = jdkOf(jdk);
  if (home !== undefined) return home;
  throw stackUnready(name, `${name} runs on a JDK ${jdk}, and ${noJdk(jdk)}.`, getJdk(jdk));
}

export const noJdk = (jdk: number): string => `there is no JDK ${jdk} in JAVA_HOME or among the system's`;
export const getJdk = (jdk: number): string =>
  `Install a JDK ${jdk} (Eclipse Temurin, say), or set JAVA_HOME to one; or run it with Docker Compose: slh stack compose.`;

const pluginsIn = (folder: string): string => join(folder, "plugins");

/** The server's program: the machine's JDK with all that it is told, as its first arguments. */
export function jarsProgram(jars: Jars, folder: string): readonly string[] {
  const path = [join(folder, "main"), join(folder, "server", "*")].join(":");
  const plugins = `-D${jars.pluginProperty}=${pluginsIn(folder)}`;
  return [join(jdkFor(jars), "bin", "java"), ...jars.options, plugins, "-cp", path, jars.main.class];
}

/** Ivy's list: a configuration for the server and for each plugin, of which each becomes a folder. */
export function jarsList({ server, plugins, lent }: Jars): string {
  const sets = Object.entries({
    server,
    ...Object.fromEntries(Object.entries(plugins).map(([plugin, { jars }]) => [plugin, jars])),
  });
  const dependencies = sets.flatMap(([set, jars]) =>
    jars.map((jar) => {
      const [organisation, name, version] = jar.split(":");
      // Whatever packaging it names, it is a jar.
      return `<dependency org="${organisation}" name="${name}" rev="${version}" conf="${set}->default"><artifact name="${name}" type="jar" ext="jar"/></dependency>`;
    }),
  );
  const excludes = Object.keys(plugins).flatMap((plugin) =>
    lent.map((each) => {
      const [organisation, name] = each.split(":");
      return `<exclude org="${organisation}" module="${name}" conf="${plugin}"/>`;
    }),
  );
  return `<ivy-module version="2.0">
  <info organisation="sololakehouse" module="stack"/>
  <configurations>${sets.map(([set]) => `<conf name="${set}"/>`).join("")}</configurations>
  <dependencies>
    ${[...dependencies, ...excludes].join("\n    ")}
  </dependencies>
</ivy-module>
`;
}
