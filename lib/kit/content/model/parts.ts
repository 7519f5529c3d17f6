import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalidConfig } from "sololakehouse/errors";
import { parse } from "yaml";
import type { Project } from "../../milestones/index.js";
import { isStarted, type MilestoneContent } from "./inputs.js";

/** A part of the whole that texts speak of, perhaps before it is built. */
export interface Part {
  /** As `{{ planned "name" }}` says it. */
  readonly name: string;
  /** What a text calls it. */
  readonly words: readonly string[];
  /** Where it is, once it is built; undefined while it is planned. */
  readonly built: string | undefined;
}

/**
 * The milestones with a number, under their ids, and the parts of `milestones/parts.yaml`: for each its name, its words, and the path that
 * exists as soon as it does.
 *
 * @throws INVALID_CONFIG when the file has another form.
 */
export function readParts(project: Project, all: readonly MilestoneContent[]): Part[] {
  const numbered = all.filter(({ milestone }) => milestone.number !== undefined);
  const milestones = numbered.map((content): Part => {
    const { id, label } = content.milestone;
    return { name: id, words: [label], built: isStarted(content) ? `milestones/${id}` : undefined };
  });
  const path = join(project.milestones, "parts.yaml");
  const listed: unknown = existsSync(path) ? parse(readFileSync(path, "utf8")) : [];
  if (!Array.isArray(listed) || !listed.every(isListed)) {
    throw invalidConfig(
      "milestones/parts.yaml",
      "milestones/parts.yaml must be a list of parts, each with name, words and path.",
      "Correct it: - { name: streaming log, words: [streaming log], path: lib/lakehouse/log }",
    );
  }
  const others = listed.map(
    ({ name, words, path: place }): Part => ({
      name,
      words,
      built: existsSync(join(project.root, place)) ? place : undefined,
    }),
  );
  return [...milestones, ...others];
}

function isListed(value: unknown): value is { name: string; words: string[]; path: string } {
  const { name, words, path } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof name === "string" &&
    typeof path === "string" &&
    Array.isArray(words) &&
    words.every((word) => typeof word === "string")
  );
}
