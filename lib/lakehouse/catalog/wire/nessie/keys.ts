import type { JsonInput, JsonNode } from "../../../iceberg/index.js";
import type { ContentKey } from "../../model/content.js";

/** In a key that starts with a dot `*` escapes the next character (Nessie API v2, path parameter `key`). */
const ESCAPES: Readonly<Record<string, string>> = { ".": ".", "*": "*", "{": "/", "}": "\\", "[": "%" };
const ESCAPED = new Map(Object.entries(ESCAPES).map(([letter, character]) => [character, `*${letter}`]));

/**
 * A content key as paths and queries have it: elements between dots. One whose elements hold dots or what servers
 * do not let through in a path starts with a dot, and is escaped.
 */
export function keyToPath(key: ContentKey): string {
  const isPlain = key.every((element) => !/[./\\%]/.test(element));
  if (isPlain) return key.join(".");
  return key.map((element) => `.${element.replaceAll(/[.*/\\%]/g, (c) => ESCAPED.get(c) ?? c)}`).join("");
}

/** The key that a path names; `undefined` where it is badly escaped. Older clients write a dot as U+001D or NUL. */
export function keyFromPath(text: string): ContentKey | undefined {
  if (!text.startsWith(".")) {
    return text
      .split(".")
      .filter((element) => element !== "")
      .map((element) => element.replaceAll("\u0000", ".").replaceAll("\u001d", "."));
  }
  const elements: string[] = [""];
  for (const [token, escaped] of text.slice(1).matchAll(/\*([\s\S]?)|[\s\S]/g)) {
    const character = escaped === undefined ? token : ESCAPES[escaped];
    if (character === undefined) return undefined;
    if (token === ".") elements.push("");
    else elements[elements.length - 1] += character;
  }
  return elements;
}

export function keyToJson(key: ContentKey): JsonInput {
  return { elements: key };
}

export function keyFromJson(node: JsonNode): ContentKey {
  return node
    .get("elements")
    .array()
    .map((element) => element.string());
}
