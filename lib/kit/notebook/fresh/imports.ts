import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { remembered, whileSteady } from "./remembered.js";

/** Import names of the project's packages, and where their sources lie below the root. */
const PACKAGES: Readonly<Record<string, string>> = {
  sololakehouse: "lib/lakehouse",
  "@sololakehouse/kit": "lib/kit",
};

/** Everything that a module exports is wanted. */
const ALL = "*";

interface Import {
  readonly from: string;
  /** Exported names that are wanted; undefined for all of them. */
  readonly names: readonly string[] | undefined;
}

interface Module {
  readonly imports: readonly Import[];
  /** For a module that only passes on what others export: wanted name → where it comes from. */
  readonly barrel: boolean;
  /** `export { a as b } from`: b → a, by import. */
  readonly renamed: ReadonlyMap<string, { readonly from: string; readonly name: string }>;
  readonly stars: readonly string[];
  /** Files beside the module that it opens: `new URL("./x.json", import.meta.url)`. */
  readonly assets: readonly string[];
}

const STATEMENT =
  /^[ \t]*(import|export)\s+(type\s+)?(?:([\w$*{}\s,]+?)\s+from\s+)?["']([^"']+)["']\s*(?:with\s*\{[^}]*\})?\s*;?/gm;
const DYNAMIC = /\b(?:import|require)\(\s*["']([^"']+)["']\s*\)/g;
const ASSET = /new URL\(\s*["'](\.[^"']+)["']\s*,\s*import\.meta\.url\s*\)/g;

/**
 * Source files of the project that code reaches through its imports, as sorted paths from the root.
 *
 * Types are not followed, since they leave nothing in what runs. An `index.ts` that only passes on other modules'
 * exports leads to those whose names are wanted, so that a change in a room that a notebook never calls leaves its
 * outputs fresh. Where there is doubt (namespace imports, `export *`), all is followed: too many files make a
 * notebook stale too early, too few would let it rot.
 */
export function reachedSources(code: readonly string[], root: string, folder: string): string[] {
  return reached(
    JSON.stringify({ imports: code.map((source) => parseModule(source).imports), root, folder }),
  );
}

const reached = whileSteady((key: string): string[] => {
  const { imports, root, folder } = JSON.parse(key) as {
    imports: { from: string; names?: string[] }[][];
    root: string;
    folder: string;
  };
  const walk = new Walk(root);
  // A cell has no path of its own: relative imports start at the notebook's folder.
  for (const { from, names } of imports.flat()) walk.follow(join(folder, "cell.ts"), from, names);
  return [...walk.files].map((path) => relative(root, path).replaceAll("\\", "/")).sort();
});

class Walk {
  readonly files = new Set<string>();
  readonly #done = new Set<string>();
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  follow(importer: string, from: string, names: readonly string[] | undefined): void {
    const path = resolveImport(this.#root, importer, from);
    if (path) this.#wantAll(path, names);
  }

  #wantAll(path: string, names: readonly string[] | undefined): void {
    for (const name of names ?? [ALL]) this.#want(path, name);
  }

  #want(path: string, name: string): void {
    const module = moduleOf(path);
    const isPassedOn = module.barrel && name !== ALL;
    const key = isPassedOn ? `${path}\0${name}` : path;
    if (this.#done.has(key)) return;
    this.#done.add(key);
    this.files.add(path);
    if (!isPassedOn) {
      const { imports, assets } = leadsTo(`${this.#root}\0${path}`);
      for (const [to, names] of imports) this.#wantAll(to, names);
      for (const file of assets) this.files.add(file);
      return;
    }
    const origin = module.renamed.get(name);
    if (origin) this.follow(path, origin.from, [origin.name]);
    else for (const from of module.stars) this.follow(path, from, [name]);
  }
}

/** Where a module leads to. The key: the root, a NUL, the module's path. Walks from all notebooks come by the same ones. */
const leadsTo = whileSteady((key: string) => {
  const [root = "", path = ""] = key.split("\0");
  const module = moduleOf(path);
  return {
    imports: module.imports
      .map(({ from, names }) => [resolveImport(root, path, from), names] as const)
      .filter(([to]) => to !== ""),
    assets: module.assets
      .map((asset) => resolve(dirname(path), asset))
      .filter((file) => existsSync(file) && !/\.[cm]?js$/.test(file)),
  };
});

/** Empty where the import leads out of the project. */
function resolveImport(root: string, importer: string, from: string): string {
  if (from.startsWith(".")) return sourceFile(resolve(dirname(importer), from));
  const name = Object.keys(PACKAGES).find((known) => from === known || from.startsWith(`${known}/`));
  if (!name) return "";
  const base = join(root, PACKAGES[name] ?? "", from.slice(name.length));
  return sourceFile(join(base, "index.ts"));
}

const moduleOf = remembered((bytes, path) =>
  parseModule(/\.[cm]?tsx?$/.test(path) ? bytes.toString("utf8") : ""),
);

/**
 * Imports name the JavaScript that a source becomes, beside it or in the project's `dist`. Empty where there is no such
 * file.
 */
const sourceFile = whileSteady((path: string): string => {
  const source = path.replace(/\.([cm]?)js$/, ".$1ts");
  const candidates = [
    source,
    source.replace(/([\\/])dist[\\/]/, "$1"),
    path,
    `${path}.ts`,
    join(path, "index.ts"),
  ];
  return candidates.find((candidate) => /\.[a-z]+$/.test(candidate) && existsSync(candidate)) ?? "";
});

function parseModule(source: string): Module {
  const imports: Import[] = [];
  const renamed = new Map<string, { from: string; name: string }>();
  const stars: string[] = [];
  let rest = source;
  for (const [statement, keyword, typeOnly, clause, from = ""] of source.matchAll(STATEMENT)) {
    rest = rest.replace(statement, "");
    if (typeOnly) continue;
    const named = namesIn(clause);
    if (named && clause && named.length === 0 && /^\{/.test(clause.trim())) continue;
    imports.push({ from, names: named?.map(({ name }) => name) });
    if (keyword !== "export") continue;
    if (named) for (const { name, as } of named) renamed.set(as, { from, name });
    else stars.push(from);
  }
  for (const [, from = ""] of source.matchAll(DYNAMIC)) imports.push({ from, names: undefined });
  const assets = [...source.matchAll(ASSET)].map(([, path = ""]) => path);
  const onlyExports = imports.length > 0 && imports.length === renamedSources(renamed, stars);
  return { imports, barrel: onlyExports && isBlank(rest), renamed, stars, assets };

  function renamedSources(names: typeof renamed, all: readonly string[]): number {
    const sources = new Set([...[...names.values()].map(({ from }) => from), ...all]);
    return imports.filter(({ from }) => sources.has(from)).length;
  }
}

/** `{ a, b as c, type D }` → a, b→c; undefined when the clause stands for the whole module. */
function namesIn(clause: string | undefined): { name: string; as: string }[] | undefined {
  const found = /^\{([^}]*)\}$/.exec(clause?.trim() ?? "");
  if (!found) return undefined;
  return (found[1] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && !part.startsWith("type "))
    .map((part) => {
      const [name = "", as = name] = part.split(/\s+as\s+/);
      return { name, as };
    });
}

const isBlank = (code: string): boolean =>
  code
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\/\/[^\n]*/g, "")
    .trim() === "";
