import type { IcebergType, PrimitiveType, PrimitiveValue } from "../types/types.js";
import type { Transform, TransformKind } from "./types.js";

/** The member of the union that is of a kind. */
export type TransformOf<Kind extends TransformKind> = Extract<Transform, { readonly transform: Kind }>;

/**
 * Under which partition values rows are filed whose source values a predicate asks for. Each answer may say more values
 * than there are, never fewer; `undefined` says that it may be any.
 */
export interface Filing {
  /** Rows with this value: one of these. */
  equal(value: PrimitiveValue): readonly PrimitiveValue[];
  /** A partition value that holds rows with this value alone, so that rows with others are filed elsewhere. */
  only(value: PrimitiveValue): PrimitiveValue | undefined;
  /** Rows with this value or less: at most `bound`, or one of `also`. */
  atMost(value: PrimitiveValue): AtMost | undefined;
  /** Rows with this value or more: at least that. */
  atLeast(value: PrimitiveValue): PrimitiveValue | undefined;
  /** Rows with text that starts so. */
  startsWith(prefix: string): PrefixFiling<"starts-with" | "eq"> | undefined;
  /** Rows with text that does not start so. */
  notStartsWith(prefix: string): PrefixFiling<"not-starts-with" | "not-eq"> | undefined;
}

export interface AtMost {
  readonly bound: PrimitiveValue;
  readonly also: readonly PrimitiveValue[];
}

/** What holds of the partition value. */
export interface PrefixFiling<Operation> {
  readonly type: Operation;
  readonly value: PrimitiveValue;
}

/**
 * How predicates on a value become such on the partition value: `same`, which is the same predicate; `nothing`, of which
 * nothing follows; or by where rows are filed.
 */
export type Projecting<T> = "same" | "nothing" | ((transform: T, source: PrimitiveType) => Filing);

/** Everything that depends on which transform it is (spec, "Partition Transforms"). */
export interface TransformDefinition<T extends Transform = Transform> {
  /** The transform of a text in lower case without spaces around it, as JSON has it; `undefined` for any other. */
  parse(text: string): T | undefined;
  toText(transform: T): string;
  /** What the name of a partition field ends in when none is given, as in the reference: `date_day`, `id_bucket`. */
  readonly suffix: string;
  /** Whether it can be applied to values of the type. */
  takes(type: IcebergType): boolean;
  /** Type of the results; of a source that is no longer in the schema where that is `undefined`. */
  result(source: PrimitiveType | undefined): PrimitiveType;
  /** The function on values of a type that it takes; `undefined` where it gives null for all. */
  apply(transform: T, source: PrimitiveType): ((value: PrimitiveValue) => PrimitiveValue) | undefined;
  /** Whether a ≤ b gives f(a) ≤ f(b): `except-wrapped`, wherever the results have not wrapped around. */
  readonly preservesOrder: boolean | "except-wrapped";
  /** From predicates on the source's value. */
  readonly project: Projecting<T>;
  /** From predicates on the transform's own result. */
  readonly projectResult: Projecting<T>;
  /** Whether it is of the same family as others, of which a source needs only one. */
  readonly family: "time" | "own";
  /** Whether its results stay when a source of dates becomes one of timestamps; `no-source` for one that has no use for it. */
  readonly datesPromote: boolean | "no-source";
  /** The result of whole hours from the epoch, where these decide the result of a time. */
  readonly ofHours?: ((hours: number) => number) | undefined;
  /** A result as people and paths read it, where that is not how values of its type are read. */
  readonly human?: ((value: PrimitiveValue) => string) | undefined;
}
