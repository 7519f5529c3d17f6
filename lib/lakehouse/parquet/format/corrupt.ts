import { corruptFile, type LakehouseError } from "../../errors.js";

/** A Parquet file whose bytes are not what they should be. @param why as in "it cannot be read: its footer has no schema". */
export function corrupt(uri: string, why: string, cause?: unknown): LakehouseError {
  return corruptFile(
    uri,
    `${uri} cannot be read: ${why}.`,
    "Restore the object from a backup, or read a snapshot that does not refer to it.",
    cause,
  );
}
