import { stringifyJson } from "../../model/json.js";
import type {
  DataFile,
  FileContent,
  ManifestContent,
  ManifestEntry,
  ManifestFile,
} from "../../model/metadata/manifest-types.js";
import type { FormatVersion, SequenceNumber, SnapshotId } from "../../model/metadata/types.js";
import { partitionFieldsToJson } from "../../model/partitioning/spec.js";
import type { PartitionTuple } from "../../model/partitioning/types.js";
import type { PrimitiveType, PrimitiveValue, Schema } from "../../model/types/types.js";
import { uuidToBytes } from "../../model/values/bytes.js";
import { decimalRequiredBytes, unscaledToFixed } from "../../model/values/decimal.js";
import { AvroWriter, PreparedSchema } from "../avro/container.js";
import { structToAvro } from "../avro/from-iceberg.js";
import { manifestEntryStruct, schemaText } from "./fields.js";
import { PartitionSummary } from "./partition-summary.js";
import type { ResolvedSpec } from "./specs.js";

const EXISTING = 0;
const ADDED = 1;
const DELETED = 2;

export interface ManifestWriterInit {
  readonly formatVersion: FormatVersion;
  readonly content: ManifestContent;
  readonly spec: ResolvedSpec;
  /** The table's schema now, for the manifest's head. */
  readonly schema: Schema;
  /** The snapshot that this manifest is written for. */
  readonly snapshotId: SnapshotId;
}

/** A manifest's row for the manifest list, all but where the file lies. `sequenceNumber` is the commit's to assign. */
export type WrittenManifest = Omit<
  ManifestFile,
  "manifestPath" | "manifestLength" | "sequenceNumber" | "minSequenceNumber"
> & {
  /** The lowest data sequence number that entries carry; `undefined` where all inherit the commit's. */
  readonly minSequenceNumber: SequenceNumber | undefined;
};

interface PreparedManifest {
  readonly schema: PreparedSchema;
  readonly icebergSchema: string;
}

const preparedBySpec = new WeakMap<ResolvedSpec, Map<FormatVersion, PreparedManifest>>();

function prepare(spec: ResolvedSpec, version: FormatVersion): PreparedManifest {
  let versions = preparedBySpec.get(spec);
  if (versions === undefined) {
    versions = new Map();
    preparedBySpec.set(spec, versions);
  }
  let prepared = versions.get(version);
  if (prepared === undefined) {
    const struct = manifestEntryStruct(version, spec.struct);
    prepared = {
      schema: new PreparedSchema(structToAvro(struct, "manifest_entry")),
      icebergSchema: schemaText({ schemaId: 0, fields: struct.fields, identifierFieldIds: [] }),
    };
    versions.set(version, prepared);
  }
  return prepared;
}

/** Builds one manifest in memory: entries of one content and one partition spec (spec, "Manifests"). */
export class ManifestWriter {
  readonly #init: ManifestWriterInit;
  readonly #avro: AvroWriter;
  readonly #summary: PartitionSummary;
  readonly #partition: (tuple: PartitionTuple) => readonly unknown[];
  readonly #files = [0, 0, 0];
  readonly #rows = [0n, 0n, 0n];
  #minSequenceNumber: bigint | undefined;

