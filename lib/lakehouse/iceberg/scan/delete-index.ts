import type { SpecsById } from "../manifest/specs.js";
import type { DataFile, ManifestEntry } from "../manifest/types.js";
import { isUnpartitioned } from "../partitioning/spec.js";
import { fieldById } from "../schema/lookup.js";
import { isPrimitiveType } from "../schema/type-text.js";
import type { FieldId, Schema } from "../schema/types.js";
import { partitionKey } from "../snapshot/selector.js";
import { isDeletionVector } from "../snapshot/summary.js";
import { comparatorOf, fromBinary, utf8Decode } from "../values/index.js";

/** Field id of `file_path` in position delete files (spec, "Position Delete Files"). */
const DELETE_FILE_PATH: FieldId = 2147483546;

interface Sequenced {
  readonly sequenceNumber: bigint;
  readonly file: DataFile;
}

/**
 * The delete files of a snapshot, laid out so that those of one data file are found without a look at the others
 * (spec, "Scan Planning", scope rules). Files are left out only where bounds prove that they delete nothing of it.
 */
export class DeleteIndex {
  readonly #vectors = new Map<string, Sequenced>();
  readonly #byPath = new Map<string, Sequenced[]>();
  readonly #byPartition = new Map<string, Sequenced[]>();
  readonly #equality = new Map<string, Sequenced[]>();
  readonly #globalEquality: Sequenced[] = [];
  readonly #schema: Schema;

  /** @param entries live entries of delete manifests, their sequence numbers inherited. */
  constructor(entries: Iterable<ManifestEntry>, specs: SpecsById, schema: Schema) {
    this.#schema = schema;
    for (const { dataFile: file, sequenceNumber = 0n } of entries) {
      const sequenced = { sequenceNumber, file };
      if (isDeletionVector(file)) {
        const path = file.referencedDataFile ?? "";
        const known = this.#vectors.get(path);
        if (known === undefined || known.sequenceNumber < sequenceNumber) this.#vectors.set(path, sequenced);
      } else if (file.content === "position-deletes") {
        const path = singlePath(file);
        if (path !== undefined) push(this.#byPath, path, sequenced);
        else push(this.#byPartition, partitionKey(file.specId, file.partition), sequenced);
      } else {
        const spec = specs.get(file.specId)?.spec;
        if (spec !== undefined && isUnpartitioned(spec)) this.#globalEquality.push(sequenced);
        else push(this.#equality, partitionKey(file.specId, file.partition), sequenced);
      }
    }
  }

  get isEmpty(): boolean {
    return (
      this.#vectors.size === 0 &&
      this.#byPath.size === 0 &&
      this.#byPartition.size === 0 &&
      this.#equality.size === 0 &&
      this.#globalEquality.length === 0
    );
  }

  /** The delete files that may hold deletes of a data file, oldest first within each kind. */
  forDataFile(file: DataFile, sequenceNumber: bigint): readonly DataFile[] {
    if (this.isEmpty) return [];
    const partition = partitionKey(file.specId, file.partition);
    // Equality deletes see only what was there before them; position deletes also what came with them.
    const equality = [...this.#globalEquality, ...(this.#equality.get(partition) ?? [])].filter(
      (deletes) => deletes.sequenceNumber > sequenceNumber && this.#mayEqual(file, deletes.file),
    );
    const vector = this.#vectors.get(file.filePath);
    const positions =
      vector !== undefined && vector.sequenceNumber >= sequenceNumber
        ? [vector] // holds all that older position deletes say of the file
        : [...(this.#byPath.get(file.filePath) ?? []), ...(this.#byPartition.get(partition) ?? [])].filter(
            (deletes) => deletes.sequenceNumber >= sequenceNumber && mayName(deletes.file, file.filePath),
          );
    return [...equality, ...positions].sort(bySequence).map((deletes) => deletes.file);
  }

  /** False when, in some compared column, no value of the delete file can be in the data file. */
  #mayEqual(data: DataFile, deletes: DataFile): boolean {
    return (deletes.equalityIds ?? []).every((id) => {
      const type = fieldById(this.#schema, id)?.type;
      // NaN equals NaN here, and bounds do not cover it.
      if (type === undefined || !isPrimitiveType(type) || type.type === "float" || type.type === "double")
        return true;
      const dataNulls = nulls(data, id);
      const deleteNulls = nulls(deletes, id);
      if (dataNulls !== "none" && deleteNulls !== "none") return true;
      if (dataNulls === "all" || deleteNulls === "all") return false;
      const bounds = [data, deletes].map((f) => [f.lowerBounds?.get(id), f.upperBounds?.get(id)] as const);
      const [[dataLower, dataUpper] = [], [deleteLower, deleteUpper] = []] = bounds;
      if (!dataLower || !dataUpper || !deleteLower || !deleteUpper) return true;
      const compare = comparatorOf(type);
      const at = (bytes: Uint8Array) => fromBinary(type, bytes);
      return compare(at(dataLower), at(deleteUpper)) <= 0 && compare(at(deleteLower), at(dataUpper)) <= 0;
    });
  }
}

function push(map: Map<string, Sequenced[]>, key: string, value: Sequenced): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

function bySequence(a: Sequenced, b: Sequenced): number {
  return a.sequenceNumber < b.sequenceNumber ? -1 : a.sequenceNumber > b.sequenceNumber ? 1 : 0;
}

/** The one data file that a position delete file refers to, by its own word or because its bounds are one path. */
function singlePath(file: DataFile): string | undefined {
  if (file.referencedDataFile !== undefined) return file.referencedDataFile;
  const lower = file.lowerBounds?.get(DELETE_FILE_PATH);
  const upper = file.upperBounds?.get(DELETE_FILE_PATH);
  if (lower === undefined || upper === undefined || Buffer.compare(lower, upper) !== 0) return undefined;
  return utf8Decode(lower);
}

/** False when the bounds of a position delete file's paths leave out the path. Bounds may be cut, so bytes decide. */
function mayName(deletes: DataFile, path: string): boolean {
  const lower = deletes.lowerBounds?.get(DELETE_FILE_PATH);
  const upper = deletes.upperBounds?.get(DELETE_FILE_PATH);
  const bytes = Buffer.from(path, "utf8");
  return (
    (lower === undefined || Buffer.compare(lower, bytes) <= 0) &&
    (upper === undefined || Buffer.compare(bytes, upper) <= 0)
  );
}

/** What a file's counts say of nulls in a column; `some` where they say nothing. */
function nulls(file: DataFile, id: FieldId): "none" | "some" | "all" {
  const count = file.nullValueCounts?.get(id);
  if (count === undefined) return "some";
  if (count === 0n) return "none";
  return count === file.valueCounts?.get(id) ? "all" : "some";
}
