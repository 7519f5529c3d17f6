import {
  bytesToHex,
  type DataFile,
  expressionToJson,
  fieldById,
  fromBinary,
  type JsonInput,
  type PrimitiveType,
  type ScanTask,
  specOf,
  toJsonValue,
} from "../../../iceberg/index.js";
import type { ScanPlan } from "./scan-plans.js";

type JsonObject = { [key: string]: JsonInput | undefined };

/** REST spec, `ScanTasks`: each delete file once, and the data files that it belongs to name it by its place. */
export function scanTasksToJson(
  plan: ScanPlan,
  tasks: readonly ScanTask[],
): { [key: string]: JsonInput | undefined } {
  const places = new Map<DataFile, number>();
  const fileTasks = tasks.map(({ dataFile, deleteFiles, residual }) => {
    for (const file of deleteFiles) if (!places.has(file)) places.set(file, places.size);
    const references = deleteFiles.map((file) => places.get(file) as number);
    return {
      "data-file": {
        ...contentFile(plan, dataFile),
        "first-row-id": dataFile.firstRowId,
        ...metrics(plan, dataFile),
      },
      "delete-file-references": references.length === 0 ? undefined : references,
      "residual-filter": expressionToJson(residual, plan.schema),
    };
  });
  const deletes = [...places.keys()].map((file) => ({
    ...contentFile(plan, file),
    "equality-ids": file.content === "equality-deletes" ? file.equalityIds : undefined,
    "content-offset": file.contentOffset,
    "content-size-in-bytes": file.contentSizeInBytes,
  }));
  return {
    "file-scan-tasks": fileTasks,
    "delete-files": deletes.length === 0 ? undefined : deletes,
  };
}

/** REST spec, `ContentFile`. */
function contentFile({ specs }: ScanPlan, file: DataFile): JsonObject {
  const { types } = specOf(specs, file.specId, file.filePath);
  return {
    content: file.content,
    "file-path": file.filePath,
    "file-format": file.fileFormat,
    "spec-id": file.specId,
    partition: file.partition.map((value, index) => toJsonValue(types[index] as PrimitiveType, value)),
    "file-size-in-bytes": file.fileSizeInBytes,
    "record-count": file.recordCount,
    "key-metadata": file.keyMetadata && bytesToHex(file.keyMetadata),
    "split-offsets": file.splitOffsets,
    "sort-order-id": file.sortOrderId,
  };
}

/** The metrics of the columns that the client asked for, as pairs of lists. */
function metrics({ statsFields, schema }: ScanPlan, file: DataFile): JsonObject {
  const columns = statsFields.flatMap((id) => {
    const type = fieldById(schema, id)?.type as PrimitiveType | undefined;
    return type === undefined ? [] : [{ id, type }];
  });
  if (columns.length === 0) return {};
  const pairs = <V>(
    map: ReadonlyMap<number, V> | undefined,
    toJson: (value: V, type: PrimitiveType) => JsonInput,
  ): JsonInput | undefined => {
    const found = columns.filter(({ id }) => map?.has(id));
    if (map === undefined || found.length === 0) return undefined;
    return {
      keys: found.map(({ id }) => id),
      values: found.map(({ id, type }) => toJson(map.get(id) as V, type)),
    };
  };
  const count = (value: bigint): JsonInput => value;
  const bound = (bytes: Uint8Array, type: PrimitiveType): JsonInput =>
    toJsonValue(type, fromBinary(type, bytes));
  return {
    "column-sizes": pairs(file.columnSizes, count),
    "value-counts": pairs(file.valueCounts, count),
    "null-value-counts": pairs(file.nullValueCounts, count),
    "nan-value-counts": pairs(file.nanValueCounts, count),
    "lower-bounds": pairs(file.lowerBounds, bound),
    "upper-bounds": pairs(file.upperBounds, bound),
  };
}
