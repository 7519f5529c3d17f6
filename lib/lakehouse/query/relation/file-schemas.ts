import { LakehouseError } from "../../errors.js";
import {
  createNameMapping,
  type DataFile,
  type FieldId,
  type IcebergType,
  type NameMapping,
  nameMappingFromJson,
} from "../../iceberg/index.js";
import { digestOf, identityOf, keyOf } from "../../keys.js";
import { type ParquetNode, readFooter } from "../../parquet/index.js";
import type { ObjectStore } from "../../storage/index.js";
import { withParts } from "./parquet-nodes.js";

/** The schema of a data file; files with equal schemas share one object and one key. */
export interface FileSchema {
  readonly key: string;
  readonly root: ParquetNode;
}

/** What gives ids to the columns of files that carry none. */
export interface IdSources {
  /** The table property `schema.name-mapping.default`: JSON text. */
  readonly nameMapping?: string | undefined;
  /** Type of a field of this or any older schema. */
  readonly fieldType: (id: FieldId) => IcebergType | undefined;
}

const PARALLEL_READS = 16;
/** Footers remembered. Files are immutable, so what was read once stays true. */
const MAX_FILES = 20_000;

/** Different schemas remembered. Without them the same is only found to be the same later. */
const MAX_SCHEMAS = 2_000;

/** Reads the schemas of data files, each once. */
export class FileSchemas {
  /** What the files' own footers say, by store and path. */
  readonly #byFile = new Map<string, Promise<FileSchema>>();
  /** By what they say. */
  readonly #shared = new Map<string, FileSchema>();

  /** The schemas of `files`, in their order. */
  async of(store: ObjectStore, files: readonly DataFile[], ids: IdSources): Promise<FileSchema[]> {
    const schemas = new Array<FileSchema>(files.length);
    let next = 0;
    const work = async () => {
      for (let i = next++; i < files.length; i = next++) {
        const file = files[i];
        if (!file) continue;
        const schema = await this.#one(store, file);
        schemas[i] = hasFieldIds(schema.root) ? schema : this.#share(withIds(schema.root, ids));
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, files.length) }, work));
    return schemas;
  }

  #one(store: ObjectStore, file: DataFile): Promise<FileSchema> {
    const key = keyOf([identityOf(store), file.filePath]);
    const known = this.#byFile.get(key);
    if (known) return known;
    const read = this.#read(store, file);
    this.#byFile.set(key, read);
    // A failure may pass: the next query shall try again.
    read.catch(() => this.#byFile.delete(key));
    if (this.#byFile.size > MAX_FILES) this.#byFile.delete(this.#byFile.keys().next().value ?? "");
    return read;
  }

  async #read(store: ObjectStore, file: DataFile): Promise<FileSchema> {
    if (file.fileFormat !== "parquet") {
      throw new LakehouseError({
        code: "UNSUPPORTED_FEATURE",
        subject: file.filePath,
        message: `${file.filePath} is a data file in ${file.fileFormat}; Parquet and Avro can be queried.`,
        remedy: "Rewrite the table's data files as Parquet.",
      });
    }
    const footer = await readFooter(store, file.filePath, Number(file.fileSizeInBytes));
    return this.#share(footer.schema);
  }

  #share(root: ParquetNode): FileSchema {
    const key = digestOf(root);
    const shared = this.#shared.get(key) ?? { key, root };
    this.#shared.set(key, shared);
    if (this.#shared.size > MAX_SCHEMAS) this.#shared.delete(this.#shared.keys().next().value ?? "");
    return shared;
  }
}

function hasFieldIds(node: ParquetNode): boolean {
  return node.fieldId !== undefined || node.children.some(hasFieldIds);
}

/**
 * A file without field ids takes them from the table's name mapping. Without one its columns are numbered from 1 in
 * the order of the file, as in Java: so were the ids of a table that adopted files of another format.
 */
function withIds(root: ParquetNode, { nameMapping, fieldType }: IdSources): ParquetNode {
  if (nameMapping !== undefined) return mapFields(root, nameMappingFromJson(nameMapping));
  const fields = root.children.map(({ name }, i) => {
    const type = fieldType(i + 1) ?? ({ type: "unknown" } as const);
    return { id: i + 1, name, required: false, type };
  });
  return mapFields(root, createNameMapping({ fields }));
}

function mapFields(node: ParquetNode, mapping: NameMapping): ParquetNode {
  return { ...node, children: node.children.map((child) => mapField(child, child.name, mapping)) };
}

/** Elements, keys and values have these names in the mapping, whatever the file calls them. */
function mapField(node: ParquetNode, name: string, mapping: NameMapping): ParquetNode {
  const mapped = mapping.find(({ names }) => names.includes(name));
  const inner = mapped?.fields ?? [];
  const kind = node.logicalType?.kind;
  const nested =
    kind === "list" || kind === "map"
      ? withParts(node, (part, partName) => mapField(part, partName, inner))
      : mapFields(node, inner);
  return mapped?.fieldId === undefined ? nested : { ...nested, fieldId: mapped.fieldId };
}
