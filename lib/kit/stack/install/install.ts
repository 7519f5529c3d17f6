import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { exclusively } from "../process/exclusively.js";
import type { Packages } from "../service.js";
import { cacheFolder } from "./cache.js";
import { debianProgram, hasApt, runs, unpackDebian } from "./debian.js";
import { buildGoProgram, goModule } from "./go.js";
import { fetchJars, jarsList, jarsProgram } from "./jars.js";
import { fetchJar, javaOf } from "./maven.js";
import type { Note } from "./run.js";
import { makeVenv, venvPython } from "./venv.js";

interface Installer<P extends Packages> {
  /** What decides what is installed. */
  readonly wanted: (packages: P) => readonly string[];
  readonly install: (name: string, packages: P, folder: string, note: Note) => Promise<void>;
  /** The program and its first arguments. */
  readonly program: (packages: P, folder: string) => readonly string[];
}

type From = Packages["from"];
type Of<F extends From> = Extract<Packages, { readonly from: F }>;

const INSTALLERS: { readonly [F in From]: Installer<Of<F>> } = {
  npm: {
    wanted: () => [],
    install: async () => {},
    program: ({ program }) => [process.execPath, ownProgram(program)],
  },
  debian: {
    wanted: ({ packages }) => packages,
    install: async (name, { packages, program }, folder, note) => {
      if (hasApt() || !runs(program)) await unpackDebian(name, packages, folder, note);
    },
    program: ({ program }, folder) => [debianProgram(folder, program)],
  },
  pypi: {
    wanted: ({ requirements }) => requirements,
    install: (name, { requirements }, folder, note) => makeVenv(name, requirements, folder, note),
    program: ({ module }, folder) => [venvPython(folder), "-m", module],
  },
  maven: {
    wanted: ({ organisation, name, version, classifier, java }) => [
      organisation,
      name,
      version,
      classifier,
      java,
    ],
    install: fetchJar,
    program: ({ name, classifier }, folder) => [
      javaOf(folder),
      "-jar",
      join(folder, `${name}-${classifier}.jar`),
    ],
  },
  jars: {
    wanted: (jars) => [jarsList(jars), jars.main.source],
    install: fetchJars,
    program: jarsProgram,
  },
  go: {
    wanted: (packages) => [goModule(packages)],
    install: buildGoProgram,
    program: ({ program }, folder) => [join(folder, basename(program))],
  },
};

const installerOf = (packages: Packages) => INSTALLERS[packages.from] as Installer<Packages>;

/** Where packages are, or go. */
export const homeOf = (name: string, packages: Packages): string =>
  cacheFolder("folder" in packages ? packages.folder : name, installerOf(packages).wanted(packages));

const stampIn = (folder: string): string => join(folder, "installed");

export const isInstalled = (name: string, packages: Packages): boolean =>
  packages.from === "npm" || existsSync(stampIn(homeOf(name, packages)));

/** What runs a program of packages that are installed: the program and its first arguments. */
export const programOf = (name: string, packages: Packages): readonly string[] =>
  installerOf(packages).program(packages, homeOf(name, packages));

/**
 * Installs packages once per user. One process does, the others wait. The stamp comes last: what was interrupted is done
 * again, and the package managers keep what they had downloaded.
 *
 * @throws LakehouseError INSTALL_FAILED, or STACK_UNREADY where the machine lacks what installs it.
 */
export async function install(name: string, packages: Packages, note: Note = () => {}): Promise<void> {
  if (isInstalled(name, packages)) return;
  const folder = homeOf(name, packages);
  const work = async () => {
    if (isInstalled(name, packages)) return;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await installerOf(packages).install(name, packages, folder, note);
    writeFileSync(stampIn(folder), "");
  };
  await exclusively(`${folder}.lock`, work, () => note("another process is installing it: waiting"));
}

/** A command of `sololakehouse`, as this package has it beside it. */
function ownProgram(program: string): string {
  const manifest = createRequire(import.meta.url).resolve("sololakehouse/package.json");
  return join(dirname(manifest), "bin", `${program}.js`);
}
