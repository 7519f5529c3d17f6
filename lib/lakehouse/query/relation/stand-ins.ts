import { constants } from "node:fs";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";

import {
  allFields,
  type DataFile,
  type FieldId,
  fieldById,
  type IcebergType,
  METADATA_COLUMNS,
  readAvroData,
  rowsToBatches,
  schemaToArrow,
  storedSchema,
} from "../../iceberg/index.js";
import { needsRedeclaring, readFooter, redeclared, writeParquet } from "../../parquet/index.js";
import { fileUri, LocalStore, type ObjectStore, objectNotFound, openAnywhere } from "../../storage/index.js";
import { deletesByKind } from "./deletes.js";
import { checkRowCount, type FileSchema, type FileSchemas } from "./file-schemas.js";
import { readHeld } from "./local-files.js";
import { replaceEnd } from "./masked-files.js";
import type { RelationInput } from "./relation.js";

/** Parquet files on this machine's disk that are read in place of others: the same rows in the same order. */
export type StandIns = ReadonlyMap<string, DataFile>;

/**
 * Makes stand-ins for the files that DuckDB would not read, or not whole. Avro becomes Parquet. Of instants in
 * nanoseconds it keeps microseconds, of local timestamps in nanoseconds all: so it gets a copy in which they are called
 * that. And shredded variants it puts together where they are called variants.
 *
 * @param folder made when needed; what is in it is the caller's to remove.
 */
export async function makeStandIns(
  input: RelationInput,
  schemas: FileSchemas,
  folder: string,
): Promise<StandIns> {
  const standIns = new Map<string, DataFile>();
  const all = filesOf(input);
  const store = new LocalStore(folder, { durable: false });
  for (const [i, file] of all.entries()) {
    if (file.fileFormat === "avro")
      standIns.set(file.filePath, await avroAsParquet(input, file, store, `avro-${i}`));
  }
  const files = all.filter((file) => !standIns.has(file.filePath));
  const keys = files.flatMap((file) => file.equalityIds ?? []).map((id) => typeOfAny(input, id)?.type);
  const fields = [...allFields(input)].map(({ field }) => field);
  const variants = new Set(fields.filter(({ type }) => type.type === "variant").map(({ id }) => id));
  const types = [...keys, ...fields.map(({ type }) => type.type)];
  if (variants.size === 0 && !types.includes("timestamptz_ns")) return standIns;
  const known = await schemas.of(input.store, files, input);
  for (const [i, file] of files.entries()) {
    if (!needsRedeclaring((known[i] as FileSchema).root, variants)) continue;
    await mkdir(folder, { recursive: true });
    const copy = path.join(folder, `${i}.parquet`);
    standIns.set(file.filePath, await redeclaredCopy(input, file, variants, copy));
  }
  return standIns;
}

async function avroAsParquet(
  input: RelationInput,
  file: DataFile,
  store: LocalStore,
  name: string,
): Promise<DataFile> {
  const bytes = await readFile(input.paths.get(file.filePath) ?? file.filePath).catch((cause: unknown) => {
    throw objectNotFound(file.filePath, `There is no object ${file.filePath}.`, undefined, cause);
  });
  const typeOf = (id: FieldId) =>
    fieldById(input, id)?.type ??
    METADATA_COLUMNS.find((field) => field.id === id)?.type ??
    typeOfAny(input, id);
  const { fields, rows } = readAvroData(bytes, file.filePath, typeOf);
  const uri = `${store.root}/${name}.parquet`;
  const schema = storedSchema({ schemaId: 0, fields, identifierFieldIds: [] });
  const written = await writeParquet(store, uri, schemaToArrow(schema), rowsToBatches(schema, rows));
  // Avro has no footer: a file that was cut between two blocks shows in its rows alone.
  checkRowCount(file, written.recordCount);
  return { ...file, filePath: uri, fileFormat: "parquet", fileSizeInBytes: written.fileSizeInBytes };
}

function typeOfAny({ fieldPath }: RelationInput, id: FieldId): IcebergType | undefined {
  return fieldPath(id)?.at(-1)?.type;
}

/** Each data file and equality delete file, once. */
function filesOf(input: RelationInput): DataFile[] {
  const files = new Map<string, DataFile>();
  for (const { dataFile, deleteFiles } of input.tasks) {
    files.set(dataFile.filePath, dataFile);
    for (const file of deletesByKind(deleteFiles)["equality-deletes"]) files.set(file.filePath, file);
  }
  return [...files.values()];
}

async function redeclaredCopy(
  input: RelationInput,
  file: DataFile,
  variants: ReadonlySet<FieldId>,
  copy: string,
): Promise<DataFile> {
  const { filePath, fileSizeInBytes } = file;
  const held = input.paths.get(filePath);
  const footer = await readHeld(input.store, filePath, held, (from, uri) =>
    readFooter(from, uri, Number(fileSizeInBytes)),
  );
  const metadata = redeclared(footer, filePath, variants);
  await copyFile(held ?? filePath, copy, constants.COPYFILE_FICLONE);
  const end = new Uint8Array(metadata.length + 8);
  end.set(metadata);
  new DataView(end.buffer).setUint32(metadata.length, metadata.length, true);
  end.set(Buffer.from("PAR1"), metadata.length + 4);
  const start = footer.fileSize - 8 - footer.metadata.length;
  await replaceEnd(copy, start, end);
  return { ...file, filePath: fileUri(copy), fileSizeInBytes: BigInt(start + end.length) };
}

/** The schemas of `files`, or of what stands in for them. */
export async function schemasOf(
  files: readonly DataFile[],
  input: RelationInput,
  standIns: StandIns,
  schemas: FileSchemas,
): Promise<FileSchema[]> {
  const own = files.filter((file) => !standIns.has(file.filePath));
  const others = files.flatMap((file) => standIns.get(file.filePath) ?? []);
  const found = new Map<DataFile, FileSchema>();
  const add = async (store: ObjectStore, some: readonly DataFile[]) => {
    const known = await schemas.of(store, some, input);
    for (const [i, file] of some.entries()) found.set(file, known[i] as FileSchema);
  };
  await Promise.all([add(input.store, own), add(openAnywhere(), others)]);
  return files.map((file) => found.get(standIns.get(file.filePath) ?? file) as FileSchema);
}

export async function removeStandIns(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
