import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import type { Cell, Notebook } from "../file/nbformat.js";

/** Variables of ours that change nothing in what a notebook puts out, or that have a place of their own. */
const WITHOUT_EFFECT = new Set([
  "SLH_PROFILE",
  "SLH_LAKE",
  "SLH_CACHE_DIR",
  "SLH_CACHE_BYTES",
  "SLH_SITE_URL",
  "SLH_SOAK",
]);
const SECRET = /TOKEN|CREDENTIAL|SECRET|PASSWORD|KEY/;

/** The variables that choose storage and catalog, as they are set. Secrets are told apart by a hash. */
export function lakeEnvironment(): Record<string, string> {
  const set = Object.entries(process.env).filter(
    ([name, value]) => name.startsWith("SLH_") && value && !WITHOUT_EFFECT.has(name),
  ) as [string, string][];
  return Object.fromEntries(
    set.sort().map(([name, value]) => [name, SECRET.test(name) ? `#${shortHash(value)}` : value]),
  );
}

const shortHash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8);

export function environmentReasons(
  stored: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(stored), ...Object.keys(now)])].sort();
  const shown = (value: string | undefined) =>
    value === undefined ? "not set" : value.startsWith("#") ? "something else" : value;
  return names
    .filter((name) => stored[name] !== now[name])
    .map((name) => `${name} was ${shown(stored[name])} and is ${shown(now[name])}`);
}

/** True when cells use the lakehouse itself, not the kit alone. */
export const usesLake = (code: readonly Cell[]): boolean =>
  code.some(({ source }) => /["']sololakehouse(?:\/(?!errors\b)[\w/-]+)?["']/.test(source));

/** The lakehouse's folder, as the cells of a notebook in `folder` find it. */
export const lakeFolder = (root: string, folder: string): string =>
  process.env.SLH_LAKE ? resolve(folder, process.env.SLH_LAKE) : join(root, ".lake");

/** A file in the lakehouse's folder that goes where its tables go. */
const MARK = "lake-id";

/** The mark of a lakehouse on which notebooks have run; empty where there is none. */
export function lakeMark(folder: string): string {
  const path = join(folder, MARK);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : "";
}

/** Gives a lakehouse its mark, if it has none: a folder that is emptied or put elsewhere is told by it. */
export function markLake(folder: string): void {
  if (!existsSync(folder) || lakeMark(folder) !== "") return;
  writeFileSync(join(folder, MARK), `${randomUUID()}\n`);
}

/** Of Markdown in a string: no quotes, so that it is not taken for a call. */
const LINK_TARGET = /\]\([^)\s"'`]*\)/g;

/**
 * Data files that cells name, as absolute paths: those which native code opens are seen by nobody else. Names in
 * strings that are no files of the project do not count, nor does what a text links to.
 */
export function namedFiles({ cells }: Notebook, root: string, folder: string): string[] {
  const found = new Set<string>();
  for (const { source } of cells.filter(({ cell_type }) => cell_type === "code")) {
    const read = source.replaceAll(LINK_TARGET, "]");
    for (const [name] of read.matchAll(/(?:[\w@.-]+[\\/])*[\w@-][\w@.-]*\.[A-Za-z][A-Za-z0-9]{1,9}\b/g)) {
      if (/\.[cm]?[jt]sx?$/.test(name)) continue;
      const path = resolve(folder, name);
      const inside = relative(root, path);
      if (inside.startsWith("..") || isAbsolute(inside) || /^(?:\.|node_modules|dist|lib)/.test(inside))
        continue;
      if (existsSync(path) && statSync(path).isFile()) found.add(path);
    }
  }
  return [...found];
}
