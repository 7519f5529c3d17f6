// Written by slh run from the cells of m05 that have the tag module:../small/news.ts.

import { randomUUID } from "node:crypto";
import { readAvro, type Schema } from "sololakehouse/iceberg";
import { commitTo, headOf } from "../small/commits.js";
import { getObject, putIfAbsent } from "../small/store.js";
import {
  manifestsOf,
  nameOf,
  readMetadata,
  type SmallMetadata,
  type SmallSnapshot,
  withManifest,
  writeManifest,
  writeRows,
} from "../small/table.js";

/** The data files that a snapshot itself has added, by the manifests that it wrote. */
export async function filesAddedBy(root: string, snapshot: SmallSnapshot): Promise<string[]> {
  const own = (await manifestsOf(root, snapshot)).filter(
    (row) => String(row.added_snapshot_id) === String(snapshot["snapshot-id"]),
  );
  const files: string[] = [];
  for (const { manifest_path } of own) {
    const bytes = await getObject(root, nameOf(root, manifest_path));
    for (const { data_file } of readAvro<{ data_file: { file_path: string } }>(bytes))
      files.push(data_file.file_path);
  }
  return files;
}

/** `append` or `replace`. */
export const operationOf = ({ summary }: SmallSnapshot) => (summary as { operation: string }).operation;

/** Files with rows that came behind the snapshot `after`, oldest first; with all rows that ever came where it is undefined. */
export async function newFiles(
  root: string,
  metadata: SmallMetadata,
  after: string | undefined,
): Promise<string[]> {
  const idOf = (snapshot: SmallSnapshot | undefined) =>
    snapshot === undefined ? undefined : String(snapshot["snapshot-id"]);
  const byId = new Map(metadata.snapshots.map((one) => [idOf(one), one]));
  const behind: SmallSnapshot[] = [];
  let at = byId.get(String(metadata["current-snapshot-id"]));
  for (; at !== undefined && idOf(at) !== after; at = byId.get(String(at["parent-snapshot-id"])))
    behind.unshift(at);
  if (after !== undefined && at === undefined)
    throw new Error(`${after} is not among the snapshots before the current one.`);
  // Each snapshot's own list: the newest one names the files that the table has now.
  const added = behind.filter((one) => operationOf(one) === "append").map((one) => filesAddedBy(root, one));
  return (await Promise.all(added)).flat();
}

/** Appends to `into` what `change` makes of the new files of `from`, with the bookmark. Gives how many rows came. */
export async function takeIn(
  root: string,
  ref: string,
  from: string,
  into: string,
  schema: Schema,
  change: (files: readonly string[]) => Promise<object[]>,
): Promise<number> {
  const bookmark = `${into} has read ${from} up to`;
  for (;;) {
    const tables = (await headOf(root, ref))?.tables ?? {};
    const source = await readMetadata(root, tables[from] ?? "");
    const files = await newFiles(root, source, tables[bookmark]);
    if (files.length === 0) return 0;
    const rows = await change(files);
    const written = await writeRows(root, `${into}/data/${randomUUID()}.parquet`, schema, rows);
    const row = await writeManifest(root, into, schema, written, Math.floor(Math.random() * 2 ** 48));
    let isMine = false;
    await commitTo(root, ref, `${into} takes in ${from}`, async (now) => {
      // Asked again at each attempt: whoever was quicker has taken in these rows.
      isMine = now[bookmark] === tables[bookmark];
      if (!isMine) return now;
      const next = await withManifest(root, into, await readMetadata(root, now[into] ?? ""), row);
      const location = `${into}/metadata/${next["last-sequence-number"]}-${randomUUID()}.metadata.json`;
      await putIfAbsent(root, location, JSON.stringify(next));
      return { ...now, [into]: location, [bookmark]: String(source["current-snapshot-id"]) };
    });
    if (isMine) return rows.length;
  }
}
