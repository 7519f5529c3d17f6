import { invalidSchema } from "../../errors.js";
import { decimalType, fixedType, isPrimitiveType } from "../types/type-text.js";
import type { EdgeAlgorithm, IcebergType, NestedField, SchemaId, TypedSchema } from "../types/types.js";
import { canonicalValue, describeExpected, describeValue } from "../values/canonical.js";
import { assignFreshIds } from "./fresh-ids.js";
import { fieldByName } from "./lookup.js";
import { validateSchema } from "./validate.js";

/** What a date column takes: `"2001-01-31"`, or a Date at midnight UTC. */
export type DateInput = string | Date;
/** What a time column takes: `"22:31:08.5"`, or microseconds from midnight. */
export type TimeInput = string | bigint;
/** What a timestamp column takes: ISO text, a Date, or micro- (in `_ns` columns nano-) seconds from 1970. */
export type TimestampInput = string | Date | bigint;
/** What a long column takes: a bigint, or a whole number below 2^53. */
export type LongInput = bigint | number;

declare const valueType: unique symbol;

export interface ColumnInit {
  readonly doc?: string;
  readonly initialDefault?: unknown;
  readonly writeDefault?: unknown;
}

/** A column as one declares it: its type, whether it may be null, doc and defaults. Immutable; each method gives a new one. */
export class Column<T, Optional extends boolean = false> {
  /** Exists in types only. */
  declare readonly [valueType]: T;

  constructor(
    /** Ids inside nested types are placeholders until a schema assigns them. */
    readonly type: IcebergType,
    readonly isOptional: Optional,
    readonly init: ColumnInit = {},
  ) {}

  /** The column may be null, and rows may leave it out. */
  optional(): Column<T, true> {
    return new Column<T, true>(this.type, true, this.init);
  }

  /**
   * The column's values are of a narrower type: `string().as<"open" | "closed">()`. It is the compiler that holds writers to
   * it, as with TypeScript's own `as`; a table has no such type, and other engines write what they like.
   */
  as<Narrow extends T>(): Column<Narrow, Optional> {
    return new Column<Narrow, Optional>(this.type, this.isOptional, this.init as ColumnInit);
  }

  doc(text: string): Column<T, Optional> {
    return new Column<T, Optional>(this.type, this.isOptional, { ...this.init, doc: text });
  }

  /** The value of rows written before the column was there (`initial-default`), and of new rows without one (`write-default`). Primitives; v3. */
  default(value: T): Column<T, true> {
    const init = { ...this.init, initialDefault: value, writeDefault: value };
    return new Column<T, true>(this.type, this.isOptional as unknown as true, init);
  }

  /** The value of new rows that give none (`write-default`). Primitives. */
  writeDefault(value: T): Column<T, true> {
    return new Column<T, true>(this.type, this.isOptional as unknown as true, {
      ...this.init,
      writeDefault: value,
    });
  }
}

/** Columns by name, in their order. */
export type Columns = { readonly [name: string]: Column<unknown, boolean> };

/** The value type of a column, without null. */
export type ColumnValue<C> = C extends Column<infer T, boolean> ? T : never;

type OptionalNames<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<unknown, true> ? K : never;
}[keyof C];

/** The row type of columns: required columns must be there, optional ones may be null or left out. */
export type RowOfColumns<C extends Columns> = {
  [K in Exclude<keyof C, OptionalNames<C>>]: ColumnValue<C[K]>;
} & {
  [K in OptionalNames<C>]?: ColumnValue<C[K]> | null | undefined;
} extends infer Row
  ? { [K in keyof Row]: Row[K] }
  : never;

/**
 * The name of a column of a table's rows. The names inside structs, behind a dot, are looked up at run time alone. No
 * condition is in it, so that a table of known rows is one of any rows, to every compiler.
 */
export type RowColumn<Row> = (keyof Row & string) | `${string}.${string}`;

/** The same of rows that may not be known. */
export type ColumnName<Row> = unknown extends Row ? string : RowColumn<Row>;

function column<T>(type: IcebergType): Column<T> {
  return new Column<T>(type, false);
}

export const boolean = (): Column<boolean> => column({ type: "boolean" });
/** 32-bit signed. */
export const int = (): Column<number> => column({ type: "int" });
/** 64-bit signed. */
export const long = (): Column<LongInput> => column({ type: "long" });
export const float = (): Column<number> => column({ type: "float" });
export const double = (): Column<number> => column({ type: "double" });
/** Exact, as text: `"12.30"`. Precision at most 38. */
export const decimal = (precision: number, scale: number): Column<string> =>
  column(decimalType(precision, scale));
