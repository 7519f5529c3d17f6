import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import type { Project } from "./project.js";

/** `m03`, or the slug of one without a number: how commands, names of files and the site call a milestone. */
export type MilestoneId = string & { readonly __flavor?: "MilestoneId" };

export const PROFILES = ["embedded", "stack"] as const;
export type Profile = (typeof PROFILES)[number];

/** What a milestone may promise beyond the checks that all of them share. */
export const PIECE_KINDS = ["notebook", "doc", "blog", "linkedin", "video", "slides", "diagram"] as const;
export type PieceKind = (typeof PIECE_KINDS)[number];

/**
 * A folder of `milestones/`, or of `notebooks/` for one without a number, as its `milestone.yaml` declares it. Its state is
 * computed, never typed in.
 */
export interface Milestone {
  readonly id: MilestoneId;
  /** 0 to 11; absent for one that stands beside the series. */
  readonly number?: number | undefined;
  /** `M3`; what `milestone.yaml` says for one without a number. */
  readonly label: string;
  /** `writing-iceberg`; the folder is `m03-writing-iceberg`, or without a number the slug alone. */
  readonly slug: string;
  readonly title: string;
  /** What the milestone shows, in one sentence. */
  readonly oneLine: string;
  /** Data sets that its notebook reads. */
  readonly datasets: readonly string[];
  /** Profiles that its notebook runs on, the usual one first. */
  readonly profiles: readonly Profile[];
  /** Why facts, by their names, are not on the stack what they are embedded. */
  readonly differs: Readonly<Record<string, string>>;
  /** Pieces that must be there and in order for the milestone to be done. */
  readonly definitionOfDone: readonly PieceKind[];
  /** Exercises that the notebook has at least, each with a solution that passes; 0 for a tour, which only shows and asks. */
  readonly exercises: number;
  /** Seconds that the notebook may take. */
  readonly timeoutSeconds: number;
  readonly folder: string;
  readonly notebookPath: string;
}

const FOLDER = /^m(\d{2})-([a-z0-9]+(?:-[a-z0-9]+)*)$/;
const TOUR_FOLDER = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const KEYS = [
  "number",
  "label",
  "slug",
  "title",
  "one-line",
  "datasets",
  "profiles",
  "differs",
  "definition-of-done",
  "exercises",
  "timeout",
];
const DEFAULT_EXERCISES = 2;
const DEFAULT_TIMEOUT_SECONDS = 600;

/**
 * All milestones in order, those without a number last.
 *
 * @throws LakehouseError `INVALID_CONFIG` that names the file and the field which is wrong.
 */
export async function listMilestones(project: Project): Promise<Milestone[]> {
  const numbered = await foldersIn(project.milestones, (name) => FOLDER.test(name));
  const tours = await foldersIn(
    project.tours,
    (name) => TOUR_FOLDER.test(name) && existsSync(join(project.tours, name, "milestone.yaml")),
  );
  return Promise.all(
    [...numbered, ...tours].map((folder) => readMilestone(project, folder, basename(folder))),
  );
}

/** The folders of a folder, by name: none where it is not there. */
async function foldersIn(path: string, isOne: (name: string) => boolean): Promise<string[]> {
  if (!existsSync(path)) return [];
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && isOne(entry.name)).map(({ name }) => name);
  return names.sort().map((name) => join(path, name));
}

/**
 * The milestones that the given words mean: `m03`, `3`, `m03-writing-iceberg` or `writing-iceberg`.
 *
 * @throws LakehouseError `INVALID_CONFIG` for a word that names none.
 */
export function selectMilestones(all: readonly Milestone[], words: readonly string[]): Milestone[] {
  const chosen = words.map((word) => {
    const wanted = word.toLowerCase();
    const found = all.find(
      ({ id, slug, number }) =>
        wanted === id ||
        wanted === slug ||
        (number !== undefined && (wanted === `${id}-${slug}` || wanted === String(number))),
    );
    if (found) return found;
    throw invalidConfig(
      word,
      `There is no milestone "${word}".`,
      `Choose from ${all.map((milestone) => milestone.id).join(", ")}.`,
    );
  });
  return all.filter((milestone) => chosen.includes(milestone));
}

