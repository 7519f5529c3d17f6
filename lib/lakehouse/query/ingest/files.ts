import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import { hiveFolders, type Paths } from "../../iceberg/index.js";
import { type ObjectStore, objectNotFound, pathOfFile, reachingOut } from "../../storage/index.js";
import { ask } from "../duckdb/open.js";
import { quoteString } from "../text/tokens.js";

/** A file of a source on this machine's disk. */
export interface SourceFile {
  /** As the user knows it. */
  readonly name: string;
  readonly path: string;
  /** The columns that the folders of its path tell, as the user wrote it: those above a relative path are none of it. */
  readonly folders: ReadonlyMap<string, string | null>;
}

export interface SourceFiles {
  readonly files: readonly SourceFile[];
  /** Deletes the copies of remote files. */
  end(): Promise<void>;
}

const GLOB = /[*?[]/;
const REMOTE = /^(?!file:)[a-z][a-z0-9+.-]+:\/\//i;

/**
 * Finds the files of a source, in the order of the paths, and by name where one is a glob. Remote ones are copied: they
 * may change, so no cache keeps them.
 *
 * @param hivePartitioning whether their folders tell columns.
 * @throws LakehouseError OBJECT_NOT_FOUND where there is none.
 */
export async function findFiles(
  connection: DuckDBConnection,
  store: ObjectStore,
  paths: Paths,
  scratch: string,
  hivePartitioning = true,
): Promise<SourceFiles> {
  const reaching = reachingOut(store);
  const copies: string[] = [];
  const end = async () => {
    await Promise.all(copies.map((copy) => rm(copy, { force: true })));
  };
  try {
    const files: SourceFile[] = [];
    for (const given of [paths].flat()) {
      if (!REMOTE.test(given)) {
        files.push(...(await localFiles(connection, reaching, given)));
        continue;
      }
      for (const uri of await remoteFiles(reaching, given)) {
        await mkdir(scratch, { recursive: true });
        // DuckDB tells compression by the ending.
        const copy = join(scratch, `${randomUUID()}${/(\.[a-z0-9]+){0,2}$/i.exec(uri)?.[0] ?? ""}`);
        copies.push(copy);
        await pipeline(Readable.from(reaching.stream(uri)), createWriteStream(copy));
        files.push({ name: uri, path: copy, folders: hiveFolders(uri) });
      }
    }
    return { files: hivePartitioning ? files : files.map(withoutFolders), end };
  } catch (error) {
    await end();
    throw error;
  }
}

function withoutFolders(file: SourceFile): SourceFile {
  return { ...file, folders: new Map() };
}

async function localFiles(
  connection: DuckDBConnection,
  store: ObjectStore,
  given: string,
): Promise<SourceFile[]> {
  const isUri = /^file:/i.test(given);
  const path = isUri ? (store.localPath(given) ?? pathOfFile(given)) : resolve(given);
  const isRelative = !isUri && !isAbsolute(given);
  const foldersOf = (file: string) => hiveFolders(isRelative ? relative(resolve(), file) : file);
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) return [{ name: given, path, folders: foldersOf(path) }];
  if (found === undefined && GLOB.test(path)) {
    const rows = await ask(connection, `SELECT file FROM glob(${quoteString(path)}) ORDER BY file`);
    const files = rows.map(([file]) => file as string);
    if (files.length > 0) return files.map((file) => ({ name: file, path: file, folders: foldersOf(file) }));
  }
  throw noFile(
    given,
    found !== undefined && `It is a folder: for the files in it, write a glob, such as ${given}/*.csv.`,
  );
}

async function remoteFiles(store: ObjectStore, given: string): Promise<string[]> {
  if (!GLOB.test(given)) {
    if ((await store.head(given)) === undefined) throw noFile(given);
    return [given];
  }
  const pattern = globPattern(given);
  const prefix = given.slice(0, given.search(GLOB)).replace(/[^/]*$/, "");
  const found: string[] = [];
  const flat = !/\/|\*\*/.test(given.slice(prefix.length));
  for await (const { uri } of store.list(prefix, { flat })) if (pattern.test(uri)) found.push(uri);
  if (found.length === 0) throw noFile(given);
  return found;
}

/** As DuckDB's globs: `*` and `?` within a level, `**` over levels, `[a-z]` and `[!a-z]` for one character. */
function globPattern(glob: string): RegExp {
  const text = glob.replace(/\*\*\/?|\*|\?|\[!?[^\]]+\]|[^*?[]+|\[/g, (part) => {
    if (part.startsWith("**")) return "(?:.*/)?";
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.length > 2 && part.startsWith("[")) return part.replace(/^\[!/, "[^").replaceAll("\\", "\\\\");
    return part.replace(/[\\^$.|+(){}[\]]/g, "\\$&");
  });
  return new RegExp(`^${text}$`, "u");
}

function noFile(given: string, remedy: string | false = false) {
  const what = GLOB.test(given) ? `No file matches ${given}.` : `There is no file ${given}.`;
  return objectNotFound(given, what, remedy || undefined);
}

/** SQL for a list of files: DuckDB takes each path for a glob. */
export function filesSql(files: readonly SourceFile[]): string {
  return `[${files.map(({ path }) => quoteString(path.replace(/[*?[]/g, "[$&]"))).join(", ")}]`;
}
