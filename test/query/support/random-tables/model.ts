import { type Kind, type Scalar, toInput } from "./values.js";

/** A field of a struct. */
export interface Member {
  readonly id: number;
  readonly name: string;
  readonly kind: Kind;
  /** What rows have that were written before it was there. */
  readonly initial: Scalar;
}

/** A column of scalars, or of structs of them: then it has members, and its kind and initial value say nothing. */
export interface Column extends Member {
  readonly members?: readonly Member[];
}

export type Struct = ReadonlyMap<number, Scalar>;
export type Value = Scalar | Struct;
/** Values by the ids of columns, as the row was written: what came later has its initial value. */
export type Row = ReadonlyMap<number, Value>;

/** A column, or a member of one. */
export interface Leaf {
  readonly path: readonly string[];
  readonly column: Column;
  readonly field: Member;
}

/** What a table should hold: rows in memory, and nothing else. */
export interface Model {
  columns: readonly Column[];
  rows: readonly Row[];
}

export function leavesOf(columns: readonly Column[]): Leaf[] {
  return columns.flatMap((column): Leaf[] =>
    column.members === undefined
      ? [{ path: [column.name], column, field: column }]
      : column.members.map((field) => ({ path: [column.name, field.name], column, field })),
  );
}

export function columnValue(row: Row, column: Column): Value {
  return row.get(column.id) ?? (row.has(column.id) ? null : column.initial);
}

/** A leaf's value in a row: null where a struct around it is. */
export function leafOf(row: Row, { column, field }: Leaf): Scalar {
  const value = columnValue(row, column);
  return value instanceof Map ? memberOf(value, field) : (value as Scalar);
}

function memberOf(struct: Struct, member: Member): Scalar {
  return struct.has(member.id) ? (struct.get(member.id) ?? null) : member.initial;
}

/** Whether two rows have the same key: null equals null. */
export function sameKey(a: Row, b: Row, key: readonly Leaf[]): boolean {
  return key.every((leaf) => keyText(leafOf(a, leaf)) === keyText(leafOf(b, leaf)));
}

function keyText(value: Scalar): string {
  return `${typeof value} ${value}`;
}

/** A row as a program writes it. */
export function inputOf(row: Row, columns: readonly Column[]): Record<string, unknown> {
  return Object.fromEntries(
    columns.map((column) => {
      const value = columnValue(row, column);
      if (!(value instanceof Map)) return [column.name, toInput(column.kind, value as Scalar)];
      const members = (column.members ?? []).map((member) => [
        member.name,
        toInput(member.kind, memberOf(value, member)),
      ]);
      return [column.name, Object.fromEntries(members)];
    }),
  );
}

/** A row as text, by its values of some columns. */
export function textOf(row: Row, columns: readonly Column[]): string {
  const texts = columns.map((column) => {
    const value = columnValue(row, column);
    if (!(value instanceof Map)) return `${column.name}=${value}`;
    return `${column.name}={${(column.members ?? []).map((member) => `${member.name}=${memberOf(value, member)}`)}}`;
  });
  return texts.join(" ");
}