export const date = (): Column<DateInput> => column({ type: "date" });
/** Time of day, microseconds. */
export const time = (): Column<TimeInput> => column({ type: "time" });
/** Microseconds, without zone: a date and time wherever one is. */
export const timestamp = (): Column<TimestampInput> => column({ type: "timestamp" });
/** Microseconds, an instant: text must carry an offset. */
export const timestamptz = (): Column<TimestampInput> => column({ type: "timestamptz" });
/** Nanoseconds, without zone. v3. */
export const timestampNs = (): Column<TimestampInput> => column({ type: "timestamp_ns" });
/** Nanoseconds, an instant. v3. */
export const timestamptzNs = (): Column<TimestampInput> => column({ type: "timestamptz_ns" });
export const string = (): Column<string> => column({ type: "string" });
export const uuid = (): Column<string> => column({ type: "uuid" });
export const fixed = (length: number): Column<Uint8Array> => column(fixedType(length));
export const binary = (): Column<Uint8Array> => column({ type: "binary" });
/** Always null. v3. */
export const unknown = (): Column<never, true> => new Column<never, true>({ type: "unknown" }, true);
/** Well-known binary. v3. */
export const geometry = (crs?: string): Column<Uint8Array> =>
  column(crs ? { type: "geometry", crs } : { type: "geometry" });
/** Well-known binary. v3. */
export const geography = (crs?: string, algorithm?: EdgeAlgorithm): Column<Uint8Array> =>
  column({ type: "geography", ...(crs ? { crs } : {}), ...(algorithm ? { algorithm } : {}) });

/** A struct of fields. */
export function struct<C extends Columns>(fields: C): Column<RowOfColumns<C>> {
  return column({ type: "struct", fields: toFields(fields) });
}

/** A list; elements may be null when the element is `.optional()`. */
export function list<T, O extends boolean>(
  element: Column<T, O>,
): Column<readonly (O extends true ? T | null : T)[]> {
  return column({ type: "list", elementId: 0, elementRequired: !element.isOptional, element: element.type });
}

/** A map; values may be null when the value is `.optional()`. Keys are never null. */
export function map<K, V, O extends boolean>(
  key: Column<K>,
  value: Column<V, O>,
): Column<ReadonlyMap<K, O extends true ? V | null : V>> {
  return column({
    type: "map",
    keyId: 0,
    key: key.type,
    valueId: 0,
    valueRequired: !value.isOptional,
    value: value.type,
  });
}

function toFields(columns: Columns): NestedField[] {
  return Object.entries(columns).map(([name, column]) => columnToField(name, column));
}

/** The field of a declared column; its ids, and those inside it, are placeholders. */
export function columnToField(
  name: string,
  { type, isOptional, init }: Column<unknown, boolean>,
): NestedField {
  return {
    id: 0,
    name,
    required: !isOptional,
    type,
    doc: init.doc,
    initialDefault: toDefault(name, type, init.initialDefault),
    writeDefault: toDefault(name, type, init.writeDefault),
  };
}

function toDefault(name: string, type: IcebergType, value: unknown) {
  if (value === undefined) return undefined;
  const canonical = isPrimitiveType(type) ? canonicalValue(type, value) : undefined;
  if (canonical !== undefined) return canonical;
  const expected = isPrimitiveType(type)
    ? describeExpected(type)
    : "no default: nested types take theirs by field";
  throw invalidSchema(name, `The default of "${name}" is ${describeValue(value)}, expected ${expected}.`);
}

export interface SchemaOptions<C extends Columns = Columns> {
  /** Columns that identify a row: required, primitive, not floating point. */
  readonly identifier?: readonly (keyof C & string)[];
  readonly schemaId?: SchemaId;
}

/**
 * Declares a schema and with it the type of its rows. Ids go from 1 up in the order of the columns, those of nested
 * fields after them. Throws `INVALID_SCHEMA`.
 *
 * @example
 * const flights = defineSchema({ date: timestamp(), delay: int(), origin: string(), note: string().optional() });
 * type Flight = RowOf<typeof flights>; // { date: TimestampInput; delay: number; origin: string; note?: string | null }
 */
export function defineSchema<const C extends Columns>(
  columns: C,
  options: SchemaOptions<C> = {},
): TypedSchema<RowOfColumns<C>> {
  let last = 0;
  const fields = assignFreshIds(toFields(columns), () => {
    last += 1;
    return last;
  });
  const identifierFieldIds = (options.identifier ?? []).map((name) => {
    const field = fieldByName({ fields }, name);
    if (field !== undefined) return field.id;
    throw invalidSchema(name, `The identifier "${name}" is no column of the schema.`);
  });
  const schema: TypedSchema<RowOfColumns<C>> = {
    schemaId: options.schemaId ?? 0,
    fields,
    identifierFieldIds,
  };
  validateSchema(schema);
  return schema;
}
