import type { ObjectStore } from "../../../storage/index.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { FieldId, IcebergType, PrimitiveValue } from "../../model/types/types.js";
import { valueKey } from "../../model/values/compare.js";
import { equalityColumns } from "./equality-schema.js";
import { corruptDeletes, readDeleteColumns } from "./parquet-columns.js";
import { canonicalFromPhysical } from "./physical-value.js";

/**
 * The keys of equality delete files over the same delete columns: a row is deleted when its values of these columns
 * equal one of them; null equals null (spec, "Equality Delete Files").
 *
 * @example
 * const deletes = await readEqualityDeletes(store, file, (id) => fieldById(schema, id)?.type);
 * deletes.has([3n]); // true: the row with id 3 is deleted
 */
export class EqualityKeys {
  readonly fieldIds: readonly FieldId[];
  readonly #keys = new Set<unknown>();

  constructor(fieldIds: readonly FieldId[]) {
    this.fieldIds = fieldIds;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** @param values canonical values in the order of `fieldIds` */
  add(values: readonly (PrimitiveValue | null)[]): void {
    this.#keys.add(rowKey(values));
  }

  /** Adds the keys of `other`, which has the same `fieldIds`. */
  addAll(other: EqualityKeys): void {
    for (const key of other.#keys) this.#keys.add(key);
  }

  /** @param values canonical values of a data row, in the order of `fieldIds` */
  has(values: readonly (PrimitiveValue | null)[]): boolean {
    return this.#keys.has(rowKey(values));
  }
}

/** One column is its own key, which keeps the common case fast; more are joined so that no two rows collide. */
function rowKey(values: readonly (PrimitiveValue | null)[]): unknown {
  if (values.length === 1) return valueKey(values[0]!);
  let key = "";
  for (const value of values) {
    const text = value === null ? "" : `${typeof value}${String(valueKey(value === 0 ? 0 : value))}`;
    key += `${text.length}:${text}`;
  }
  return key;
}

/**
 * Reads the keys of an equality delete file. Further columns of the file are passed over. A delete column that was
 * dropped from the table still counts, so `fieldType` must know the fields of older schemas too.
 *
 * @throws OBJECT_NOT_FOUND; CORRUPT_FILE, also when a delete column is missing; INVALID_METADATA when the entry names
 *   no delete columns, or such that cannot be; UNSUPPORTED_FEATURE for files in Avro or ORC
 */
export async function readEqualityDeletes(
  store: ObjectStore,
  deleteFile: DataFile,
  fieldType: (id: FieldId) => IcebergType | undefined,
): Promise<EqualityKeys> {
  const wanted = equalityColumns(deleteFile, fieldType);
  const keys = new EqualityKeys(wanted.map(({ id }) => id));
  for await (const columns of readDeleteColumns(store, deleteFile, wanted, false)) {
    const rows = columns[0]!.length;
    for (let row = 0; row < rows; row++) {
      keys.add(
        columns.map((column, i) => {
          const value = column[row];
          if (value === null || value === undefined) return null;
          const { id, type } = wanted[i]!;
          const canonical = canonicalFromPhysical(type, value);
          if (canonical !== undefined) return canonical;
          throw corruptDeletes(deleteFile.filePath, `column ${id} holds a value that is no ${type.type}`);
        }),
      );
    }
  }
  return keys;
}
