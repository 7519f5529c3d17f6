import { corruptFile } from "../../../errors.js";
import { PositionBitmap } from "../../files/deletes/position-bitmap.js";
import { writePositionDeletes } from "../../files/deletes/position-delete-writer.js";
import { readPositionDeletes } from "../../files/deletes/position-deletes.js";
import { encodeFooter } from "../../files/puffin/footer.js";
import { readPuffinFooter } from "../../files/puffin/reader.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { Place } from "./place.js";

/** What the manifest entry of a position delete file that was written anew says of it. */
export interface RewrittenDeletes extends Partial<Omit<DataFile, "filePath" | "fileSizeInBytes">> {
  readonly filePath: string;
  readonly fileSizeInBytes: bigint;
  /** It is gone, as files of expired snapshots are, and was not written anew. */
  readonly isMissing?: boolean;
}

/** Writes a position delete file anew: each of its rows names a data file (spec, "Position Delete Files"). */
export async function relocatePositionDeletes(place: Place, file: DataFile): Promise<RewrittenDeletes> {
  const deletes = new Map<string, PositionBitmap>();
  for (const [path, positions] of await readPositionDeletes(place.store, file)) {
    const moved = place.moved(path);
    const known = deletes.get(moved) ?? new PositionBitmap();
    known.addAll(positions);
    deletes.set(moved, known);
  }
  // Always Parquet, which the name has to say.
  const uri = place.replacement(file.filePath).replace(/\.avro$/, ".parquet");
  const written = await writePositionDeletes(place.target, uri, deletes, { specId: 0, partition: [] });
  if (written !== undefined) return written;
  throw corruptFile(file.filePath, `The position delete file ${file.filePath} deletes nothing.`);
}

const REFERENCED_DATA_FILE = "referenced-data-file";

/** Writes the deletion vectors of a Puffin file anew, where they lay, under a footer that names the data files where they are. */
export async function relocateDeletionVectors(place: Place, uri: string): Promise<RewrittenDeletes> {
  const { store } = place;
  const bytes = await store.read(uri);
  const { blobs, properties, footerSizeInBytes } = await readPuffinFooter(store, uri, bytes.length);
  const moved = blobs.map((blob) => {
    const referenced = blob.properties?.[REFERENCED_DATA_FILE];
    if (referenced === undefined) return blob;
    return { ...blob, properties: { ...blob.properties, [REFERENCED_DATA_FILE]: place.moved(referenced) } };
  });
  const body = bytes.subarray(0, bytes.length - Number(footerSizeInBytes));
  const whole = Buffer.concat([body, encodeFooter(moved, properties)]);
  const filePath = place.replacement(uri);
  await place.target.put(filePath, whole);
  return { filePath, fileSizeInBytes: BigInt(whole.length) };
}
