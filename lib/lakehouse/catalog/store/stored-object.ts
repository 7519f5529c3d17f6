import { createHash } from "node:crypto";
import { canonicalJson, type Hash } from "../model/hash.js";

/** An object with the name that its bytes give it. */
export interface StoredObject {
  readonly hash: Hash;
  readonly bytes: Uint8Array;
}

/** Encodes a value canonically and names it. */
export function toObject(value: unknown): StoredObject {
  return named(canonicalJson(value));
}

/** The object that holds a canonical text. */
export function named(text: string): StoredObject {
  const bytes = Buffer.from(text, "utf8");
  return { hash: sha256(bytes), bytes };
}

export function sha256(bytes: Uint8Array): Hash {
  return createHash("sha256").update(bytes).digest("hex");
}
