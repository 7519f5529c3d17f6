import { isUtf8 as bufferIsUtf8 } from "node:buffer";
import { corruptFile, type LakehouseError } from "../../../errors.js";
import {
  type ColumnMetrics,
  columnMetrics,
  countNulls,
  leafColumns,
  nodePlaces,
  type ParquetFooter,
  type ParquetNode,
  readFooter,
  readParquet,
  schemaMismatch,
  splitOffsets,
} from "../../../parquet/index.js";
import type { ObjectInfo, ObjectStore } from "../../../storage/index.js";
import { storedSchema } from "../../files/arrow/schema.js";
import { fileMetrics, type MetricsConfig, metricsConfig } from "../../files/data/metrics.js";
import { fitParquet, type ParquetFitting, type ParquetMisfit } from "../../files/data/parquet-fit.js";
import { hasFieldIds, withMappedIds } from "../../files/data/parquet-ids.js";
import { type ResolvedSpec, specOf, specsById } from "../../files/manifest/specs.js";
import { currentSchema, defaultSortOrder } from "../../model/metadata/lookup.js";
import type { DataFile } from "../../model/metadata/manifest-types.js";
import type { TableMetadata } from "../../model/metadata/types.js";
import type { PartitionTuple } from "../../model/partitioning/types.js";
import { allFields } from "../../model/schema/lookup.js";
import type { NameMapping } from "../../model/schema/name-mapping.js";
import type { FieldId, Schema } from "../../model/types/types.js";
import { inferPartition, refuseUntaken } from "./infer-partition.js";

/** Columns named in a message; more would hide them. */
const MAX_NAMED = 5;

/** Makes data files of a table of Parquet files that somebody else wrote, and refuses those that do not fit it. */
export class Adopter {
  /** Whether a file had no field ids, and is read through the name mapping from now on. */
  mapped = false;
  readonly #store: ObjectStore;
  readonly #mapping: NameMapping;
  readonly #ignoreExtra: boolean;
  readonly #formatVersion: TableMetadata["formatVersion"];
  readonly #schema: Schema;
  readonly #spec: ResolvedSpec;
  readonly #config: MetricsConfig;
  readonly #names: ReadonlyMap<FieldId, ReadonlySet<string>>;

  constructor(store: ObjectStore, metadata: TableMetadata, mapping: NameMapping, ignoreExtra: boolean) {
    const schema = currentSchema(metadata);
    this.#store = store;
    this.#mapping = mapping;
    this.#ignoreExtra = ignoreExtra;
    this.#formatVersion = metadata.formatVersion;
    this.#schema = schema;
    this.#spec = specOf(specsById(metadata), metadata.defaultSpecId, metadata.location);
    this.#config = metricsConfig(metadata, storedSchema(schema), defaultSortOrder(metadata));
    this.#names = namesOf(metadata, mapping);
  }