  constructor(init: ManifestWriterInit) {
    this.#init = init;
    const { spec, schema, formatVersion } = init;
    const prepared = prepare(spec, formatVersion);
    this.#avro = new AvroWriter(prepared.schema, {
      schema: schemaText(schema),
      "schema-id": String(schema.schemaId),
      "partition-spec": stringifyJson(partitionFieldsToJson(spec.spec)),
      "partition-spec-id": String(spec.spec.specId),
      "format-version": String(formatVersion),
      ...(formatVersion >= 2 ? { content: init.content } : {}),
      "iceberg.schema": prepared.icebergSchema,
    });
    this.#summary = new PartitionSummary(spec.types);
    const converters = spec.types.map(partitionToAvro);
    this.#partition = (tuple) => converters.map((convert, i) => convert(tuple[i] ?? null));
  }

  /** Bytes so far, before the compression of the open block: what rolling by size goes by. */
  get length(): number {
    return this.#avro.length;
  }

  /** A new file. Its sequence number is the commit's, unless its rows are older (`dataSequenceNumber`). */
  added(file: DataFile, dataSequenceNumber?: SequenceNumber): void {
    this.#write(ADDED, this.#init.snapshotId, dataSequenceNumber, undefined, {
      ...file,
      firstRowId: undefined,
    });
  }

  /** A file that stays, with all it inherited written out. */
  existing(entry: ManifestEntry): void {
    this.#write(EXISTING, entry.snapshotId, entry.sequenceNumber, entry.fileSequenceNumber, entry.dataFile);
  }

  /** A file that goes with this snapshot. */
  deleted(entry: ManifestEntry): void {
    this.#write(
      DELETED,
      this.#init.snapshotId,
      entry.sequenceNumber,
      entry.fileSequenceNumber,
      entry.dataFile,
    );
  }

  /** An entry of a manifest that is merged into this one within the commit that wrote it. */
  carry(entry: ManifestEntry): void {
    if (entry.status === "added" && entry.snapshotId === this.#init.snapshotId) {
      // -1: not assigned yet, so the merged entry inherits as the original would have.
      this.added(entry.dataFile, entry.sequenceNumber === -1n ? undefined : entry.sequenceNumber);
    } else if (entry.status === "deleted") this.deleted(entry);
    else this.existing(entry);
  }

  #write(
    status: number,
    snapshotId: SnapshotId | undefined,
    sequenceNumber: SequenceNumber | undefined,
    fileSequenceNumber: SequenceNumber | undefined,
    file: DataFile,
  ): void {
    if (status !== DELETED && sequenceNumber !== undefined) {
      if (this.#minSequenceNumber === undefined || sequenceNumber < this.#minSequenceNumber) {
        this.#minSequenceNumber = sequenceNumber;
      }
    }
    this.#files[status] = (this.#files[status] ?? 0) + 1;
    this.#rows[status] = (this.#rows[status] ?? 0n) + file.recordCount;
    this.#summary.add(file.partition);
    this.#avro.write({
      status,
      snapshot_id: snapshotId,
      sequence_number: sequenceNumber,
      file_sequence_number: fileSequenceNumber,
      data_file: {
        content: CONTENT_CODES[file.content],
        file_path: file.filePath,
        file_format: file.fileFormat.toUpperCase(),
        partition: this.#partition(file.partition),
        record_count: file.recordCount,
        file_size_in_bytes: file.fileSizeInBytes,
        // v1 only, where it is deprecated and "always a default".
        block_size_in_bytes: 64 * 1024 * 1024,
        column_sizes: file.columnSizes,
        value_counts: file.valueCounts,
        null_value_counts: file.nullValueCounts,
        nan_value_counts: file.nanValueCounts,
        lower_bounds: file.lowerBounds,
        upper_bounds: file.upperBounds,
        key_metadata: file.keyMetadata,
        split_offsets: file.splitOffsets,
        equality_ids: file.equalityIds,
        sort_order_id: file.sortOrderId,
        first_row_id: file.firstRowId,
        referenced_data_file: file.referencedDataFile,
        content_offset: file.contentOffset,
        content_size_in_bytes: file.contentSizeInBytes,
      },
    });
  }

  /** The manifest's bytes and its row for the list. The writer must not be used afterwards. */
  finish(): { readonly bytes: Uint8Array; readonly manifest: WrittenManifest } {
    const [existing = 0, added = 0, deleted = 0] = this.#files;
    const [existingRows = 0n, addedRows = 0n, deletedRows = 0n] = this.#rows;
    return {
      bytes: this.#avro.finish(),
      manifest: {
        partitionSpecId: this.#init.spec.spec.specId,
        content: this.#init.content,
        minSequenceNumber: this.#minSequenceNumber,
        addedSnapshotId: this.#init.snapshotId,
        addedFilesCount: added,
        existingFilesCount: existing,
        deletedFilesCount: deleted,
        addedRowsCount: addedRows,
        existingRowsCount: existingRows,
        deletedRowsCount: deletedRows,
        partitions: this.#summary.fields(),
      },
    };
  }
}

/** Spec, "Manifests", `content`. */
const CONTENT_CODES: Readonly<Record<FileContent, number>> = {
  data: 0,
  "position-deletes": 1,
  "equality-deletes": 2,
};

/** Turns a partition value from its canonical form into what Avro stores. */
function partitionToAvro(type: PrimitiveType): (value: PrimitiveValue | null) => unknown {
  if (type.type === "decimal") {
    const size = decimalRequiredBytes(type.precision);
    return (value) => (value === null ? null : unscaledToFixed(value as bigint, size));
  }
  if (type.type === "uuid") return (value) => (value === null ? null : uuidToBytes(value as string));
  return (value) => value;
}
