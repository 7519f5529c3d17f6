import { posix } from "node:path";
import { invalidArgument, type LakehouseError } from "../errors.js";
import { TAGS } from "./facts.js";
import type { DatasetInput } from "./model.js";

/**
 * What MLflow takes, by MLflow's own rules. It cuts a parameter or tag that is too long; here it is refused, since nobody
 * would see what is missing. Lengths are in characters.
 */
const LIMITS = {
  key: 250,
  param: 6_000,
  tag: 8_000,
  experiment: 256,
  run: 250,
  digest: 36,
  dataset: 500,
  source: 65_535,
  schema: 1_048_575,
  profile: 16_777_215,
  inputTagKey: 255,
  inputTag: 500,
  model: 256,
} as const;

/** As Windows takes them, too: there a colon is none of a file's name. */
const NAME = /^[/\p{L}\p{N}_.\- :]+$/u;

/** @throws LakehouseError INVALID_ARGUMENT for a key that MLflow does not take. */
export function checkKey(what: "metric" | "param" | "tag", key: unknown): asserts key is string {
  checkLength(`The key of a ${what}`, key, LIMITS.key);
  if (key === "" || !NAME.test(key))
    throw bad(key, `The key of a ${what} has letters, digits, _ . - / : and spaces, and not nothing`);
  if (posix.normalize(key) !== key || key.startsWith("/") || key.endsWith("/") || /^\.\.?(\/|$)/.test(key))
    throw bad(key, `The key of a ${what} may become a file's path, and is none that stays in its folder`);
}

export function checkParam(key: unknown, value: unknown): string {
  checkKey("param", key);
  const text = textOf(`The param ${key}`, value);
  checkLength(`The value of the param ${key}`, text, LIMITS.param);
  return text;
}

export function checkTag(key: unknown, value: unknown): string {
  checkKey("tag", key);
  const text = textOf(`The tag ${key}`, value);
  checkLength(`The value of the tag ${key}`, text, LIMITS.tag);
  return text;
}

/**
 * A tag that a caller sets: none of those that bind a run to what it was made of, which only the library knows.
 *
 * @throws LakehouseError INVALID_ARGUMENT
 */
export function checkOwnTag(key: unknown, value: unknown): string {
  const text = checkTag(key, value);
  if (BINDING.has(key as string))
    throw invalidArgument(
      key as string,
      `The tag ${key} says what a run was made of: it is set when the run begins, and by nobody else.`,
      "Use another key for what you want to say.",
    );
  return text;
}

const BINDING: ReadonlySet<string> = new Set(Object.values(TAGS));

export function checkMetric(key: unknown, value: unknown, step: unknown): void {
  checkKey("metric", key);
  if (typeof value !== "number")
    throw bad(
      key,
      `The metric ${key} is ${value === null ? "null" : `of type ${typeof value}`}, not a number`,
    );
  if (!Number.isSafeInteger(step)) throw bad(key, `The step of ${key} is no whole number`);
}

export function checkInput(input: DatasetInput): void {
  const { name, digest, sourceType, source, schema, profile, tags } = input;
  const what = `of the dataset ${name}`;
  checkLength("The name of a dataset", name, LIMITS.dataset);
  checkLength(`The digest ${what}`, digest, LIMITS.digest);
  if (name === "" || digest === "") throw bad(name, "A dataset has a name and a digest");
  checkLength(`The kind of the source ${what}`, sourceType, LIMITS.digest);
  checkLength(`The source ${what}`, source, LIMITS.source);
  checkLength(`The schema ${what}`, schema ?? "", LIMITS.schema);
  checkLength(`The profile ${what}`, profile ?? "", LIMITS.profile);
  for (const [key, value] of Object.entries(tags)) {
    checkLength(`A tag's key ${what}`, key, LIMITS.inputTagKey);
    checkLength(`The tag ${key} ${what}`, value, LIMITS.inputTag);
  }
}

export function checkExperimentName(name: unknown): asserts name is string {
  checkLength("The name of an experiment", name, LIMITS.experiment);
  if (name.trim() === "") throw bad(name, "An experiment has a name");
}

export function checkRunName(name: unknown): asserts name is string {
  checkLength("The name of a run", name, LIMITS.run);
  if (name.trim() === "") throw bad(name, "The name of a run is empty");
}

export function checkModelName(name: unknown): asserts name is string {
  checkLength("The name of a model", name, LIMITS.model);
  if (name.trim() === "" || /[/:.%"']/.test(name))
    throw bad(name, "The name of a model is not empty, and has none of / : . % and quotes");
}

/** MLflow keeps v1 for versions, and `latest` for the newest. */
export function checkAlias(alias: unknown): asserts alias is string {
  checkLength("An alias", alias, LIMITS.key);
  if (!/^[\w-]+$/.test(alias) || /^(v\d+|latest)$/i.test(alias))
    throw bad(alias, "An alias has letters, digits, _ and -, and is none of v1, v2 … and latest");
}

/**
 * A path below a folder, on any system. MLflow's server refuses a `#`, and takes `%41` for an A.
 *
 * @throws LakehouseError INVALID_ARGUMENT for one that leads elsewhere.
 */
export function checkPath(path: unknown): asserts path is string {
  checkLength("An artifact's path", path, LIMITS.source);
  const parts = path.split("/");
  const isBad = (part: string) =>
    part === "" || part === "." || part === ".." || /[\\:#%\p{Cc}]/u.test(part) || part.length > 250;
  if (parts.some(isBad))
    throw bad(
      path,
      "An artifact's path has names between single /, none of them . or .., and without \\ : # %",
    );
}

function textOf(what: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return String(value);
  throw bad(
    what,
    `${what} is ${value === null ? "null" : `of type ${typeof value}`}, not a text, number or boolean`,
  );
}

function checkLength(what: string, value: unknown, limit: number): asserts value is string {
  if (typeof value !== "string") throw bad(what, `${what} is no text`);
  // As Python counts, by characters: one outside of the basic plane is one.
  const { length } = value.length > limit ? [...value] : value;
  if (length > limit)
    throw invalidArgument(
      value.slice(0, 60),
      `${what} has ${length.toLocaleString("en")} characters, and MLflow takes ${limit.toLocaleString("en")}.`,
      "Say it shorter, or log it as an artifact.",
    );
}

function bad(subject: unknown, why: string): LakehouseError {
  return invalidArgument(String(subject), `${why}.`, "Give another one.");
}