  /** @throws LakehouseError SCHEMA_MISMATCH, INVALID_ARGUMENT; CORRUPT_FILE, UNSUPPORTED_FEATURE */
  async adopt(object: ObjectInfo): Promise<DataFile> {
    const { uri } = object;
    const stored = await this.#footer(object);
    const hasIds = hasFieldIds(stored.schema);
    this.mapped ||= !hasIds;
    const root = hasIds ? stored.schema : withMappedIds(stored.schema, this.#mapping);
    const footer = { ...stored, schema: root, columns: leafColumns(root) };
    const present = new Set(root.children.flatMap(({ fieldId }) => fieldId ?? []));
    const fitting = fitParquet(root, this.#schema.fields, {
      formatVersion: this.#formatVersion,
      told: this.#toldByPlace(),
      ...(hasIds && { names: (id) => this.#names.get(id) ?? new Set() }),
    });
    const misfits = fitting.misfits.filter(({ extra }) => !(extra && this.#ignoreExtra));
    if (misfits.length > 0) throw mismatch(uri, misfits);
    const failed = await this.#checkValues(uri, footer, fitting);
    if (failed.length > 0) throw mismatch(uri, failed);
    const metrics = columnMetrics(footer).map((column): ColumnMetrics => {
      if (!fitting.unbounded.has(column.fieldId)) return column;
      const { lower: _lower, upper: _upper, ...rest } = column;
      return rest;
    });
    const partition = inferPartition(uri, this.#spec, this.#schema, metrics, present);
    refuseUntaken(uri, this.#spec, this.#schema, present, this.#names);
    const untold = this.#requiredButNull(present, partition);
    if (untold.length > 0) throw mismatch(uri, untold);
    return {
      content: "data",
      filePath: uri,
      fileFormat: "parquet",
      specId: this.#spec.spec.specId,
      partition,
      recordCount: footer.rowCount,
      fileSizeInBytes: BigInt(footer.fileSize),
      ...fileMetrics(metrics, this.#schema, this.#config),
      splitOffsets: splitOffsets(footer),
      sortOrderId: 0,
    };
  }

  /** A backup or an older snapshot, which help where a table has the file, are no help here. */
  async #footer({ uri, size }: ObjectInfo): Promise<ParquetFooter> {
    try {
      return await readFooter(this.#store, uri, size);
    } catch (cause) {
      if (!corruptFile.is(cause)) throw cause;
      throw corruptFile(
        uri,
        `${uri} cannot be added: it is no Parquet file, or not a whole one.`,
        "Leave it out, or write it as Parquet first.",
        cause,
      );
    }
  }

  /** Columns that may be missing, for the folders of a file tell their value: if they do not, its partition is refused. */
  #toldByPlace(): Set<FieldId> {
    const identities = this.#spec.spec.fields.filter(({ transform }) => transform.transform === "identity");
    return new Set(identities.map(({ sourceIds }) => sourceIds[0]));
  }

  #requiredButNull(present: ReadonlySet<FieldId>, partition: PartitionTuple): ParquetMisfit[] {
    const filled = new Set(
      this.#spec.spec.fields.flatMap(({ sourceIds, transform }, i) =>
        transform.transform === "identity" && (partition[i] ?? null) !== null ? sourceIds[0] : [],
      ),
    );
    return this.#schema.fields
      .filter(({ id, required }) => required && !present.has(id) && !filled.has(id))
      .filter(({ initialDefault }) => (initialDefault ?? null) === null)
      .map(({ name }) => ({
        path: name,
        problem: "is not in the file, null by its folder, and required in the table",
      }));
  }

  /** What the schema leaves open the values must show: that some are there, that some are not, and how fine they are. */
  async #checkValues(uri: string, footer: ParquetFooter, fitting: ParquetFitting): Promise<ParquetMisfit[]> {
    const places = nodePlaces(footer.schema);
    const failed: ParquetMisfit[] = [];
    for (const { path, node } of fitting.mustBeFull) {
      const place = places.get(node);
      const nulls = place && (await countNulls(this.#store, uri, footer, place));
      if (nulls === 0n) continue;
      const count = nulls === 1n ? "1 null" : `${nulls} nulls`;
      failed.push({ path, problem: `has ${count} in the file, and is required in the table` });
    }
    for (const { path, node, problem } of fitting.mustBeNull) {
      if (!isNullThroughout(footer, places.get(node)?.leaf ?? -1)) failed.push({ path, problem });
    }
    for (const { path, node } of fitting.mustBeMicros) {
      const problem = await this.#finerThanMicros(uri, footer, places.get(node)?.leaf ?? -1, node);
      if (problem !== undefined) failed.push({ path, problem });
    }
    for (const { path, node } of fitting.mustBeText) {
      if (await this.#isText(uri, footer, places.get(node)?.leaf ?? -1, node)) continue;
      failed.push({ path, problem: "has bytes in the file that are no UTF-8, and is string in the table" });
    }
    return failed;
  }

  /**
   * One value that is no text would fail every query of its column from then on. Within lists and maps, whose values
   * cannot be read here, what old writers left is trusted.
   */
  async #isText(uri: string, footer: ParquetFooter, leaf: number, node: ParquetNode): Promise<boolean> {
    const column = footer.columns[leaf];
    if (column === undefined || column.repeated) return true;
    for (const rowGroup of footer.rowGroups.keys()) {
      const options = { footer, columns: [node.fieldId ?? column.path.join(".")], rowGroups: [rowGroup] };
      const { columns } = await readParquet(this.#store, uri, options);
      const isUtf8 = (value: unknown) => !(value instanceof Uint8Array) || bufferIsUtf8(value);
      if (!columns[0]?.values.every(isUtf8)) return false;
    }
    return true;
  }

  async #finerThanMicros(
    uri: string,
    footer: ParquetFooter,
    leaf: number,
    node: ParquetNode,
  ): Promise<string | undefined> {
    const column = footer.columns[leaf];
    if (column === undefined || column.repeated) {
      return "holds instants in 96 bits within a list or map, whose nanoseconds cannot be checked";
    }
    const name = column.path.join(".");
    for (const rowGroup of footer.rowGroups.keys()) {
      const options = { footer, columns: [node.fieldId ?? name], rowGroups: [rowGroup] };
      const { columns } = await readParquet(this.#store, uri, options);
      const finer = columns[0]?.values.some((value) => typeof value === "bigint" && value % 1000n !== 0n);
      if (finer) return "has instants in nanoseconds (INT96), and the table keeps microseconds";
    }
    return undefined;
  }
}

function isNullThroughout({ rowGroups }: ParquetFooter, leaf: number): boolean {
  return rowGroups.every(({ columns }) => {
    const chunk = columns[leaf];
    return chunk === undefined || chunk.valueCount === (chunk.statistics?.nullCount ?? 0n);
  });
}

/** All names that fields have had, in the schemas of the table and its name mapping, in lower case. */
function namesOf(metadata: TableMetadata, mapping: NameMapping): Map<FieldId, Set<string>> {
  const names = new Map<FieldId, Set<string>>();
  const add = (id: FieldId | undefined, name: string): void => {
    if (id === undefined) return;
    const known = names.get(id) ?? new Set();
    names.set(id, known.add(name.toLowerCase()));
  };
  for (const schema of metadata.schemas) for (const { field } of allFields(schema)) add(field.id, field.name);
  const addMapped = (fields: NameMapping): void => {
    for (const field of fields) {
      for (const name of field.names) add(field.fieldId, name);
      addMapped(field.fields ?? []);
    }
  };
  addMapped(mapping);
  return names;
}

function mismatch(uri: string, misfits: readonly ParquetMisfit[]): LakehouseError {
  const named = misfits
    .slice(0, MAX_NAMED)
    .map(({ path, problem }) => `column ${JSON.stringify(path)} ${problem}`);
  const more = misfits.length > MAX_NAMED ? `; and ${misfits.length - MAX_NAMED} more` : "";
  const onlyExtra = misfits.every(({ extra }) => extra);
  return schemaMismatch(
    uri,
    `${uri} cannot be added: ${named.join("; ")}${more}.`,
    onlyExtra
      ? "Add these columns to the table, or pass over them with ignoreExtraColumns."
      : "Evolve the table's schema to fit, or append the file's rows instead.",
  );
}
