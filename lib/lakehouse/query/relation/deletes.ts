import type { DataFile } from "../../iceberg/index.js";

type DeleteKind = Exclude<DataFile["content"], "data">;

/** Delete files by how they say which rows they delete. */
export type DeletesByKind = Readonly<Record<DeleteKind, readonly DataFile[]>>;

/** Sorts delete files by their kind, which the format tells; deletion vectors are position deletes. */
export function deletesByKind(deleteFiles: readonly DataFile[]): DeletesByKind {
  const found: Record<DeleteKind, DataFile[]> = { "position-deletes": [], "equality-deletes": [] };
  for (const file of deleteFiles) if (file.content !== "data") found[file.content].push(file);
  return found;
}
