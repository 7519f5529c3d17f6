import { allFields, type Table, transformToString, typeToString } from "../../iceberg/index.js";
import { byteSize, columns, count, ink, printable } from "../../terminal/index.js";

/** What a table is, for people and for `--json`. 64-bit ids are text. */
export interface TableDescription {
  readonly table: string;
  readonly location: string;
  readonly formatVersion: number;
  readonly uuid: string;
  readonly columns: readonly {
    readonly id: number;
    readonly name: string;
    readonly type: string;
    readonly required: boolean;
    readonly key: boolean;
    readonly doc: string | null;
  }[];
  /** Such as `day(date)`. */
  readonly partitioning: readonly string[];
  /** Such as `origin asc nulls-first`. */
  readonly sortOrder: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly snapshots: number;
  readonly current: {
    readonly snapshotId: string;
    readonly time: string;
    readonly operation: string | null;
    /** Null where its writer left the count out; so with the others. */
    readonly files: number | null;
    readonly deleteFiles: number | null;
    readonly bytes: number | null;
  } | null;
  /** Deletes applied. Null where the table has no snapshot. */
  readonly rows: number | null;
}

/** @param rows as a reader finds them; `undefined` where there is no snapshot. */
export function describeTable(table: Table, rows: bigint | undefined): TableDescription {
  const { metadata, schema, spec, sortOrder, currentSnapshot } = table;
  const all = [...allFields(schema)];
  const names = new Map(all.map(({ field, name }) => [field.id, name]));
  const source = (ids: readonly number[]) => ids.map((id) => names.get(id) ?? `column ${id}`).join(", ");
  const term = ({
    transform,
    sourceIds,
  }: (typeof spec.fields)[number] | (typeof sortOrder.fields)[number]) =>
    transform.transform === "identity"
      ? source(sourceIds)
      : transformToString(transform).replace(/^(\w+)(?:\[(\d+)\])?$/, (_, name: string, argument?: string) =>
          argument === undefined
            ? `${name}(${source(sourceIds)})`
            : `${name}(${argument}, ${source(sourceIds)})`,
        );
  const total = (key: string) =>
    currentSnapshot?.summary?.[key] === undefined ? null : Number(currentSnapshot.summary[key]);
  return {
    table: table.name,
    location: table.location,
    formatVersion: metadata.formatVersion,
    uuid: metadata.tableUuid,
    columns: schema.fields.map(({ id, name, type, required, doc }) => ({
      id,
      name,
      type: typeToString(type),
      required,
      key: schema.identifierFieldIds.includes(id),
      doc: doc ?? null,
    })),
    partitioning: spec.fields.map(term),
    sortOrder: sortOrder.fields.map((field) => `${term(field)} ${field.direction} ${field.nullOrder}`),
    properties: table.properties,
    snapshots: metadata.snapshots.length,
    current: currentSnapshot
      ? {
          snapshotId: String(currentSnapshot.snapshotId),
          time: new Date(Number(currentSnapshot.timestampMs)).toISOString(),
          operation: currentSnapshot.summary?.operation ?? null,
          files: total("total-data-files"),
          deleteFiles: total("total-delete-files"),
          bytes: total("total-files-size"),
        }
      : null,
    rows: rows === undefined ? null : Number(rows),
  };
}

/** A line for each column: its name, its type, and what else holds of it. */
export function columnLines(description: TableDescription): string[] {
  const rows = description.columns.map(({ name, type, required, key, doc }) => [
    ink(name, "bold"),
    printable(type),
    [...(required ? ["not null"] : []), ...(key ? ["key"] : [])].join(", "),
    ink(doc ?? "", "grey"),
  ]);
  return columns(rows, "<<<<").map((line) => `  ${line}`);
}

/** All of it, for people. */
export function descriptionLines(description: TableDescription): string[] {
  const { partitioning, sortOrder, properties, current, snapshots, rows } = description;
  const facts: [string, string][] = [
    ["location", description.location],
    ["format", `version ${description.formatVersion}`],
    ["partitioned by", partitioning.join(", ") || "nothing"],
    ["sorted by", sortOrder.join(", ") || "nothing"],
    [
      "snapshots",
      current === null ? "none" : `${snapshots.toLocaleString("en-US")}, ${currentText(current)}`,
    ],
    ["rows", rows === null ? "0" : rows.toLocaleString("en-US")],
    ["files", current === null ? "0" : filesText(current)],
  ];
  const lines = columns(
    facts.map(([name, value]) => [ink(name, "grey"), printable(value)]),
    "<<",
  );
  const settings = Object.entries(properties).map(([key, value]) => [printable(key), printable(value)]);
  return [
    ink(description.table, "bold"),
    ...columnLines(description),
    "",
    ...lines,
    ...(settings.length > 0 ? ["", ink("properties", "grey")] : []),
    ...columns(settings, "<<").map((line) => `  ${line}`),
  ];
}

function currentText({ snapshotId, time, operation }: NonNullable<TableDescription["current"]>): string {
  const made = time.slice(0, 19).replace("T", " ");
  return `the current one ${snapshotId} of ${made} UTC${operation === null ? "" : ` (${operation})`}`;
}

function filesText({ files, deleteFiles, bytes }: NonNullable<TableDescription["current"]>): string {
  const parts = [
    files === null ? "unknown" : count(files, "data file"),
    ...(deleteFiles ? [count(deleteFiles, "delete file")] : []),
    ...(bytes === null ? [] : [byteSize(bytes)]),
  ];
  return parts.join(", ");
}
