import type { AsyncBuffer, FileMetaData, SchemaElement } from "hyparquet";
import { corruptFile, isLakehouseError, type LakehouseError, unsupported } from "../../../errors.js";
import { decompressors, type ParquetFooter, readFooter } from "../../../parquet/index.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { FieldId } from "../../model/types/types.js";

/** A column to read: by field id, or by name in a file without field ids. */
export interface WantedColumn {
  readonly id: FieldId;
  /** Where it is given, it finds the column of a file that has no field ids at all. */
  readonly name?: string;
}

/**
 * Values of one column over some rows, in the form of their physical type: number for INT32, FLOAT and DOUBLE, bigint
 * for INT64, boolean, and for byte arrays string.
 */
export type ColumnValues = ArrayLike<unknown>;

/**
 * Reads columns of a Parquet delete file, row group by row group, so that memory does not grow with the file.
 * Columns may stand within structs, not within lists and maps.
 *
 * @returns per row group, one array of values for each wanted column, in their order
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE, also when a column is missing; UNSUPPORTED_FEATURE for other formats
 */
export async function* readDeleteColumns(
  store: ObjectStore,
  deleteFile: DataFile,
  wanted: readonly WantedColumn[],
): AsyncGenerator<ColumnValues[]> {
  const { filePath } = deleteFile;
  if (deleteFile.fileFormat !== "parquet") throw otherFormat(deleteFile);
  try {
    const footer = await readFooter(store, filePath, Number(deleteFile.fileSizeInBytes));
    const file = asyncBuffer(store, filePath, footer.fileSize);
    const metadata = withoutLogicalTypes(await rawMetadata(footer));
    const paths = wanted.map((column) => columnPath(metadata, column, filePath));
    const columns = [...new Set(paths.map((path) => path[0]!))];
    const { parquetScan } = await import("hyparquet");
    const scan = await parquetScan({ file, metadata, columns, compressors: decompressors, utf8: true });
    for (const range of scan.ranges) {
      const values = await Promise.all(
        paths.map(async ([column, ...fields]) =>
          within(await scan.readColumn({ column: column!, ...range }), fields),
        ),
      );
      if (values.some((column) => column.length !== range.rowEnd - range.rowStart)) {
        throw corruptDeletes(filePath, "its columns have different lengths");
      }
      yield values;
    }
  } catch (error) {
    // The Parquet reader throws plain errors of many kinds on damaged bytes.
    throw isLakehouseError(error) ? error : corruptDeletes(filePath, (error as Error).message, error);
  }
}

/**
 * The footer, for the Parquet reader. It is read by the Parquet room first, which checks every length in it: the
 * reader's own parser counts to 2^32 on some damaged ones.
 */
async function rawMetadata({ metadata }: ParquetFooter): Promise<FileMetaData> {
  const file = new Uint8Array(metadata.length + 8);
  file.set(metadata);
  new DataView(file.buffer).setUint32(metadata.length, metadata.length, true);
  file.set([0x50, 0x41, 0x52, 0x31], metadata.length + 4);
  const { parquetMetadata } = await import("hyparquet");
  return parquetMetadata(file.buffer, { geoparquet: false });
}

function asyncBuffer(store: ObjectStore, filePath: string, byteLength: number): AsyncBuffer {
  const read = async (start: number, end: number): Promise<ArrayBuffer> => {
    if (!(start >= 0 && start <= end && end <= byteLength)) {
      throw corruptDeletes(filePath, `a column is said to lie at bytes ${start} to ${end} of ${byteLength}`);
    }
    const bytes = await store.read(filePath, { start, end });
    if (bytes.length !== end - start) throw corruptDeletes(filePath, `it ends before byte ${end}`);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  };
  return {
    byteLength,
    slice(start, end = byteLength) {
      const bytes = read(start, end);
      // The reader begins several reads at once and drops the others when one fails; their failures are its own.
      bytes.catch(() => undefined);
      return bytes;
    },
  };
}

/**
 * The footer with bare physical types, since the Parquet reader's conversions lose digits of decimals and
 * timestamps. Iceberg's own type of a column says how to read the physical value.
 */
function withoutLogicalTypes(metadata: FileMetaData): FileMetaData {
  const schema = metadata.schema.map(({ converted_type, logical_type, ...element }): SchemaElement => {
    if (!element.num_children) return element;
    return {
      ...element,
      ...(converted_type === undefined ? {} : { converted_type }),
      ...(logical_type === undefined ? {} : { logical_type }),
    };
  });
  return { ...metadata, schema };
}

/** The names that lead to a column, from the root. */
function columnPath(metadata: FileMetaData, wanted: WantedColumn, subject: string): string[] {
  const hasIds = metadata.schema.some(({ field_id }) => field_id !== undefined);
  const matches = (element: SchemaElement, path: string[]): boolean =>
    hasIds ? element.field_id === wanted.id : path.length === 1 && path[0] === wanted.name;
  let at = 1;
  const search = (children: number, parent: string[]): string[] | undefined => {
    for (let i = 0; i < children; i++) {
      const element = metadata.schema[at++];
      if (element === undefined) throw corruptDeletes(subject, "its schema ends early");
      const path = [...parent, element.name];
      if (!element.num_children && element.repetition_type !== "REPEATED" && matches(element, path))
        return path;
      const inside = element.num_children ? search(element.num_children, path) : undefined;
      if (inside && element.repetition_type !== "REPEATED") return inside;
    }
    return undefined;
  };
  const path = search(metadata.schema[0]?.num_children ?? 0, []);
  if (path === undefined) throw corruptDeletes(subject, `it has no column with field id ${wanted.id}`);
  return path;
}

/** The values of a field within structs; a null struct makes the field null. */
function within(values: ColumnValues, fields: readonly string[]): ColumnValues {
  if (fields.length === 0) return values;
  return Array.from(values, (value) =>
    fields.reduce<unknown>(
      (inner, name) => (inner as Record<string, unknown> | null | undefined)?.[name],
      value,
    ),
  );
}

function otherFormat({ filePath, fileFormat }: DataFile): LakehouseError {
  return unsupported(
    filePath,
    `${filePath} is a delete file in ${fileFormat}; Parquet files and deletion vectors are read.`,
    "Compact the table with the engine that wrote it.",
  );
}

export function corruptDeletes(subject: string, detail: string, cause?: unknown): LakehouseError {
  return corruptFile(
    subject,
    `The delete file ${subject} cannot be read: ${detail}.`,
    "Restore the file from a backup, or roll back to a snapshot before it.",
    cause,
  );
}
