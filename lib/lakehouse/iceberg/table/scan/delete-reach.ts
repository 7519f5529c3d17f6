import { partitionKey, type SequencedFile } from "../../files/deletes/delete-rules.js";
import { type SpecsById, specOf } from "../../files/manifest/specs.js";
import type { FieldSummary, FileBrief, ManifestFile } from "../../model/metadata/manifest-types.js";
import type { SequenceNumber } from "../../model/metadata/types.js";
import { isUnpartitioned } from "../../model/partitioning/spec.js";
import type { PartitionTuple, SpecId } from "../../model/partitioning/types.js";
import type { PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { comparatorOf } from "../../model/values/compare.js";
import { boundsFromBinary } from "../../model/values/single-value.js";

/**
 * Which delete manifests and delete files can touch some data files. A delete applies by sequence number, spec and
 * partition (spec, "Scan Planning"), so these are all that is asked here. A query's filter says nothing of it: rows
 * that do not match are copied whole by whoever rewrites the file, and a delete file's metrics are of its own rows,
 * some of columns that it does not delete by. Every answer but a proof is "may".
 */
export interface DeleteReach {
  mayReachManifest(manifest: ManifestFile): boolean;
  mayReachFile(file: Pick<FileBrief, "specId" | "partition">): boolean;
}

export const REACHES_ALL: DeleteReach = { mayReachManifest: () => true, mayReachFile: () => true };

/** What can touch the data files given. They are looked through when it is first asked: most tables have no deletes. */
export function deleteReach(data: readonly SequencedFile[], specs: SpecsById): DeleteReach {
  let known: Target | undefined;
  const target = (): Target => {
    known ??= targetOf(data);
    return known;
  };
  return {
    mayReachManifest: ({ manifestPath, partitionSpecId, partitions: summaries, sequenceNumber }) => {
      const { oldest, partitions } = target();
      if (oldest === undefined) return false;
      // No entry of a manifest is younger than the manifest. Where 0 stands, its list may not have told.
      if (sequenceNumber !== 0n && sequenceNumber < oldest) return false;
      const { spec, types } = specOf(specs, partitionSpecId, manifestPath);
      if (isUnpartitioned(spec)) return true;
      const tuples = partitions.get(partitionSpecId);
      if (tuples === undefined) return false;
      if (summaries === undefined) return true;
      const holds = summaries.map((summary, i) => mayHold(types[i], summary));
      return [...tuples.values()].some((tuple) => holds.every((test, i) => test(tuple[i] ?? null)));
    },
    mayReachFile: ({ specId, partition }) =>
      isUnpartitioned(specOf(specs, specId, "A delete manifest").spec) ||
      target().partitions.get(specId)?.has(partitionKey(specId, partition)) === true,
  };
}

/** What deletes are told by of some data files. */
interface Target {
  /** The lowest of their sequence numbers; `undefined` when there are no files. */
  readonly oldest: SequenceNumber | undefined;
  readonly partitions: ReadonlyMap<SpecId, ReadonlyMap<string, PartitionTuple>>;
}

function targetOf(data: readonly SequencedFile[]): Target {
  const partitions = new Map<SpecId, Map<string, PartitionTuple>>();
  let oldest: SequenceNumber | undefined;
  for (const { file, sequenceNumber } of data) {
    if (oldest === undefined || sequenceNumber < oldest) oldest = sequenceNumber;
    let tuples = partitions.get(file.specId);
    if (tuples === undefined) {
      tuples = new Map();
      partitions.set(file.specId, tuples);
    }
    tuples.set(partitionKey(file.specId, file.partition), file.partition);
  }
  return { oldest, partitions };
}

/** Whether a manifest may have a file with this partition value, by its summary of the field. */
function mayHold(
  type: PrimitiveType | undefined,
  { containsNull, containsNan, lowerBound, upperBound }: FieldSummary,
): (value: PrimitiveValue | null) => boolean {
  if (type === undefined) return () => true;
  const { lower, upper } = boundsFromBinary(type, lowerBound, upperBound);
  const compare = comparatorOf(type);
  return (value) => {
    if (value === null) return containsNull;
    if (Number.isNaN(value)) return containsNan !== false;
    return (
      !(lower !== undefined && compare(value, lower) < 0) &&
      !(upper !== undefined && compare(value, upper) > 0)
    );
  };
}
