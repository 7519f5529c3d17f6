import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { invalidConfig, type LakehouseError } from "./errors.js";
import { nearNames } from "./near-names.js";
import { SECRET_NAME, withoutSecrets } from "./secrets.js";
import { runsTypeScript } from "./user-module.js";

/**
 * What `slh.config.json`, the default export of `slh.config.js`, `.mjs`, `.cjs` or `.ts`, or the key `slh` of
 * `package.json` may say. Paths in it are relative to the file. Secrets have no place in it: they belong in the environment.
 *
 * @example
 * export default { root: ".lake", catalog: "etcd://localhost:2379/lake" } satisfies LakehouseConfig;
 */
export interface LakehouseConfig {
  readonly profile?: string | undefined;
  readonly root?: string | undefined;
  /** A path or URI. */
  readonly warehouse?: string | undefined;
  /** A URI, as of `ProfileOptions`. */
  readonly catalog?: string | undefined;
  /** A URI, as of `ProfileOptions`. */
  readonly log?: string | undefined;
  /** A URI, as of `ProfileOptions`. */
  readonly experiments?: string | undefined;
}

/** A config file that was found, with its paths made absolute. */
export interface FoundConfig {
  /** The file. */
  readonly path: string;
  readonly config: LakehouseConfig;
}

const KEYS: readonly (keyof LakehouseConfig)[] = [
  "profile",
  "root",
  "warehouse",
  "catalog",
  "log",
  "experiments",
];

const FILES = ["json", "js", "mjs", "cjs", "ts"].map((extension) => `slh.config.${extension}`);

/**
 * The nearest config file, in a folder or above it.
 *
 * @throws LakehouseError INVALID_CONFIG for one that cannot be read, or says what makes no sense; for two in one folder.
 */
export function findConfig(from: string): FoundConfig | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = FILES.map((name) => join(folder, name)).filter((path) => existsSync(path));
    const inPackage = packageConfig(join(folder, "package.json"));
    if (inPackage !== undefined) found.push(inPackage.path);
    const [path, second] = found;
    if (path !== undefined && second !== undefined) {
      throw invalidConfig(path, `There are two config files, ${path} and ${second}.`, "Keep one of them.");
    }
    if (path !== undefined) {
      const value = inPackage === undefined ? readConfig(path) : inPackage.value;
      return { path, config: checked(path, value) };
    }
    if (dirname(folder) === folder) return undefined;
  }
}

function packageConfig(path: string): { path: string; value: unknown } | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  // One that does not concern us may be as broken as it likes.
  if (!text.includes('"slh"')) return undefined;
  const value = (parseJson(path, text) as { slh?: unknown } | null)?.slh;
  return value === undefined ? undefined : { path, value };
}

function readConfig(path: string): unknown {
  if (path.endsWith(".json")) return parseJson(path, textOf(path));
  if (path.endsWith(".ts") && !runsTypeScript()) {
    throw invalidConfig(
      path,
      `${path} is TypeScript, which Node ${process.versions.node} does not run.`,
      "Call it slh.config.mjs, without types, or use Node 22.18 or newer.",
    );
  }
  let loaded: { default?: unknown } | null;
  try {
    loaded = createRequire(path)(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return loaded !== null && typeof loaded === "object" && "default" in loaded ? loaded.default : loaded;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): LakehouseError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return invalidConfig(path, `The config file ${path} cannot be read: ${why}.`, "Mend the file.", cause);
}

function checked(path: string, value: unknown): LakehouseConfig {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw invalidConfig(
      path,
      `The config file ${path} is no object of settings.`,
      `Its settings are ${KEYS.join(", ")}.`,
    );
  }
  for (const [key, setting] of Object.entries(value)) checkSetting(path, key, setting);
  const { root, warehouse, catalog, log, experiments, ...rest } = value as LakehouseConfig;
  const folder = dirname(path);
  const inFolder = (uri: string | undefined) =>
    uri?.replace(/^sqlite:(?!:memory:$)(.+)$/, (_, file: string) => `sqlite:${resolve(folder, file)}`);
  return {
    ...rest,
    root: root === undefined ? undefined : resolve(folder, root),
    warehouse: warehouse === undefined || isUri(warehouse) ? warehouse : resolve(folder, warehouse),
    catalog: inFolder(catalog),
    log: inFolder(log),
    experiments: inFolder(experiments),
  };
}

function checkSetting(path: string, key: string, setting: unknown): void {
  if (SECRET_NAME.test(key)) {
    throw invalidConfig(
      path,
      `The config file ${path} has "${key}": secrets do not belong in a file of the project.`,
      "Take it out, and set SLH_S3_* or SLH_CATALOG_CLIENT_* in the environment.",
    );
  }
  if (!KEYS.includes(key as keyof LakehouseConfig)) {
    const [near] = nearNames(key, KEYS);
    const remedy =
      near === undefined ? `Its settings are ${KEYS.join(", ")}.` : `Perhaps "${near}" was meant.`;
    throw invalidConfig(path, `The config file ${path} has an unknown setting "${key}".`, remedy);
  }
  if (setting === undefined) return;
  if (typeof setting !== "string" || setting === "") {
    throw invalidConfig(path, `"${key}" in the config file ${path} is no text.`, "Give it as a text.");
  }
  if (withoutSecrets(setting) !== setting) {
    throw invalidConfig(
      path,
      `"${key}" in the config file ${path} has a password in its URI: secrets do not belong in a file of the project.`,
      "Take it out, and set the variable of the environment that takes it.",
    );
  }
}

function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(text);
}
