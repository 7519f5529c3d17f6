import { corruptFile } from "../../../errors.js";
import { verifyParquet } from "../../../parquet/index.js";
import { type ObjectStore, objectNotFound } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";

type Named = Pick<DataFile, "content" | "filePath" | "fileFormat">;

/** What a file of a table is worth. */
export interface VerifiedFile extends Named {
  /** Pages of a Parquet file; 0 for other formats, of which only the presence is looked at. */
  readonly pages: number;
  /** Those of them that carry a checksum. */
  readonly checkedPages: number;
  /** What is wrong with the file; undefined where nothing was found. */
  readonly problem?: string;
}

/**
 * Reads the files of a snapshot, one after the other, and holds each page of a Parquet file against its checksum. What
 * is missing or damaged is told, file by file; that the store cannot be read is an error.
 */
export async function* verifyFiles(
  store: ObjectStore,
  files: readonly Named[],
): AsyncGenerator<VerifiedFile, void, undefined> {
  const seen = new Set<string>();
  for (const { content, filePath, fileFormat } of files) {
    if (seen.has(filePath)) continue; // deletion vectors share a file
    seen.add(filePath);
    const row = { content, filePath, fileFormat, pages: 0, checkedPages: 0 };
    try {
      if (fileFormat === "parquet") yield { ...row, ...(await verifyParquet(store, filePath)) };
      else if ((await store.head(filePath)) !== undefined) yield row;
      else yield { ...row, problem: `There is no object ${filePath}.` };
    } catch (error) {
      if (!corruptFile.is(error) && !objectNotFound.is(error)) throw error;
      yield { ...row, problem: error.message };
    }
  }
}
