import path from "node:path";
import type { LakehouseError } from "../errors.js";
import { unusable } from "./errors.js";

/** Name of the directory in which a LocalStore keeps its lock and unfinished writes. No key may use it. */
export const RESERVED_NAME = ".slh";

/** In a directory that is also an object's name, the file of that object. No key may use it. */
export const OBJECT_NAME = ".slh-object";
/** In a directory whose name with a slash behind it is an object's, the file of that object. No key may use it. */
export const MARKER_NAME = ".slh-marker";

export const RESERVED: readonly string[] = [RESERVED_NAME, OBJECT_NAME, MARKER_NAME];

/**
 * The `file://` URI of a path, character for character: nothing is percent-encoded. (Node's `pathToFileURL`
 * encodes, and no Iceberg implementation decodes.)
 *
 * @example fileUri("lake/a b") // "file:///home/ada/lake/a b"
 */
export function fileUri(pathOnDisk: string): string {
  return `file://${path.resolve(pathOnDisk)}`;
}

/** `file:/a` and `file://localhost/a`, which Hadoop and Java write, are the same as `file:///a`. */
export function canonicalFileUri(uri: string): string {
  if (uri.startsWith("file:///")) return uri;
  if (uri.startsWith("file://localhost/")) return `file://${uri.slice("file://localhost".length)}`;
  if (/^file:\/[^/]/.test(uri)) return `file://${uri.slice("file:".length)}`;
  return uri;
}

/** The path of a file by URI or path; a relative one is below the working directory. Nothing is percent-decoded. */
export function pathOfFile(uri: string): string {
  const plain = canonicalFileUri(uri).replace(/^file:(\/\/)?/i, "");
  return path.resolve(plain);
}

/** `s3a://` and `s3n://`, which Hadoop writes, are the same as `s3://`. */
export function canonicalS3Uri(uri: string): string {
  return uri.replace(/^s3[an]:\/\//, "s3://");
}

/**
 * The one spelling of a location that may be written in many: a path, relative or not, with `..` or doubled slashes in
 * it, any form of `file:`, and Hadoop's names for S3. Whether two locations are one object is to be asked of it.
 */
export function spelledUri(location: string): string {
  if (/^[a-z][a-z0-9+.-]+:\//i.test(location) && !/^file:/i.test(location)) return canonicalS3Uri(location);
  const uri = fileUri(pathOfFile(location));
  return location.endsWith("/") && !uri.endsWith("/") ? `${uri}/` : uri;
}

/**
 * The part of `uri` below `root`, without its leading slash. The key is taken literally: `%20` is three
 * characters, as every Iceberg reader takes it.
 *
 * @throws INVALID_URI when the URI is not below the root, or when a segment is one that a file system or a URL
 * parser would rewrite (`.`, `..`, an empty one, a NUL, half a surrogate pair): two URIs must never be one object.
 */
export function keyBelow(root: string, uri: string): string {
  if (!uri.startsWith(`${root}/`)) throw outside(uri, root);
  const key = uri.slice(root.length + 1);
  if (key === "") throw unusable(uri, "it names no object");
  // With a slash at its end it is another key, and no file: readers of files take it for a directory.
  for (const segment of key.replace(/(.)\/$/s, "$1").split("/")) checkSegment(uri, segment);
  return key;
}

/**
 * The part of a listing prefix below `root`; empty for the root itself. Its last segment may be cut short, and
 * so may be empty.
 */
export function prefixBelow(root: string, prefix: string): string {
  if (prefix === root) return "";
  if (!prefix.startsWith(`${root}/`)) throw outside(prefix, root);
  const key = prefix.slice(root.length + 1);
  const segments = key.split("/");
  const last = segments.pop() ?? "";
  for (const segment of segments) checkSegment(prefix, segment);
  checkCharacters(prefix, last);
  return key;
}

function outside(uri: string, root: string): LakehouseError {
  return unusable(uri, `it is not below the root of this store, ${root}`, "Use a URI below that root.");
}

function checkSegment(uri: string, segment: string): void {
  // S3 itself allows empty segments, and careless writers put a slash too many into a table's location.
  if (segment === "" && uri.startsWith("file:")) throw unusable(uri, "a segment of its path is empty");
  if (segment === "." || segment === "..") throw unusable(uri, `it has a "${segment}" segment`);
  if (RESERVED.includes(segment)) throw unusable(uri, `"${segment}" is reserved by the store`);
  checkCharacters(uri, segment);
}

function checkCharacters(uri: string, text: string): void {
  if (text.includes("\0")) throw unusable(uri, "it contains a NUL character");
  if (/\p{Surrogate}/u.test(text)) throw unusable(uri, "it contains half a surrogate pair");
}

/**
 * Compares as the UTF-8 bytes compare, which is the order of S3 listings. JavaScript compares UTF-16 units,
 * which puts U+FFFD after U+1F600.
 */
export function compareUtf8(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF, so they rank above all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
