import type { Transform } from "../transforms/types.js";
import type {
  IcebergType,
  NamesColumns,
  NestedField,
  PrimitiveType,
  PrimitiveValue,
} from "../types/types.js";

/** A value as one writes it: `5`, `"ATL"`, `new Date(…)`, `"2001-01-01"`, `"12.30"`, `10n`. Binding turns it into the column's canonical form. */
export type LiteralInput = PrimitiveValue | Date;

/** A transformed column: `{ transform: day, source: "date" }` compares days. */
export interface TransformTerm {
  readonly transform: Transform;
  readonly source: string;
}

/** What a predicate is about: a column by full name (dots lead into structs), or a transform of one. */
export type Term = string | TransformTerm;

export type UnaryOperation = "is-null" | "not-null" | "is-nan" | "not-nan";
export type ComparisonOperation =
  | "eq"
  | "not-eq"
  | "lt"
  | "lt-eq"
  | "gt"
  | "gt-eq"
  | "starts-with"
  | "not-starts-with";
export type SetOperation = "in" | "not-in";

export interface UnaryPredicate<Name extends string = string> extends NamesColumns<Name> {
  readonly type: UnaryOperation;
  readonly term: Term;
}

export interface ComparisonPredicate<Name extends string = string> extends NamesColumns<Name> {
  readonly type: ComparisonOperation;
  readonly term: Term;
  readonly value: LiteralInput;
}

export interface SetPredicate<Name extends string = string> extends NamesColumns<Name> {
  readonly type: SetOperation;
  readonly term: Term;
  readonly values: readonly LiteralInput[];
}

/**
 * A row filter by column names, in the REST catalog's vocabulary. Made by `eq`, `and`, …; bound to a schema by `bind`.
 * `Name`: the columns that it names, where the compiler knows them.
 */
export type Expression<Name extends string = string> =
  | { readonly type: "true" }
  | { readonly type: "false" }
  | { readonly type: "and" | "or"; readonly left: Expression<Name>; readonly right: Expression<Name> }
  | { readonly type: "not"; readonly child: Expression<Name> }
  | UnaryPredicate<Name>
  | ComparisonPredicate<Name>
  | SetPredicate<Name>;

/** A term bound to a schema: which field, how to reach it in a row, and the type of what the transform makes of it. */
export interface BoundTerm {
  readonly field: NestedField;
  /** Names from the root to the field, as the schema spells them. */
  readonly path: readonly string[];
  /** Full name, for messages. */
  readonly name: string;
  readonly transform: Transform;
  /** Type of the transformed value: the type of the predicate's literals. */
  readonly type: PrimitiveType;
  /** False where null cannot occur: the field and all structs around it are required. */
  readonly optional: boolean;
  readonly sourceType: IcebergType;
}

export interface BoundUnaryPredicate {
  readonly type: UnaryOperation;
  readonly term: BoundTerm;
}

export interface BoundComparisonPredicate {
  readonly type: ComparisonOperation;
  readonly term: BoundTerm;
  /** Canonical form of `term.type`. */
  readonly value: PrimitiveValue;
}

export interface BoundSetPredicate {
  readonly type: SetOperation;
  readonly term: BoundTerm;
  /** Canonical forms, sorted, without duplicates. */
  readonly values: readonly PrimitiveValue[];
}

export type BoundPredicate = BoundUnaryPredicate | BoundComparisonPredicate | BoundSetPredicate;

export type PredicateOperation = UnaryOperation | ComparisonOperation | SetOperation;

/** The bound predicate of an operation. */
export type PredicateOf<Operation extends PredicateOperation> = (Operation extends UnaryOperation
  ? BoundUnaryPredicate
  : Operation extends ComparisonOperation
    ? BoundComparisonPredicate
    : BoundSetPredicate) & { readonly type: Operation };

/** An expression bound to a schema and free of `not`. */
export type BoundExpression =
  | { readonly type: "true" }
  | { readonly type: "false" }
  | { readonly type: "and" | "or"; readonly left: BoundExpression; readonly right: BoundExpression }
  | BoundPredicate;
