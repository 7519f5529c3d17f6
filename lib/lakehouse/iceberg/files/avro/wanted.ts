import type { AvroField, AvroType } from "./types.js";

/** What finds a field in records of any writer: its Iceberg field id, or its name where the writer gave it no id. */
export interface FieldKey {
  readonly id: number;
  readonly name: string;
  /** Names that writers of old used. */
  readonly aliases?: readonly string[];
}

/**
 * Which of the wanted fields each field of a record is: its place in `wanted`, or -1. Ids go first, field by field: a
 * writer that leaves out some, or all, is read by name where it does.
 */
export function matchFields(fields: readonly AvroField[], wanted: readonly FieldKey[]): number[] {
  const taken = new Set<number>();
  const matches = fields.map(({ fieldId }) => {
    const slot = fieldId === undefined ? -1 : wanted.findIndex(({ id }) => id === fieldId);
    taken.add(slot);
    return slot;
  });
  return fields.map(({ fieldId, name }, i) => {
    if (fieldId !== undefined) return matches[i] as number;
    const slot = wanted.findIndex((want) => want.name === name || want.aliases?.includes(name));
    if (taken.has(slot)) return -1;
    taken.add(slot);
    return slot;
  });
}

/**
 * What a type is besides null: writers make optional fields unions with null, in either order, and some make all of
 * theirs so. A union of several other types stays as it is.
 */
export function withoutNull(type: AvroType): AvroType {
  if (type.kind !== "union") return type;
  const [only, ...others] = type.branches.filter((branch) => branch.kind !== "null");
  return only === undefined || others.length > 0 ? type : only;
}
