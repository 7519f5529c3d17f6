import { invalidArgument } from "../../errors.js";
import type { NestedField, Table } from "../../iceberg/index.js";
import type { TopicRecord } from "../meta/log-meta.js";
import type { LogRecord } from "../records/read-records.js";

/** What of a record beside its value may be a column, and of which type that is. */
export interface RecordColumns {
  /** int */
  readonly partition?: string | undefined;
  /** long */
  readonly offset?: string | undefined;
  /** timestamptz */
  readonly timestamp?: string | undefined;
  /** binary */
  readonly key?: string | undefined;
  /** A list of structs of `key` and `value`. */
  readonly headers?: string | undefined;
}

export type RecordPart = keyof RecordColumns;

interface PartDefinition {
  readonly required: boolean;
  readonly type: NestedField["type"];
  readonly read: (record: LogRecord, partition: number) => unknown;
}

export const RECORD_PARTS: Readonly<Record<RecordPart, PartDefinition>> = {
  partition: { required: true, type: { type: "int" }, read: (_, partition) => partition },
  offset: { required: true, type: { type: "long" }, read: ({ offset }) => offset },
  timestamp: {
    required: false,
    type: { type: "timestamptz" },
    read: ({ timestamp }) => (timestamp < 0n ? null : timestamp * 1000n),
  },
  key: { required: false, type: { type: "binary" }, read: ({ key }) => key },
  headers: {
    required: true,
    type: {
      type: "list",
      elementId: 0,
      elementRequired: true,
      element: {
        type: "struct",
        fields: [
          { id: 0, name: "key", required: true, type: { type: "string" } },
          { id: 0, name: "value", required: false, type: { type: "binary" } },
        ],
      },
    },
    read: ({ headers }) => headers,
  },
};

/** How a table is made of a topic: kept in the table's properties, so that a query reads the topic's end the same way. */
export interface TableLink {
  readonly topic: string;
  readonly topicId: string;
  /** Whose versions the records' values are of. */
  readonly subject: string;
  readonly columns: RecordColumns;
  readonly onIncompatible: OnIncompatible;
}

/** What becomes of records that a table cannot be widened for. */
export type OnIncompatible = "stop" | "dead-letter";

const PROPERTY = "sololakehouse.log.topic";

export function linkProperties(link: TableLink): Record<string, string> {
  return { [PROPERTY]: JSON.stringify(link) };
}

/** The topic that a table is made of; `undefined` where it is of none. @throws LakehouseError INVALID_ARGUMENT */
export function linkOf({ name, properties }: Pick<Table, "name" | "properties">): TableLink | undefined {
  const text = properties[PROPERTY];
  if (text === undefined) return undefined;
  try {
    const { topic, topicId, subject, columns, onIncompatible } = JSON.parse(text) as TableLink;
    const areTexts = [topic, topicId, subject, onIncompatible].every((each) => typeof each === "string");
    if (areTexts && typeof columns === "object") return { topic, topicId, subject, columns, onIncompatible };
  } catch {
    // It is said below.
  }
  throw invalidArgument(
    name,
    `The table ${name} has ${JSON.stringify(text)} for ${PROPERTY}, which names no topic.`,
    "Remove the property, and call toTable, which sets it.",
  );
}

export function sameLink(a: TableLink, b: TableLink): boolean {
  return JSON.stringify(linkProperties(a)) === JSON.stringify(linkProperties(b));
}

export interface LinkOptions {
  readonly subject?: string | undefined;
  readonly columns?: RecordColumns | undefined;
  readonly onIncompatible: OnIncompatible;
}

/** @throws LakehouseError INVALID_ARGUMENT */
export function linkTo(
  { name, id }: TopicRecord,
  { subject, columns = {}, onIncompatible }: LinkOptions,
): TableLink {
  const parts = Object.entries(columns).filter(([, column]) => column !== undefined);
  for (const [part, column] of parts)
    if (!Object.hasOwn(RECORD_PARTS, part) || typeof column !== "string" || column === "")
      throw invalidArgument(
        "columns",
        `columns has ${JSON.stringify(part)}: ${JSON.stringify(column)}.`,
        `Give names of columns for ${Object.keys(RECORD_PARTS).join(", ")}.`,
      );
  const order = Object.keys(RECORD_PARTS) as RecordPart[];
  return {
    topic: name,
    topicId: id,
    subject: subject ?? `${name}-value`,
    onIncompatible,
    columns: Object.fromEntries(order.flatMap((part) => (columns[part] ? [[part, columns[part]]] : []))),
  };
}

/** The columns of the records' parts. */
export function partFields(columns: RecordColumns): NestedField[] {
  return (Object.entries(columns) as [RecordPart, string][]).map(([part, name]) => {
    const { required, type } = RECORD_PARTS[part];
    return { id: 0, name, required, type };
  });
}
