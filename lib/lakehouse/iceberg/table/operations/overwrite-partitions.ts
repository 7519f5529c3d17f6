import { type LakehouseError, unsupported } from "../../../errors.js";
import { checkOptions } from "../../../options.js";
import type { AppendData } from "../../files/data/append-data.js";
import { partitionKey } from "../../files/deletes/delete-rules.js";
import { specsById } from "../../files/manifest/specs.js";
import { and, eq, isNan, isNull, or } from "../../model/expressions/builders.js";
import { toLiteralInput } from "../../model/expressions/literals.js";
import type { Expression } from "../../model/expressions/types.js";
import { currentSchema, defaultSpec } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import { isUnpartitioned, partitionFieldType } from "../../model/partitioning/spec.js";
import type { PartitionSpec } from "../../model/partitioning/types.js";
import { fieldName } from "../../model/schema/lookup.js";
import type { Schema } from "../../model/types/types.js";
import { type FileFilter, fileFilter } from "../scan/file-filter.js";
import type { SnapshotChange } from "../snapshot/producer.js";
import { type FileSelector, selectAll, selectPartitions } from "../snapshot/selector.js";
import { validateNoNewDataFiles, validateNoNewDeleteFiles } from "../snapshot/validate.js";
import { writeRows } from "./append.js";
import { FileChange, isolationOf, type OverwriteOptions, sinceOf, type TableState } from "./file-change.js";
import { OVERWRITE } from "./option-names.js";

/**
 * Replaces the partitions that the new rows are in, and leaves the others alone (dynamic partition overwrite). Without
 * partitioning all of the table is one partition.
 *
 * Files of older specs are in partitions of their own, but their rows may belong to those that are replaced: the files
 * whose rows all do go, too, and one of which only some may do is an error, since they would stay beside the new ones.
 */
export async function overwritePartitions<Row>(
  state: TableState,
  data: AppendData<Row>,
  options: OverwriteOptions,
): Promise<FileChange | undefined> {
  checkOptions("overwritePartitions", options, OVERWRITE);
  const { metadata } = state;
  const added = await writeRows(state, data, options);
  if (added.length === 0) return undefined;
  const isWhole = isUnpartitioned(defaultSpec(metadata));
  const replaced = replacedPartitions(metadata, added);
  const sinceNow = sinceOf(state, options);
  const isolation = isolationOf(metadata, "delete", options);
  const change: SnapshotChange = {
    operation: "overwrite",
    addedDataFiles: added,
    removedDataFiles: isWhole ? selectAll : replaced.dataFiles,
    removedDeleteFiles: isWhole ? selectAll : replaced.deleteFiles,
    summary: { "replace-partitions": "true" },
    validate: async (base, parent) => {
      replaced.putOn(base);
      if (isolation !== "serializable") return;
      const since = sinceNow(base, parent);
      await validateNoNewDataFiles(since, replaced.mayHold);
      await validateNoNewDeleteFiles(since, replaced.mayHold);
    },
  };
  return new FileChange(state, change, options);
}

interface ReplacedPartitions {
  readonly dataFiles: FileSelector;
  readonly deleteFiles: FileSelector;
  mayHold(file: DataFile): boolean;
  /** The table that files are of: a commit in between may have given it more specs. */
  putOn(base: TableMetadata): void;
}

function replacedPartitions(metadata: TableMetadata, added: readonly DataFile[]): ReplacedPartitions {
  const keys = new Set(added.map((file) => partitionKey(file.specId, file.partition)));
  const spec = defaultSpec(metadata);
  const same = selectPartitions(keys, new Set([spec.specId]));
  const isSame = (file: DataFile): boolean => keys.has(partitionKey(file.specId, file.partition));
  const schema = currentSchema(metadata);
  let base = metadata;
  let known: FileFilter | undefined;
  const rows = (): FileFilter => {
    known ??= fileFilter(rowsOf(added, spec, schema), schema, specsById(base), true);
    return known;
  };
  const isOther = (specId: number): boolean => specId !== spec.specId;
  return {
    dataFiles: {
      mayContain: (manifest) =>
        isOther(manifest.partitionSpecId) ? rows().mayMatchManifest(manifest) : same.mayContain(manifest),
      selects: (entry) => {
        const { dataFile } = entry;
        if (!isOther(dataFile.specId)) return same.selects(entry);
        if (!rows().mayMatchFile(dataFile)) return false;
        if (rows().matchesWholly(dataFile)) return true;
        throw partlyReplaced(dataFile, spec);
      },
    },
    deleteFiles: same,
    putOn: (now) => {
      base = now;
      known = undefined;
    },
    mayHold: (file) => (isOther(file.specId) ? rows().mayMatchFile(file) : isSame(file)),
  };
}

/** The rows of the partitions that files are in. */
function rowsOf(files: readonly DataFile[], spec: PartitionSpec, schema: Schema): Expression {
  const partitions = new Map(
    files.map((file) => [partitionKey(file.specId, file.partition), file.partition]),
  );
  return or(
    ...[...partitions.values()].map((partition) =>
      and(
        ...spec.fields.flatMap((field, i): Expression[] => {
          if (field.transform.transform === "void") return [];
          const source = fieldName(schema, field.sourceIds[0]) ?? "";
          const term =
            field.transform.transform === "identity" ? source : { transform: field.transform, source };
          const value = partition[i] ?? null;
          if (value === null) return [isNull(term)];
          if (Number.isNaN(value)) return [isNan(term)];
          return [eq(term, toLiteralInput(partitionFieldType(field, schema), value))];
        }),
      ),
    ),
  );
}

function partlyReplaced(file: DataFile, spec: PartitionSpec): LakehouseError {
  return unsupported(
    file.filePath,
    `${file.filePath} was written when the table was partitioned in another way, and may have rows of the partitions by ${spec.fields.map(({ name }) => name).join(", ")} that are replaced beside others.`,
    "Use overwrite with a filter, or write its rows again (rewriteFiles) under the table's present partitioning.",
  );
}
