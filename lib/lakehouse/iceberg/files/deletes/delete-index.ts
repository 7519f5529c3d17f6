import { invalidMetadata, type LakehouseError } from "../../../errors.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import {
  type DeleteScope,
  deletionVectorApplies,
  equalityDeletesApply,
  isGlobal,
  partitionKey,
  positionDeletesApply,
  referencedDataFile,
  type SequencedFile,
} from "./delete-rules.js";
import { isDeletionVector } from "./deletion-vector.js";

const NONE: readonly DataFile[] = [];

/**
 * The delete files of a snapshot, arranged so that those of a data file are found without a look at the rest: by
 * the data file they name, else by partition, in order of sequence numbers. Which of those found apply is decided
 * by the spec's rules alone, so the arrangement never changes a result.
 *
 * @throws INVALID_METADATA from the constructor when a data file has two deletion vectors
 */
export class DeleteIndex {
  readonly #scope: DeleteScope;
  readonly #vectors = new Map<string, SequencedFile>();
  readonly #byPath = new Map<string, SequencedFile[]>();
  readonly #byPartition = new Map<string, SequencedFile[]>();
  readonly #equality = new Map<string, SequencedFile[]>();
  readonly #globalEquality: SequencedFile[] = [];
  /** How many delete files there are. */
  readonly size: number;

  constructor(deletes: Iterable<SequencedFile>, scope: DeleteScope) {
    this.#scope = scope;
    let size = 0;
    for (const entry of deletes) {
      this.#add(entry);
      size++;
    }
    this.size = size;
    const lists = [this.#byPath, this.#byPartition, this.#equality].flatMap((map) => [...map.values()]);
    for (const list of [...lists, this.#globalEquality]) list.sort(bySequenceNumber);
  }

  #add(entry: SequencedFile): void {
    const { file } = entry;
    if (isDeletionVector(file)) {
      const path = file.referencedDataFile ?? "";
      const other = this.#vectors.get(path);
      if (other !== undefined) throw twoVectors(path, other.file, file);
      this.#vectors.set(path, entry);
    } else if (file.content === "position-deletes") {
      const path = referencedDataFile(file);
      if (path !== undefined) push(this.#byPath, path, entry);
      else push(this.#byPartition, partitionKey(file.specId, file.partition), entry);
    } else if (isGlobal(file, this.#scope)) {
      this.#globalEquality.push(entry);
    } else {
      push(this.#equality, partitionKey(file.specId, file.partition), entry);
    }
  }

  /**
   * The delete files that must be applied to a data file: its deletion vector, or else its position delete files,
   * then its equality delete files, each in order of sequence numbers.
   */
  forDataFile(data: SequencedFile): readonly DataFile[] {
    if (this.size === 0) return NONE;
    const { filePath, specId, partition } = data.file;
    const found: DataFile[] = [];
    const byPartition = this.#byPartition.size + this.#equality.size > 0;
    const key = byPartition ? partitionKey(specId, partition) : "";

    const vector = this.#vectors.get(filePath);
    if (vector !== undefined && deletionVectorApplies(data, vector)) {
      found.push(vector.file);
    } else {
      const candidates = [this.#byPath.get(filePath), this.#byPartition.get(key)];
      this.#collect(merge(candidates), data, positionDeletesApply, found);
    }
    const equality = merge([this.#globalEquality, this.#equality.get(key)]);
    this.#collect(equality, data, (a, b) => equalityDeletesApply(a, b, this.#scope), found);
    return found.length === 0 ? NONE : found;
  }

  /** Deletes older than the data never apply, and the list is sorted, so they are skipped without a look. */
  #collect(
    list: readonly SequencedFile[],
    data: SequencedFile,
    applies: (data: SequencedFile, deletes: SequencedFile) => boolean,
    found: DataFile[],
  ): void {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle]!.sequenceNumber < data.sequenceNumber) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < list.length; i++) if (applies(data, list[i]!)) found.push(list[i]!.file);
  }
}

function merge(lists: readonly (readonly SequencedFile[] | undefined)[]): readonly SequencedFile[] {
  const filled = lists.filter(
    (list) => list !== undefined && list.length > 0,
  ) as (readonly SequencedFile[])[];
  return filled.length === 1 ? filled[0]! : filled.flat().sort(bySequenceNumber);
}

function bySequenceNumber(a: SequencedFile, b: SequencedFile): number {
  return a.sequenceNumber < b.sequenceNumber ? -1 : a.sequenceNumber > b.sequenceNumber ? 1 : 0;
}

function push(map: Map<string, SequencedFile[]>, key: string, entry: SequencedFile): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [entry]);
  else list.push(entry);
}

function twoVectors(path: string, a: DataFile, b: DataFile): LakehouseError {
  return invalidMetadata(
    path,
    `${path} has two deletion vectors in one snapshot, in ${a.filePath} and ${b.filePath}; the spec allows one.`,
    "Roll back to the snapshot before the commit that added the second.",
  );
}
