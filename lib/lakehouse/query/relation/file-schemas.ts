import { isDeepStrictEqual } from "node:util";
import { corruptFile, unsupported } from "../../errors.js";
import {
  createNameMapping,
  type DataFile,
  type FieldId,
  hasFieldIds,
  type NestedField,
  nameMappingFromJson,
  withMappedIds,
} from "../../iceberg/index.js";
import { digestOf, identityOf, keyOf } from "../../keys.js";
import { type ParquetNode, readSummary, tellsZerosApart } from "../../parquet/index.js";
import type { ObjectStore } from "../../storage/index.js";
import { readHeld } from "./local-files.js";

/** The schema of a data file; files with equal ones share one object and one key. */
export interface FileSchema {
  readonly key: string;
  readonly root: ParquetNode;
  /** Whether a look for a float may miss rows that have an equal one: see the function of that name. */
  readonly tellsZerosApart: boolean;
}

interface FileFooter {
  readonly schema: FileSchema;
  readonly rowCount: bigint;
}

/** Where files are at hand, and what gives ids to the columns of those that carry none. */
export interface SchemaSources {
  /** Path on this machine's disk of each file that is held there, by its path in the table. */
  readonly paths: ReadonlyMap<string, string>;
  /** The table property `schema.name-mapping.default`: JSON text. */
  readonly nameMapping?: string | undefined;
  /** A field of any schema of the table, the structs around it before it. */
  readonly fieldPath: (id: FieldId) => readonly NestedField[] | undefined;
}

const PARALLEL_READS = 16;
/** Footers remembered. Files are immutable, so what was read once stays true. */
const MAX_FILES = 20_000;

/** Different schemas remembered. Without them the same is only found to be the same later. */
const MAX_SCHEMAS = 2_000;

/** Reads the schemas of data files, each once. */
export class FileSchemas {
  /** What the files' own footers say, by store and path. */
  readonly #byFile = new Map<string, Promise<FileFooter>>();
  /** By what they say. */
  readonly #shared = new Map<string, FileSchema>();
  #last: FileSchema | undefined;

  /** The schemas of `files`, in their order. */
  async of(store: ObjectStore, files: readonly DataFile[], sources: SchemaSources): Promise<FileSchema[]> {
    const schemas = new Array<FileSchema>(files.length);
    let next = 0;
    const work = async () => {
      for (let i = next++; i < files.length; i = next++) {
        const file = files[i];
        if (!file) continue;
        const { schema, rowCount } = await this.#one(store, file, sources.paths.get(file.filePath));
        checkRowCount(file, rowCount);
        schemas[i] = hasFieldIds(schema.root)
          ? schema
          : this.#share(withIds(schema.root, sources), schema.tellsZerosApart);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, files.length) }, work));
    return schemas;
  }

  #one(store: ObjectStore, file: DataFile, path: string | undefined): Promise<FileFooter> {
    const key = keyOf([identityOf(store), file.filePath]);
    const known = this.#byFile.get(key);
    if (known) return known;
    const read = this.#read(store, file, path);
    this.#byFile.set(key, read);
    // A failure may pass: the next query shall try again.
    read.catch(() => this.#byFile.delete(key));
    if (this.#byFile.size > MAX_FILES) this.#byFile.delete(this.#byFile.keys().next().value ?? "");
    return read;
  }

  async #read(store: ObjectStore, file: DataFile, path: string | undefined): Promise<FileFooter> {
    if (file.fileFormat !== "parquet") {
      throw unsupported(
        file.filePath,
        `${file.filePath} is a data file in ${file.fileFormat}; Parquet and Avro can be queried.`,
        "Rewrite the table's data files as Parquet.",
      );
    }
    const size = Number(file.fileSizeInBytes);
    const footer = await readHeld(store, file.filePath, path, (from, uri) => readSummary(from, uri, size));
    const schema = this.#share(footer.schema, tellsZerosApart(footer, file.filePath));
    return { schema, rowCount: footer.rowCount };
  }

  #share(root: ParquetNode, apart: boolean): FileSchema {
    // Of many small files most are like the one before, and to compare costs a fraction of a digest.
    const last = this.#last;
    if (last?.tellsZerosApart === apart && isDeepStrictEqual(last.root, root)) return last;
    const key = keyOf([digestOf(root), apart ? "apart" : ""]);
    const shared = this.#shared.get(key) ?? { key, root, tellsZerosApart: apart };
    this.#shared.set(key, shared);
    this.#last = shared;
    if (this.#shared.size > MAX_SCHEMAS) this.#shared.delete(this.#shared.keys().next().value ?? "");
    return shared;
  }
}

/**
 * A data file must have the rows that its manifest counts: `count(*)` is answered from there, and positions of deletes
 * and row ids count on it. Its length may be another: tools strip files, and rewrite them, without a change to their rows.
 *
 * @throws LakehouseError CORRUPT_FILE
 */
export function checkRowCount({ content, filePath, recordCount }: DataFile, rows: bigint): void {
  if (content !== "data" || rows === recordCount) return;
  throw corruptFile(
    filePath,
    `${filePath} has ${rows} rows, and its manifest says ${recordCount}: it was changed after it was added.`,
    "Restore the file from a backup, or roll back to a snapshot that does not have it.",
  );
}

/**
 * A file without field ids takes them from the table's name mapping. Without one its columns are numbered from 1 in
 * the order of the file, as in Java: so were the ids of a table that adopted files of another format.
 */
function withIds(root: ParquetNode, { nameMapping, fieldPath }: SchemaSources): ParquetNode {
  if (nameMapping !== undefined) return withMappedIds(root, nameMappingFromJson(nameMapping));
  const fields = root.children.map(({ name }, i) => {
    const type = fieldPath(i + 1)?.at(-1)?.type ?? ({ type: "unknown" } as const);
    return { id: i + 1, name, required: false, type };
  });
  return withMappedIds(root, createNameMapping({ fields }));
}