async function readMilestone(project: Project, folder: string, name: string): Promise<Milestone> {
  const path = join(folder, "milestone.yaml");
  const shown = relative(project.root, path);
  if (!existsSync(path)) throw invalidConfig(shown, `${shown} is missing.`, "Copy that of a neighbour.");
  const { parse } = await import("yaml");
  let raw: unknown;
  try {
    raw = parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw invalidConfig(shown, `${shown} is not YAML: ${(cause as Error).message}.`, "Correct it.", cause);
  }
  return { ...parseMilestone(raw, name, shown), folder, notebookPath: join(folder, "notebook.ipynb") };
}

/** Validates the content of a `milestone.yaml`; `shown` is how messages name the file. */
export function parseMilestone(
  raw: unknown,
  folderName: string,
  shown: string,
): Omit<Milestone, "folder" | "notebookPath"> {
  const fail = (field: string, must: string): never => {
    throw invalidConfig(shown, `${shown}: "${field}" must be ${must}.`, "Correct the file.");
  };
  if (raw === null || typeof raw !== "object" || Array.isArray(raw)) return fail("the file", "a mapping");
  const fields = raw as Record<string, unknown>;
  const unknown = Object.keys(fields).find((key) => !KEYS.includes(key));
  if (unknown) return fail(unknown, `left out: the fields are ${KEYS.join(", ")}`);

  const [, digits, slugOfFolder = folderName] = FOLDER.exec(folderName) ?? [];
  const text = (field: string): string => {
    const value = fields[field];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : fail(field, "a text");
  };
  const list = <T extends string>(field: string, allowed?: readonly T[]): T[] => {
    const value = fields[field] ?? [];
    const ok =
      Array.isArray(value) &&
      value.every((item) => typeof item === "string" && (!allowed || allowed.includes(item as T)));
    return ok ? (value as T[]) : fail(field, `a list of ${allowed ? allowed.join(", ") : "names"}`);
  };

  if (digits === undefined) {
    if (fields.number !== undefined) return fail("number", "left out: the folder has none");
  } else {
    if (fields.number !== Number(digits)) return fail("number", `${Number(digits)}, as the folder says`);
    if (fields.label !== undefined) return fail("label", "left out: the number says it");
  }
  if (fields.slug !== slugOfFolder) return fail("slug", `${slugOfFolder}, as the folder says`);
  const oneLine = text("one-line");
  if (oneLine.includes("\n")) return fail("one-line", "one line");
  const profiles = list("profiles", PROFILES);
  if (profiles.length === 0) return fail("profiles", `a list of ${PROFILES.join(", ")}, one at least`);
  const differs = fields.differs ?? {};
  const isMapping = typeof differs === "object" && !Array.isArray(differs);
  if (!isMapping || !Object.values(differs as object).every((why) => typeof why === "string"))
    return fail("differs", "a mapping from names of facts to why they differ on the stack");
  const timeout = fields.timeout ?? DEFAULT_TIMEOUT_SECONDS;
  if (typeof timeout !== "number" || !(timeout > 0)) return fail("timeout", "a number of seconds above 0");
  const exercises = fields.exercises ?? DEFAULT_EXERCISES;
  if (typeof exercises !== "number" || !Number.isInteger(exercises) || exercises < 0)
    return fail("exercises", "a whole number, 0 or more");
  return {
    ...(digits === undefined
      ? { id: slugOfFolder, label: text("label") }
      : { id: `m${digits}`, label: `M${Number(digits)}`, number: Number(digits) }),
    slug: fields.slug,
    title: text("title"),
    oneLine,
    datasets: list("datasets"),
    profiles,
    differs: differs as Milestone["differs"],
    definitionOfDone: list("definition-of-done", PIECE_KINDS),
    exercises,
    timeoutSeconds: timeout,
  };
}
