import { invalidArgument } from "../../../errors.js";
import type { IcebergType, NestedField } from "../types/types.js";

/** What is known of a column while there were only nulls. */
const NOTHING: IcebergType = { type: "unknown" };
const BIG: IcebergType = { type: "decimal", precision: 38, scale: 0 };

/**
 * The columns of rows of plain objects, in the order in which they come up: whole numbers and bigints are `long`
 * (`decimal(38,0)` beyond 64 bits), other numbers `double`, a Date is a `timestamptz`, bytes are `binary`, arrays lists,
 * Maps maps, and objects structs. What is only ever null is a `string`.
 *
 * @throws LakehouseError INVALID_ARGUMENT for values that no one type holds, and for what is no row.
 */
export function inferRows(rows: Iterable<unknown>): NestedField[] {
  const columns = new Map<string, IcebergType>();
  let index = 0;
  for (const row of rows) {
    if (typeof row !== "object" || row === null || Array.isArray(row)) {
      throw invalidArgument("rows", `Row ${index} is no object: ${String(row)}.`);
    }
    addMembers(columns, row, (name) => `Row ${index}, column ${JSON.stringify(name)}`);
    index += 1;
  }
  return fieldsOf(columns).map((field) => ({ ...field, type: settled(field.type) }));
}

/** What was only ever null is text. */
function settled(type: IcebergType): IcebergType {
  switch (type.type) {
    case "unknown":
      return { type: "string" };
    case "struct":
      return { ...type, fields: type.fields.map((field) => ({ ...field, type: settled(field.type) })) };
    case "list":
      return { ...type, element: settled(type.element) };
    case "map":
      return { ...type, key: settled(type.key), value: settled(type.value) };
    default:
      return type;
  }
}

function addMembers(
  columns: Map<string, IcebergType>,
  object: object,
  where: (name: string) => string,
): void {
  for (const [name, value] of Object.entries(object)) {
    columns.set(name, join(columns.get(name) ?? NOTHING, typeOf(value, where(name)), where(name)));
  }
}

function fieldsOf(columns: ReadonlyMap<string, IcebergType>): NestedField[] {
  return [...columns].map(([name, type]) => ({ id: 0, name, required: false, type }));
}

function typeOf(value: unknown, where: string): IcebergType {
  switch (typeof value) {
    case "undefined":
      return NOTHING;
    case "boolean":
      return { type: "boolean" };
    case "bigint":
      return BigInt.asIntN(64, value) === value ? { type: "long" } : BIG;
    case "number":
      return { type: Number.isSafeInteger(value) && !Object.is(value, -0) ? "long" : "double" };
    case "string":
      return { type: "string" };
    case "object":
      return value === null ? NOTHING : objectType(value, where);
    default:
      throw invalidArgument(where, `${where}: a ${typeof value} is no value of a table.`);
  }
}

function objectType(value: object, where: string): IcebergType {
  if (value instanceof Date) return { type: "timestamptz" };
  if (value instanceof Uint8Array) return { type: "binary" };
  const all = (items: Iterable<unknown>): IcebergType => {
    let type = NOTHING;
    for (const item of items) type = join(type, typeOf(item, where), where);
    return type;
  };
  if (Array.isArray(value))
    return { type: "list", elementId: 0, elementRequired: false, element: all(value) };
  if (value instanceof Map) {
    const [key, inner] = [all(value.keys()), all(value.values())];
    return { type: "map", keyId: 0, key, valueId: 0, valueRequired: false, value: inner };
  }
  const members = new Map<string, IcebergType>();
  addMembers(members, value, (name) => `${where}, member ${JSON.stringify(name)}`);
  return { type: "struct", fields: fieldsOf(members) };
}

/** The type that holds the values of both. */
function join(a: IcebergType, b: IcebergType, where: string): IcebergType {
  if (a.type === "unknown") return b;
  if (b.type === "unknown") return a;
  const kinds = new Set([a.type, b.type]);
  if (a.type === "struct" && b.type === "struct") {
    const members = new Map<string, IcebergType>(a.fields.map(({ name, type }) => [name, type]));
    for (const { name, type } of b.fields) members.set(name, join(members.get(name) ?? NOTHING, type, where));
    return { type: "struct", fields: fieldsOf(members) };
  }
  if (a.type === "list" && b.type === "list") return { ...a, element: join(a.element, b.element, where) };
  if (a.type === "map" && b.type === "map") {
    return { ...a, key: join(a.key, b.key, where), value: join(a.value, b.value, where) };
  }
  if (kinds.size === 1) return a;
  if (kinds.size === 2 && kinds.has("long") && kinds.has("double")) return { type: "double" };
  if (kinds.size === 2 && kinds.has("long") && kinds.has("decimal")) return BIG;
  throw invalidArgument(
    where,
    `${where}: a ${b.type}, where rows before it have a ${a.type}.`,
    "Give the schema, or make the values of one kind.",
  );
}
