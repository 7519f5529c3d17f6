import { type FileHandle, open, realpath, rename, stat } from "node:fs/promises";
import path from "node:path";
import { invalidArgument } from "../errors.js";
import { failed } from "./errors.js";
import { fromFileSystem, isMissing, systemCode } from "./failure.js";
import { remove } from "./local/scratch.js";
import { openStore, type StoreOptions } from "./open.js";
import type { ObjectInfo } from "./store.js";
import { fileUri, pathOfFile, spelledUri } from "./uri.js";
import { unfinishedIn } from "./write-beside.js";

/**
 * Writes a body to wherever a user says: a path, a `file:` or an `s3://` URI. It is there when this resolves, whole, in
 * place of what there was; a failure or a killed process leaves that. A file grows under another, hidden name in its
 * folder; what a killed process left of that goes with the next write there. A pipe or a terminal gets the bytes as they
 * come.
 *
 * @throws LakehouseError STORAGE_FAILED; INVALID_URI; and what the body throws.
 */
export async function putAnywhere(
  location: string,
  body: AsyncIterable<Uint8Array> | Uint8Array,
  options: StoreOptions = {},
): Promise<ObjectInfo> {
  if (typeof location !== "string" || location === "") {
    throw invalidArgument("path", "A file needs a name.", "Give its path, or its s3:// URI, as text.");
  }
  const uri = spelledUri(location);
  const root = /^[a-z][a-z0-9+.-]+:\/\/[^/]*/i.exec(uri)?.[0];
  if (root !== undefined && !/^file:/i.test(root)) return openStore(root, options).put(uri, body);
  if (/[/\\]$/.test(location)) throw failed(uri, "Not written, it names a folder and no file");
  return putFile(pathOfFile(uri), body instanceof Uint8Array ? [body] : body);
}

async function putFile(
  file: string,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<ObjectInfo> {
  // Where a symbolic link stands, the file that it leads to is meant.
  const target = await realpath(file).catch(() => file);
  const there = await stat(target).catch(() => undefined);
  if (there?.isDirectory()) throw failed(fileUri(file), "Not written, it is a folder");
  if (there && !there.isFile()) return writeTo(target, file, "w", body);
  const temp = await unfinishedIn(path.dirname(target));
  try {
    const info = await writeTo(temp, file, "wx", body);
    await rename(temp, target);
    return info;
  } catch (error) {
    await remove(temp);
    throw notWrittenTo(error, file);
  }
}

async function writeTo(
  file: string,
  named: string,
  flags: "w" | "wx",
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<ObjectInfo> {
  const handle = await open(file, flags).catch((error: unknown) => {
    throw notWrittenTo(error, named);
  });
  let size = 0;
  try {
    for await (const chunk of body) {
      await writeAll(handle, chunk, named);
      size += chunk.length;
    }
    if (flags === "wx") await handle.sync();
    const { mtime, ino } = await handle.stat();
    return { uri: fileUri(named), size, etag: `${size}-${mtime.getTime()}-${ino}`, lastModified: mtime };
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array, named: string): Promise<void> {
  try {
    for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
  } catch (error) {
    throw notWrittenTo(error, named);
  }
}

function notWrittenTo(error: unknown, file: string): unknown {
  const uri = fileUri(file);
  if (isMissing(error)) {
    const remedy = "Make the folder first.";
    return failed(uri, "Not written, its folder does not exist", error, remedy);
  }
  if (systemCode(error) === "ENAMETOOLONG") {
    const remedy = "Give it a shorter name.";
    return failed(uri, "Not written, its name is too long for the file system", error, remedy);
  }
  return fromFileSystem(error, uri, "Could not write the file");
}
