import { parse } from "yaml";
import { contentInvalid } from "../../errors.js";
import type { Source } from "./source.js";

/** What stands between the two `---` at the beginning of a text; nothing where there are none. */
export function frontMatter(source: Source): Readonly<Record<string, unknown>> {
  const yaml = source.text.slice(0, source.bodyStart).replace(/^---\r?\n|\r?\n---\s*$/g, "");
  let front: unknown;
  try {
    front = parse(yaml);
  } catch (cause) {
    throw contentInvalid(
      source.file,
      `${source.file}:1:1: the front matter is not YAML: ${cause instanceof Error ? cause.message : cause}.`,
      "Correct the lines between the two ---.",
      cause,
    );
  }
  const isRecord = front !== null && typeof front === "object" && !Array.isArray(front);
  return isRecord ? (front as Record<string, unknown>) : {};
}
