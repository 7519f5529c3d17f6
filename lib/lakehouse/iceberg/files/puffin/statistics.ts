import type { ObjectStore } from "../../../storage/index.js";
import type { BlobMetadata, SnapshotId, StatisticsFile } from "../../model/metadata/types.js";
import type { FieldId } from "../../model/types/types.js";
import { readPuffinBlob, readPuffinFooter } from "./reader.js";
import type { WrittenPuffin } from "./writer.js";

/** A compact theta sketch of a column's distinct values (Puffin spec, "Blob types"). */
export const THETA_SKETCH = "apache-datasketches-theta-v1";

/** How table metadata records a Puffin file of statistics (spec, "Table Statistics"). */
export function statisticsFile(written: WrittenPuffin, snapshotId: SnapshotId): StatisticsFile {
  return {
    snapshotId,
    statisticsPath: written.uri,
    fileSizeInBytes: written.fileSizeInBytes,
    fileFooterSizeInBytes: written.footerSizeInBytes,
    blobMetadata: written.blobs.map(recorded),
  };
}

function recorded({ type, snapshotId, sequenceNumber, fields, properties }: BlobMetadata): BlobMetadata {
  return { type, snapshotId, sequenceNumber, fields, properties };
}

/**
 * Distinct values per column, as the writer estimated them: the `ndv` of each theta sketch over one field. Needs
 * no read of the Puffin file; sketches whose writer left `ndv` out are passed over.
 */
export function distinctCounts(statistics: StatisticsFile): Map<FieldId, bigint> {
  const counts = new Map<FieldId, bigint>();
  for (const { type, fields, properties } of statistics.blobMetadata) {
    const ndv = properties?.ndv;
    const [field] = fields;
    if (type !== THETA_SKETCH || fields.length !== 1 || field === undefined) continue;
    if (ndv !== undefined && /^\d+$/.test(ndv)) counts.set(field, BigInt(ndv));
  }
  return counts;
}

/**
 * The bytes of the statistics blob of `type` over exactly `fields`, decompressed; `undefined` when there is none.
 *
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE
 */
export async function readStatistics(
  store: ObjectStore,
  statistics: StatisticsFile,
  type: string,
  fields: readonly FieldId[],
): Promise<Uint8Array | undefined> {
  const uri = statistics.statisticsPath;
  const footer = await readPuffinFooter(store, uri, Number(statistics.fileSizeInBytes));
  const blob = footer.blobs.find(
    (candidate) => candidate.type === type && String(candidate.fields) === String(fields),
  );
  return blob && readPuffinBlob(store, uri, blob);
}
