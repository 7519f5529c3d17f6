/** A column's id: never reused within a table, and what data files, manifests and specs refer to. */
export type FieldId = number & { readonly __flavor?: "FieldId" };
export type SchemaId = number & { readonly __flavor?: "SchemaId" };

/** Edge interpolation of a `geography` (spec, "Primitive Types"). */
export type EdgeAlgorithm = "spherical" | "vincenty" | "thomas" | "andoyer" | "karney";

/** A primitive type (spec, "Primitive Types"), v1 to v3. `variant` is semi-structured but stands where primitives stand. */
export type PrimitiveType =
  | { readonly type: "boolean" }
  | { readonly type: "int" }
  | { readonly type: "long" }
  | { readonly type: "float" }
  | { readonly type: "double" }
  /** Exact number of `precision` digits (at most 38), `scale` of them after the point. */
  | { readonly type: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly type: "date" }
  | { readonly type: "time" }
  | { readonly type: "timestamp" }
  | { readonly type: "timestamptz" }
  | { readonly type: "timestamp_ns" }
  | { readonly type: "timestamptz_ns" }
  | { readonly type: "string" }
  | { readonly type: "uuid" }
  | { readonly type: "fixed"; readonly length: number }
  | { readonly type: "binary" }
  | { readonly type: "unknown" }
  | { readonly type: "variant" }
  /** `crs` defaults to `OGC:CRS84`. */
  | { readonly type: "geometry"; readonly crs?: string | undefined }
  /** `crs` defaults to `OGC:CRS84`, `algorithm` to `spherical`. */
  | {
      readonly type: "geography";
      readonly crs?: string | undefined;
      readonly algorithm?: EdgeAlgorithm | undefined;
    };

export type PrimitiveKind = PrimitiveType["type"];

/** The member of the union that is of a kind. */
export type TypeOf<Kind extends PrimitiveKind> = Extract<PrimitiveType, { readonly type: Kind }>;

export interface StructType {
  readonly type: "struct";
  readonly fields: readonly NestedField[];
}

export interface ListType {
  readonly type: "list";
  readonly elementId: FieldId;
  readonly elementRequired: boolean;
  readonly element: IcebergType;
}

export interface MapType {
  readonly type: "map";
  readonly keyId: FieldId;
  readonly key: IcebergType;
  readonly valueId: FieldId;
  readonly valueRequired: boolean;
  readonly value: IcebergType;
}

export type NestedType = StructType | ListType | MapType;

/** Any type of the spec. `type` discriminates. */
export type IcebergType = PrimitiveType | NestedType;

/**
 * A primitive value in its one canonical JavaScript form; the form of partition values, bounds and literals.
 *
 * | Iceberg type | form |
 * |---|---|
 * | boolean | `boolean` |
 * | int, float, double | `number` |
 * | long | `bigint` |
 * | decimal | `bigint`, unscaled: `12.30` with scale 2 is `1230n` |
 * | date | `number`, days from 1970-01-01 |
 * | time | `bigint`, microseconds from midnight |
 * | timestamp, timestamptz | `bigint`, microseconds from 1970-01-01T00:00 |
 * | timestamp_ns, timestamptz_ns | `bigint`, nanoseconds from 1970-01-01T00:00 |
 * | string | `string` |
 * | uuid | `string`, canonical lower case |
 * | fixed, binary, variant, geometry, geography | `Uint8Array` |
 */
export type PrimitiveValue = boolean | number | bigint | string | Uint8Array;

/** A default (spec, "Default values"): canonical primitive, or, for nested types, arrays, maps and objects of them. */
export type DefaultValue =
  | PrimitiveValue
  | null
  | readonly DefaultValue[]
  | ReadonlyMap<DefaultValue, DefaultValue>
  | { readonly [name: string]: DefaultValue };

/** A field of a struct; the columns of a table are the fields of its schema's struct. */
export interface NestedField {
  readonly id: FieldId;
  readonly name: string;
  readonly required: boolean;
  readonly type: IcebergType;
  readonly doc?: string | undefined;
  /** Value of the field in rows of data files written before the field existed. v3. */
  readonly initialDefault?: DefaultValue | undefined;
  /** Value of the field in new rows whose writer gives none. v3. */
  readonly writeDefault?: DefaultValue | undefined;
}

/** A table's schema: a struct with an id (spec, "Schemas and Data Types"). Immutable; look fields up with the functions of this folder. */
export interface Schema {
  readonly schemaId: SchemaId;
  readonly fields: readonly NestedField[];
  /** Ids of the fields that identify a row; empty when there are none. */
  readonly identifierFieldIds: readonly FieldId[];
}

declare const rowType: unique symbol;

/** A schema that knows the TypeScript type of its rows. `RowOf` reads the type back. */
export interface TypedSchema<Row> extends Schema {
  /** Exists in types only. */
  readonly [rowType]?: Row;
}

declare const columnNames: unique symbol;

/**
 * What the compiler knows of the columns that are named in something. Names that it knows must be among a table's; a
 * `string` is looked up at run time, so this takes names in either direction, as parameters of methods do.
 */
export interface NamesColumns<Name extends string> {
  /** Exists in types only. */
  [columnNames]?(name: Name): void;
}

/** The row type of a schema declared with `defineSchema`. */
export type RowOf<S extends Schema> =
  S extends TypedSchema<infer Row> ? (unknown extends Row ? Record<string, unknown> : Row) : never;
