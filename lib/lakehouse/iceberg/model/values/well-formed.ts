import { invalidArgument, type LakehouseError } from "../../../errors.js";
import { isWellFormed } from "./bytes.js";

/**
 * Refuses half a surrogate pair anywhere in a value that is to be kept: in text, lists, maps and their keys. Names,
 * docs, properties and SQL go to files and to other engines in UTF-8, where it has no bytes and would come back as U+FFFD.
 *
 * @throws LakehouseError INVALID_ARGUMENT with the text.
 */
export function requireWellFormed(value: unknown): void {
  if (typeof value === "string") {
    if (!isWellFormed(value)) throw malformed(value);
  } else if (Array.isArray(value)) {
    for (const item of value) requireWellFormed(item);
  } else if (value instanceof Map) {
    requireWellFormed([...value.keys()]);
    requireWellFormed([...value.values()]);
  } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    for (const [key, member] of Object.entries(value)) {
      requireWellFormed(key);
      requireWellFormed(member);
    }
  }
}

function malformed(text: string): LakehouseError {
  return invalidArgument(
    text.toWellFormed(),
    `The text ${JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)} has half a surrogate pair, which is no character.`,
    "It is often text that was cut in the middle of a character: cut it between characters.",
  );
}
