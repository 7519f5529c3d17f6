import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { datasetPath } from "../cell/datasets.js";
import type { Fingerprint } from "../file/metadata.js";
import { type Notebook, solutionsOf } from "../file/nbformat.js";
import { tslabFile } from "../kernel/built.js";
import { reachedSources } from "./imports.js";
import { remembered } from "./remembered.js";
import { environmentReasons, lakeEnvironment, lakeFolder, lakeMark, usesLake } from "./surroundings.js";

export interface FingerprintInput {
  readonly notebook: Notebook;
  /** The notebook's folder, where relative imports start. */
  readonly folder: string;
  readonly root: string;
  /** Names of data sets, as `dataset()` takes them. */
  readonly datasets: readonly string[];
  /** Paths of data files that an earlier run has read. */
  readonly files: readonly string[];
  readonly profile: string;
}

/** Computes the fingerprint that a run of the notebook here and now would have. */
export function fingerprintOf(input: FingerprintInput): Fingerprint {
  const { notebook, folder, root, datasets, files, profile } = input;
  const code = notebook.cells.filter((cell) => cell.cell_type === "code");
  const sources = reachedSources(
    code.map((cell) => cell.source),
    root,
    folder,
  );
  return {
    cells: code.map((cell) => `${cell.id} ${hash([...solutionsOf(cell), cell.source].join("\n"))}`),
    library: libraryOf(sources, root),
    lock: lockHash(join(root, "package-lock.json")),
    datasets: Object.fromEntries([...datasets].sort().map((name) => [name, hashOf(datasetPath(name))])),
    files: fileHashes(root, files),
    profile,
    environment: lakeEnvironment(),
    lake: usesLake(code) ? lakeMark(lakeFolder(root, folder)) : undefined,
    versions: { node: Number(process.versions.node.split(".")[0]), tslab: tslabVersion() },
  };
}

/** By the list itself, which is the same one while files are taken to stay as they are. */
const libraries = new WeakMap<readonly string[], Fingerprint["library"]>();

function libraryOf(sources: readonly string[], root: string): Fingerprint["library"] {
  let library = libraries.get(sources);
  if (library === undefined) {
    library = Object.fromEntries(sources.map((path) => [path, hashOf(join(root, path))]));
    libraries.set(sources, library);
  }
  return library;
}

/**
 * Why outputs with the fingerprint `stored` are not what a run would give now: one sentence for each reason, none
 * when they are fresh.
 *
 * @param anyMachine leave out what belongs to the machine that ran it (Node, profile): for committed outputs.
 */
export function reasonsBetween(stored: Fingerprint, now: Fingerprint, anyMachine = false): string[] {
  const reasons = [
    ...cellReasons(stored.cells, now.cells),
    ...mapReasons(stored.library, now.library, (path) => path),
    ...(stored.lock === now.lock ? [] : ["package-lock.json has other versions"]),
    ...mapReasons(stored.datasets, now.datasets, (name) => `the data set ${name}`),
    ...mapReasons(stored.files ?? {}, now.files ?? {}, (path) => path),
  ];
  if (stored.versions.tslab !== now.versions.tslab) {
    reasons.push(`tslab was ${stored.versions.tslab} and is ${now.versions.tslab}`);
  }
  if (!anyMachine && stored.versions.node !== now.versions.node) {
    reasons.push(`Node was ${stored.versions.node} and is ${now.versions.node}`);
  }
  if (!anyMachine && stored.profile !== now.profile) {
    reasons.push(`the profile was ${stored.profile} and is ${now.profile}`);
  }
  if (!anyMachine) {
    reasons.push(...environmentReasons(stored.environment ?? {}, now.environment ?? {}));
    // Empty: it made no lakehouse, and has none to miss.
    if (stored.lake !== "" && stored.lake !== now.lake)
      reasons.push(
        now.lake === "" ? "the lakehouse that it ran on is not there" : "it ran on another lakehouse",
      );
  }
  return reasons;
}

type Hashes = Readonly<Record<string, string>>;

function cellReasons(stored: readonly string[], now: readonly string[]): string[] {
  const parse = (cells: readonly string[]) =>
    new Map(cells.map((cell) => cell.split(" ") as [string, string]));
  const [before, after] = [parse(stored), parse(now)];
  const ids = [...after.keys()];
  const reasons = ids.flatMap((id, index) => {
    if (!before.has(id)) return [`code cell ${index + 1} (${id}) is new`];
    return before.get(id) === after.get(id) ? [] : [`code cell ${index + 1} (${id}) changed`];
  });
  for (const id of before.keys()) if (!after.has(id)) reasons.push(`the code cell ${id} is gone`);
  if (reasons.length === 0 && stored.join("\n") !== now.join("\n")) {
    reasons.push("the code cells stand in another order");
  }
  return reasons;
}

function mapReasons(stored: Hashes, now: Hashes, shown: (key: string) => string): string[] {
  const keys = [...new Set([...Object.keys(stored), ...Object.keys(now)])].sort();
  return keys.flatMap((key) => {
    if (stored[key] === now[key]) return [];
    if (!(key in stored)) return [`${shown(key)} is new`];
    return [`${shown(key)} ${key in now ? "changed" : "is gone"}`];
  });
}

function fileHashes(root: string, paths: readonly string[]): Hashes {
  const found = [...new Set(paths)].sort().filter((path) => existsSync(join(root, path)));
  return Object.fromEntries(found.map((path) => [path, hashOf(join(root, path))]));
}

const hash = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex").slice(0, 16);

const hashOf = remembered(hash);

/** A new version of a linter changes no notebook's outputs: packages for development do not count. */
const lockHash = remembered((bytes) => {
  const { packages } = JSON.parse(bytes.toString("utf8")) as {
    packages: Record<string, { version?: string; integrity?: string; dev?: boolean; link?: boolean }>;
  };
  const locked = Object.entries(packages)
    .filter(([name, entry]) => name.includes("node_modules/") && !entry.dev && !entry.link)
    .map(([name, entry]) => `${name} ${entry.version} ${entry.integrity ?? ""}`);
  return hash(locked.sort().join("\n"));
});

function tslabVersion(): string {
  return (createRequire(import.meta.url)(tslabFile("package.json")) as { version: string }).version;
}
