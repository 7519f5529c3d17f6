import {
  allFields,
  type ColumnMetricsRow,
  fieldByName,
  isPrimitiveType,
  type PrimitiveValue,
  type ScanOptions,
  type Schema,
  type Table,
  toJsonValue,
  typeToString,
  type VerifiedFile,
} from "../../iceberg/index.js";
import type { SqlValue } from "../arrow/values.js";
import { formatRecords } from "../result/format.js";

/** What can be asked of a table's metadata. */
export type Inspected = "snapshots" | "files" | "manifests" | "partitions" | "history" | "refs" | "schema";

type State = Pick<ScanOptions, "snapshotId" | "ref" | "asOf">;

type Record = { readonly [column: string]: unknown };

/** Metadata as text. Columns have the names of Iceberg's metadata tables. */
export async function inspectTable(
  table: Table,
  what: Inspected,
  state: State,
  format: "ndjson" | "csv" | "table",
): Promise<string> {
  const { columns, rows } = await READERS[what](table, state);
  const records = rows.map((row) => columns.map((column) => plain(row[column])));
  return formatRecords(columns.map(snakeCase), records, format);
}

/** What each file of a table is worth, as text; and how many have a problem. */
export async function verifyTable(
  table: Table,
  state: State,
  format: "ndjson" | "csv" | "table",
): Promise<{ readonly text: string; readonly problems: number }> {
  const files: VerifiedFile[] = [];
  for await (const file of table.inspect.verify(state)) files.push(file);
  const columns = ["content", "filePath", "fileFormat", "pages", "checkedPages", "problem"] as const;
  const records = files.map((file) => columns.map((column) => plain(file[column])));
  return {
    text: formatRecords(columns.map(snakeCase), records, format),
    problems: files.filter(({ problem }) => problem !== undefined).length,
  };
}

interface Inspection {
  readonly columns: readonly string[];
  readonly rows: readonly Record[];
}

const of = <R extends object>(columns: readonly (keyof R & string)[], rows: readonly R[]): Inspection => ({
  columns,
  rows: rows as readonly Record[],
});

const READERS: {
  readonly [W in Inspected]: (table: Table, state: State) => Inspection | Promise<Inspection>;
} = {
  snapshots: ({ inspect }) =>
    of(
      ["committedAt", "snapshotId", "parentId", "operation", "manifestList", "summary"],
      inspect.snapshots(),
    ),
  history: ({ inspect }) =>
    of(["madeCurrentAt", "snapshotId", "parentId", "isCurrentAncestor"], inspect.history()),
  refs: ({ inspect }) =>
    of(
      ["name", "type", "snapshotId", "maxReferenceAgeInMs", "minSnapshotsToKeep", "maxSnapshotAgeInMs"],
      inspect.refs(),
    ),
  manifests: async ({ inspect }, state) =>
    of(
      [
        "content",
        "path",
        "length",
        "partitionSpecId",
        "sequenceNumber",
        "addedSnapshotId",
        "addedFilesCount",
        "existingFilesCount",
        "deletedFilesCount",
        "partitionSummaries",
      ],
      await inspect.manifests(state),
    ),
  files: async (table, state) => {
    const { schema } = table;
    const files = await table.inspect.files(state);
    return of(
      [
        "content",
        "filePath",
        "fileFormat",
        "specId",
        "partition",
        "recordCount",
        "fileSizeInBytes",
        "splitOffsets",
        "equalityIds",
        "sortOrderId",
        "firstRowId",
        "referencedDataFile",
        "readableMetrics",
      ],
      files.map((file) => ({ ...file, readableMetrics: readable(schema, file.readableMetrics) })),
    );
  },
  partitions: async ({ inspect }, state) =>
    of(
      [
        "partition",
        "specId",
        "recordCount",
        "fileCount",
        "totalDataFileSizeInBytes",
        "positionDeleteRecordCount",
        "positionDeleteFileCount",
        "equalityDeleteRecordCount",
        "equalityDeleteFileCount",
      ],
      await inspect.partitions(state),
    ),
  schema: (table, state) => {
    const { tableSchema } = table.scan(state);
    const rows = [...allFields(tableSchema)].map(({ field, name }) => ({
      ...field,
      name,
      type: typeToString(field.type),
      doc: field.doc,
      initialDefault: field.initialDefault == null ? null : toJsonValue(field.type, field.initialDefault),
      writeDefault: field.writeDefault == null ? null : toJsonValue(field.type, field.writeDefault),
    }));
    return of(["id", "name", "required", "type", "doc", "initialDefault", "writeDefault"], rows);
  },
};

/** Bounds in the JSON form of their type (spec, Appendix D). */
function readable(schema: Schema, metrics: { readonly [name: string]: ColumnMetricsRow }): Record {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, row]) => {
      const type = fieldByName(schema, name)?.type;
      const bound = (value: PrimitiveValue | undefined) =>
        value === undefined || type === undefined || !isPrimitiveType(type) ? null : toJsonValue(type, value);
      const { lowerBound, upperBound, ...counts } = row;
      return [
        name,
        withSnakeKeys({ ...counts, lowerBound: bound(lowerBound), upperBound: bound(upperBound) }),
      ];
    }),
  );
}

function withSnakeKeys(record: Record): Record {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [snakeCase(key), value]));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Plain values from what the metadata has; what is absent is null. Keys inside keep their names. */
function plain(value: unknown): SqlValue {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.toISOString().replace("Z", "000+00:00");
  if (Array.isArray(value)) return value.map((item) => plain(isRecord(item) ? withSnakeKeys(item) : item));
  if (isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value as SqlValue;
}

function isRecord(value: unknown): value is Record {
  return (
    typeof value === "object" && value !== null && !(value instanceof Uint8Array) && !Array.isArray(value)
  );
}
