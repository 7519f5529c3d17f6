import { invalidArgument } from "../../errors.js";
import { isWellFormed } from "../../iceberg/index.js";
import { canonicalJson } from "./hash.js";

/** The name of a content object: its namespace's levels, then its own name. */
export type ContentKey = readonly string[];

/** Identifies a content object for life: renames keep it, a drop and a new create do not. */
export type ContentId = string & { readonly __flavor?: "ContentId" | undefined };

export interface NamespaceContent {
  readonly type: "NAMESPACE";
  readonly id: ContentId;
  readonly properties: Readonly<Record<string, string>>;
}

/** Where a table stands: its metadata file, and the ids that are current in it. */
export interface IcebergTableContent {
  readonly type: "ICEBERG_TABLE";
  readonly id: ContentId;
  /** URI of the metadata JSON. */
  readonly metadataLocation: string;
  /** 64-bit, as decimal text; "-1" while the table has no snapshot. */
  readonly snapshotId: string;
  readonly schemaId: number;
  readonly specId: number;
  readonly sortOrderId: number;
}

export interface IcebergViewContent {
  readonly type: "ICEBERG_VIEW";
  readonly id: ContentId;
  readonly metadataLocation: string;
  readonly versionId: number;
  readonly schemaId: number;
}

/** What a catalog key holds, in Nessie's words. */
export type Content = NamespaceContent | IcebergTableContent | IcebergViewContent;
export type ContentType = Content["type"];

/** Elements are separated by NUL, which sorts before every character that they may hold: a namespace's contents follow it. */
const SEPARATOR = "\u0000";
const MAX_ELEMENTS = 20;
const MAX_LENGTH = 500;

/**
 * The key as the tree sorts it. Throws `INVALID_ARGUMENT` for an empty key or element, control characters,
 * more than 20 elements or 500 characters (Nessie's limits).
 */
export function encodeKey(key: ContentKey): string {
  const encoded = key.join(SEPARATOR);
  const problem =
    key.length === 0 || key.some((element) => element === "")
      ? "is empty, or a part of it is"
      : key.length > MAX_ELEMENTS || encoded.length > MAX_LENGTH
        ? `is longer than ${MAX_ELEMENTS} parts or ${MAX_LENGTH} characters`
        : key.some(hasControlCharacter)
          ? "holds a control character"
          : !isWellFormed(encoded)
            ? "holds half a surrogate pair"
            : undefined;
  if (problem !== undefined) {
    throw invalidArgument(
      keyName(key),
      `The name ${JSON.stringify(keyName(key))} ${problem}.`,
      "Choose another name.",
    );
  }
  return encoded;
}

export function decodeKey(encoded: string): ContentKey {
  return encoded.split(SEPARATOR);
}

/** What the keys of a namespace's contents, at any depth, start with. */
export function keyPrefix(namespace: ContentKey): string {
  return namespace.length === 0 ? "" : `${encodeKey(namespace)}${SEPARATOR}`;
}

/** Sorts after the key and all that lies in it, and before the next key: elements hold no control characters. */
export function pastContents(key: ContentKey): string {
  return `${encodeKey(key)}\u0001`;
}

export function keyName(key: ContentKey): string {
  return key.join(".");
}

/** A content as a tree holds it: canonical, so that contents are the same when their texts are. */
export function toText(content: Content): string {
  return canonicalJson(content);
}

export function fromText(text: string): Content;
export function fromText(text: string | undefined): Content | undefined;
export function fromText(text: string | undefined): Content | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Content);
}

function hasControlCharacter(element: string): boolean {
  for (let i = 0; i < element.length; i++) if (element.charCodeAt(i) < 0x20) return true;
  return false;
}

/** One key of a tree and what it holds. */
export interface Entry {
  readonly key: ContentKey;
  readonly content: Content;
}
