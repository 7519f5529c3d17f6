// Written by slh run from the cells of m10 that have the tag module:../small/pack.ts.

// Given: the files of a table, and the exchange of all of them for new ones
import { randomUUID } from "node:crypto";
import { readAvro, type Schema } from "sololakehouse/iceberg";
import { commitTo, headOf } from "../small/commits.js";
import { getObject, putIfAbsent } from "../small/store.js";
import {
  manifestsOf,
  nameOf,
  readMetadata,
  type SmallMetadata,
  withManifest,
  writeManifest,
  writeRows,
} from "../small/table.js";

/** A data file, as far as a compaction needs it. `size` in bytes. */
export interface Sized {
  readonly uri: string;
  readonly size: number;
}

/** The data files of a table's current snapshot. */
export async function filesOf(root: string, metadata: SmallMetadata): Promise<Sized[]> {
  const current = metadata.snapshots.find((one) => one["snapshot-id"] === metadata["current-snapshot-id"]);
  const files: Sized[] = [];
  for (const { manifest_path } of current ? await manifestsOf(root, current) : []) {
    const bytes = await getObject(root, nameOf(root, manifest_path));
    for (const { data_file } of readAvro<{ data_file: { file_path: string; file_size_in_bytes: bigint } }>(
      bytes,
    ))
      files.push({ uri: data_file.file_path, size: Number(data_file.file_size_in_bytes) });
  }
  return files;
}

/** Writes one file for each list of rows, and metadata whose last snapshot has these files and no others. */
export async function exchange(
  root: string,
  name: string,
  schema: Schema,
  base: SmallMetadata,
  lists: readonly (readonly object[])[],
): Promise<string> {
  const id = Math.floor(Math.random() * 2 ** 48);
  let next: SmallMetadata = { ...base, snapshots: [] };
  for (const rows of lists) {
    const written = await writeRows(root, `${name}/data/${randomUUID()}.parquet`, schema, rows);
    next = await withManifest(root, name, next, await writeManifest(root, name, schema, written, id));
  }
  const parent = base.snapshots.at(-1);
  const snapshot = {
    ...next.snapshots.at(-1),
    "parent-snapshot-id": parent?.["snapshot-id"],
    summary: { operation: "replace" },
  };
  const location = `${name}/metadata/${next["last-sequence-number"]}-${randomUUID()}.metadata.json`;
  await putIfAbsent(root, location, JSON.stringify({ ...next, snapshots: [...base.snapshots, snapshot] }));
  return location;
}

/** Files in bins of at most `target` bytes; a file that is larger has a bin to itself. */
export function pack(files: readonly Sized[], target: number): Sized[][] {
  const bins: { free: number; files: Sized[] }[] = [];
  for (const file of [...files].sort((a, b) => b.size - a.size)) {
    const roomy = bins.find(({ free }) => free >= file.size);
    if (roomy) {
      roomy.files.push(file);
      roomy.free -= file.size;
    } else bins.push({ free: target - file.size, files: [file] });
  }
  return bins.map((bin) => bin.files);
}

/**
 * Rewrites a table's files, bin by bin, and gives how many there are now. `read` gives the rows of some files.
 * Where another commit has moved the table meanwhile, it begins again.
 */
export async function compactSmall(
  root: string,
  ref: string,
  name: string,
  schema: Schema,
  target: number,
  read: (uris: readonly string[]) => Promise<object[]>,
): Promise<number> {
  for (;;) {
    const planned = (await headOf(root, ref))?.tables[name];
    if (!planned) throw new Error(`${ref} has no ${name}.`);
    const base = await readMetadata(root, planned);
    const bins = pack(await filesOf(root, base), target);
    const lists: object[][] = [];
    for (const bin of bins) lists.push(await read(bin.map(({ uri }) => uri)));
    const rewritten = await exchange(root, name, schema, base, lists);
    let isMine = false;
    await commitTo(root, ref, `compact ${name}`, (tables) => {
      // Asked again at each attempt: only the table that was planned may be exchanged.
      isMine = tables[name] === planned;
      return isMine ? { ...tables, [name]: rewritten } : tables;
    });
    if (isMine) return bins.length;
  }
}
