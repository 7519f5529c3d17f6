import type { ObjectStore } from "../../../storage/index.js";
import { invalidSchema } from "../../errors.js";
import { readManifests } from "../../files/manifest/list.js";
import { readMatching } from "../../files/manifest/reader.js";
import { specsById } from "../../files/manifest/specs.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { locateById } from "../../model/schema/lookup.js";
import type { FieldId, IcebergType, Schema } from "../../model/types/types.js";
import { fromBinary } from "../../model/values/single-value.js";
import { formatDate, MICROS_PER_DAY, NANOS_PER_DAY } from "../../model/values/temporal.js";

/** The first and last day that a type reaches, as days from 1970. */
export interface DayRange {
  readonly first: number;
  readonly last: number;
}

const INT64 = 2n ** 63n;

/** Days whose midnight 64 bits hold in the unit; `undefined` for a type that dates are not promoted to. */
export function dayRange(type: IcebergType): DayRange | undefined {
  if (type.type !== "timestamp" && type.type !== "timestamp_ns") return undefined;
  const last = Number((INT64 - 1n) / (type.type === "timestamp" ? MICROS_PER_DAY : NANOS_PER_DAY));
  return { first: -last, last };
}

/** `1677-09-22 to 2262-04-11`. */
export function describeDays({ first, last }: DayRange): string {
  return `${formatDate(first)} to ${formatDate(last)}`;
}

interface Promotion {
  readonly id: FieldId;
  readonly name: string;
  readonly range: DayRange;
}

/** The columns that become timestamps from dates, and so reach less far than they did. */
export function datePromotions(before: Schema, after: Schema, ids: Iterable<FieldId>): Promotion[] {
  return [...ids].flatMap((id) => {
    const now = locateById(after, id);
    const range = now && dayRange(now.field.type);
    return now && range && locateById(before, id)?.field.type.type === "date"
      ? [{ id, name: now.name, range }]
      : [];
  });
}

/**
 * Refuses a promotion that the bounds of a file show to lose values: reading them would have to fail (spec, "Schema
 * Evolution"). Looks at what branches and tags hold; a file without bounds proves nothing, and fails when it is read.
 *
 * @throws LakehouseError INVALID_SCHEMA with the column, the file and its bounds.
 */
export async function checkDateRanges(
  store: ObjectStore,
  metadata: TableMetadata,
  promotions: readonly Promotion[],
): Promise<void> {
  const heads = new Set([
    metadata.currentSnapshotId,
    ...Object.values(metadata.refs).map((ref) => ref.snapshotId),
  ]);
  const specs = specsById(metadata);
  for (const snapshot of metadata.snapshots.filter(({ snapshotId }) => heads.has(snapshotId))) {
    for (const manifest of await readManifests(store, snapshot)) {
      if (manifest.content !== "data") continue;
      for (const { dataFile, status } of await readMatching(store, manifest, specs, () => true)) {
        if (status === "deleted") continue;
        for (const { id, name, range } of promotions) {
          for (const bytes of [dataFile.lowerBounds?.get(id), dataFile.upperBounds?.get(id)]) {
            const day = bytes && (fromBinary({ type: "date" }, bytes) as number);
            if (day === undefined || (day >= range.first && day <= range.last)) continue;
            throw invalidSchema(
              name,
              `"${name}" cannot change its type: the bounds of ${dataFile.filePath} reach to ${formatDate(day)}, and the type goes from ${describeDays(range)}.`,
              "Change those rows and compact the file first, or choose timestamp, which reaches further.",
            );
          }
        }
      }
    }
  }
}
