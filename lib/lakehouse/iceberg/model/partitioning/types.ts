import type { Transform } from "../transforms/types.js";
import type { FieldId, NamesColumns, PrimitiveValue } from "../types/types.js";

export type SpecId = number & { readonly __flavor?: "SpecId" };
export type SortOrderId = number & { readonly __flavor?: "SortOrderId" };
/** Id of a partition field: the field id of its value in the partition tuple. From 1000 up. */
export type PartitionFieldId = number & { readonly __flavor?: "PartitionFieldId" };

/** One or more ids of source columns. More than one only for multi-argument transforms (v3). */
export type SourceIds = readonly [FieldId, ...FieldId[]];

export interface PartitionField {
  readonly sourceIds: SourceIds;
  readonly fieldId: PartitionFieldId;
  readonly name: string;
  readonly transform: Transform;
}

/** How partition values derive from a row (spec, "Partitioning"). No fields: unpartitioned. */
export interface PartitionSpec {
  readonly specId: SpecId;
  readonly fields: readonly PartitionField[];
}

/** The partition values of a file, one per field of its spec, in the spec's order; canonical forms. */
export type PartitionTuple = readonly (PrimitiveValue | null)[];

export type SortDirection = "asc" | "desc";
export type NullOrder = "nulls-first" | "nulls-last";

export interface SortField {
  readonly sourceIds: SourceIds;
  readonly transform: Transform;
  readonly direction: SortDirection;
  readonly nullOrder: NullOrder;
}

/** How rows are sorted within a file (spec, "Sorting"). Order id 0 is the unsorted order. */
export interface SortOrder {
  readonly orderId: SortOrderId;
  readonly fields: readonly SortField[];
}

/** A partition field by column name, before a schema gives ids to it. Made by `day("date")`, `bucket("id", 16)`, … */
export interface PartitionFieldInit<Name extends string = string> extends NamesColumns<Name> {
  readonly kind: "partition-field";
  /** Full name of the source column; dots lead into structs. */
  readonly source: string;
  readonly transform: Transform;
  /** Defaults to the source's name with the transform's suffix, as Java names it: `date_day`, `id_bucket`. */
  readonly name?: string | undefined;
}

/** A sort field by column name, before a schema gives ids to it. Made by `asc("origin")`, `desc("delay")`. */
export interface SortFieldInit<Name extends string = string> extends NamesColumns<Name> {
  readonly kind: "sort-field";
  readonly source: string;
  readonly transform: Transform;
  readonly direction: SortDirection;
  readonly nullOrder: NullOrder;
}
