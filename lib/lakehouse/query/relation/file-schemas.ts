import { LakehouseError } from "../../errors.js";
import type { DataFile } from "../../iceberg/index.js";
import { type ParquetNode, readFooter } from "../../parquet/index.js";
import type { ObjectStore } from "../../storage/index.js";

/** The schema of a data file; files with equal schemas share one object and one key. */
export interface FileSchema {
  readonly key: string;
  readonly root: ParquetNode;
}

/** A level of the table property `schema.name-mapping.default` (spec, "Column Projection", name mapping). */
interface MappedField {
  readonly "field-id"?: number;
  readonly names?: readonly string[];
  readonly fields?: readonly MappedField[];
}

const PARALLEL_READS = 16;
/** Footers remembered. Files are immutable, so what was read once stays true. */
const MAX_FILES = 20_000;

/** Reads the schemas of data files, each once. */
export class FileSchemas {
  readonly #byFile = new Map<string, Promise<FileSchema>>();
  readonly #shared = new Map<string, FileSchema>();

  /** The schemas of `files`, in their order. `nameMapping` is the JSON text of the table's property, if it has it. */
  async of(store: ObjectStore, files: readonly DataFile[], nameMapping?: string): Promise<FileSchema[]> {
    const schemas = new Array<FileSchema>(files.length);
    let next = 0;
    const work = async () => {
      for (let i = next++; i < files.length; i = next++) {
        const file = files[i];
        if (file) schemas[i] = await this.#one(store, file, nameMapping);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, files.length) }, work));
    return schemas;
  }

  #one(store: ObjectStore, file: DataFile, nameMapping: string | undefined): Promise<FileSchema> {
    const key = `${file.filePath}\n${nameMapping ?? ""}`;
    const known = this.#byFile.get(key);
    if (known) return known;
    const read = this.#read(store, file, nameMapping);
    this.#byFile.set(key, read);
    // A failure may pass: the next query shall try again.
    read.catch(() => this.#byFile.delete(key));
    if (this.#byFile.size > MAX_FILES) this.#byFile.delete(this.#byFile.keys().next().value ?? "");
    return read;
  }

  async #read(store: ObjectStore, file: DataFile, nameMapping: string | undefined): Promise<FileSchema> {
    if (file.fileFormat !== "parquet") {
      throw new LakehouseError({
        code: "UNSUPPORTED_FEATURE",
        subject: file.filePath,
        message: `${file.filePath} is a data file in ${file.fileFormat}; only Parquet can be queried.`,
        remedy: "Rewrite the table's data files as Parquet.",
      });
    }
    const footer = await readFooter(store, file.filePath, Number(file.fileSizeInBytes));
    const root = hasFieldIds(footer.schema) ? footer.schema : withMappedIds(footer.schema, file, nameMapping);
    const key = JSON.stringify(root);
    const shared = this.#shared.get(key) ?? { key, root };
    this.#shared.set(key, shared);
    return shared;
  }
}

function hasFieldIds(node: ParquetNode): boolean {
  return node.fieldId !== undefined || node.children.some(hasFieldIds);
}

function withMappedIds(root: ParquetNode, file: DataFile, nameMapping: string | undefined): ParquetNode {
  if (nameMapping === undefined) {
    throw new LakehouseError({
      code: "INVALID_METADATA",
      subject: file.filePath,
      message: `${file.filePath} carries no field ids, and its table has no name mapping to give it some.`,
      remedy: 'Set the table property "schema.name-mapping.default".',
    });
  }
  return { ...root, children: mapChildren(root.children, JSON.parse(nameMapping) as readonly MappedField[]) };
}

function mapChildren(nodes: readonly ParquetNode[], mapping: readonly MappedField[]): ParquetNode[] {
  return nodes.map((node) => {
    // The repeated group of a list or map has no name in the mapping: its children are one level up there.
    if (node.repetition === "repeated" && node.children.length > 0) {
      return { ...node, children: mapChildren(node.children, mapping) };
    }
    const mapped = mapping.find(({ names }) => names?.includes(node.name));
    const fieldId = mapped?.["field-id"];
    const children = mapChildren(node.children, mapped?.fields ?? []);
    return { ...node, children, ...(fieldId !== undefined && { fieldId }) };
  });
}
