import { invalidArgument, type LakehouseError } from "../../errors.js";
import { requireWellFormed } from "../../iceberg/index.js";

/** The name of an immutable object: the sha-256 of its bytes, 64 lower-case hex digits. */
export type Hash = string & { readonly __flavor?: "Hash" | undefined };

/** The hash of no commit: where every history begins. It is the value that Nessie uses. */
export const BEGINNING: Hash = "2e1cfa82b035c26cbbbdae632cea070514eb8b773f616aaeaf668e2f0be8f10d";

/**
 * The one text for a value (null, booleans, whole numbers, text, lists, maps): keys in UTF-16 order, no spaces, absent where `undefined`. Equal values have
 * equal texts, so that equal objects have equal hashes whoever writes them.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (value === null || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw notCanonical(String(value));
    return Object.is(value, -0) ? "0" : String(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object") throw notCanonical(typeof value);
  const record = value as Record<string, unknown>;
  let text = "";
  for (const key of Object.keys(record).sort()) {
    const member = record[key];
    if (member === undefined) continue;
    text += `${text === "" ? "" : ","}${quoted(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

function quoted(text: string): string {
  requireWellFormed(text);
  return JSON.stringify(text);
}

/** Two values are the same content when their canonical texts are. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined) return false;
  return canonicalJson(left) === canonicalJson(right);
}

function notCanonical(found: string): LakehouseError {
  return invalidArgument(
    found,
    `A catalog object cannot carry ${found}: only text, whole numbers below 2^53, booleans, lists and maps.`,
    "Give 64-bit integers and fractions as text.",
  );
}
