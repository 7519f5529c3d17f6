import { invalidArgument, type LakehouseError } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import { type PuffinBlob, writePuffin } from "../puffin/writer.js";
import { DELETION_VECTOR, encodeDeletionVector } from "./deletion-vector.js";
import type { PositionBitmap } from "./position-bitmap.js";
import { ROW_POSITION_ID } from "./reserved.js";

/** The rows of one data file that are deleted from now on. */
export interface DeletedRows {
  readonly dataFile: DataFile;
  /** All of them: where the file has deletes already, their union with the new ones. */
  readonly positions: PositionBitmap;
}

/** Not known when the file is written; the Puffin spec sets both ids of such a blob to -1. */
const UNKNOWN = -1n;

/**
 * Writes the deletion vectors of any number of data files into one Puffin file. A file has one vector at most, so
 * a vector must contain the deletes that came before it, and takes their place in the snapshot.
 *
 * @returns one manifest entry each, in the order given; none, and no file, when there is nothing to delete
 * @throws INVALID_ARGUMENT for positions behind the end of their file, or a file given twice
 */
export async function writeDeletionVectors(
  store: ObjectStore,
  uri: string,
  deletes: readonly DeletedRows[],
): Promise<DataFile[]> {
  const filled = deletes.filter(({ positions }) => !positions.isEmpty);
  if (filled.length === 0) return [];
  const seen = new Set<string>();
  for (const rows of filled) {
    check(rows);
    if (seen.has(rows.dataFile.filePath))
      throw invalid(rows.dataFile, "has two deletion vectors in one write");
    seen.add(rows.dataFile.filePath);
  }
  const written = await writePuffin(store, uri, blobs(filled));
  return filled.map(({ dataFile, positions }, i) => ({
    content: "position-deletes",
    filePath: uri,
    fileFormat: "puffin",
    specId: dataFile.specId,
    partition: dataFile.partition,
    recordCount: BigInt(positions.cardinality),
    fileSizeInBytes: written.fileSizeInBytes,
    referencedDataFile: dataFile.filePath,
    contentOffset: written.blobs[i]!.offset,
    contentSizeInBytes: written.blobs[i]!.length,
  }));
}

function* blobs(deletes: readonly DeletedRows[]): Generator<PuffinBlob> {
  for (const { dataFile, positions } of deletes) {
    yield {
      type: DELETION_VECTOR,
      fields: [ROW_POSITION_ID],
      snapshotId: UNKNOWN,
      sequenceNumber: UNKNOWN,
      properties: { "referenced-data-file": dataFile.filePath, cardinality: String(positions.cardinality) },
      data: encodeDeletionVector(positions),
    };
  }
}

function check({ dataFile, positions }: DeletedRows): void {
  const beyond = { start: Number(dataFile.recordCount), end: Number.MAX_SAFE_INTEGER };
  if (positions.count(beyond) > 0) throw invalid(dataFile, "would have rows deleted behind its end");
}

function invalid(dataFile: DataFile, problem: string): LakehouseError {
  return invalidArgument(
    dataFile.filePath,
    `${dataFile.filePath} (${dataFile.recordCount} rows) ${problem}.`,
  );
}
