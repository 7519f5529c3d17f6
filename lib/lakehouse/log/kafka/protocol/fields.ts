/**
 * How a message is written down: a line for each field, with the versions that have it.
 *
 * ```
 * name: string()                          in all versions of its message
 * rack: string("1+").nullable("3+")       from version 1 on, and possibly null from 3 on
 * leaderEpoch: int32("7+").or(-1)         -1 where a version lacks it, or who writes leaves it out
 * currentLeader: struct({ … }).tag(0)     a tagged field: written where it is given
 * ```
 *
 * Texts, bytes and arrays are compact where the message's version is flexible (KIP-482).
 */

/** Versions of a message: `3+` (from 3 on), `1-4` or `2`. */
export type Versions = `${number}+` | `${number}-${number}` | `${number}`;

export type Scalar =
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "float64"
  | "boolean"
  | "uuid"
  | "string"
  | "bytes"
  | "records";

export type FieldType =
  | { readonly kind: Scalar }
  | { readonly kind: "array"; readonly element: FieldType }
  | { readonly kind: "struct"; readonly shape: Shape };

export interface FieldSpec {
  readonly type: FieldType;
  readonly versions: Versions;
  readonly nullable?: Versions | undefined;
  readonly tag?: number | undefined;
  /** What stands for the field where it is absent; what is empty of its type where there is no such value. */
  readonly fallback?: { readonly value: unknown } | undefined;
}

/** The fields of a message or of a structure in it, in their order. */
// biome-ignore lint/suspicious/noExplicitAny: any field, whatever it holds.
export type Shape = Readonly<Record<string, Field<any, any, boolean>>>;

/** What is read of a shape: every field, those that the version lacks with what stands for them. */
export type ReadShape<S extends Shape> = {
  readonly [Name in keyof S]: S[Name] extends Field<infer Read, infer _, boolean> ? Read : never;
};

type OptionalNames<S extends Shape> = {
  [Name in keyof S]: S[Name] extends Field<infer _, infer _W, infer IsOptional>
    ? IsOptional extends true
      ? Name
      : never
    : never;
}[keyof S];

type WrittenField<F> = F extends Field<infer _, infer Written, boolean> ? Written : never;

/** What is given to write a shape: fields that a value stands for can be left out. */
export type WrittenShape<S extends Shape> = {
  readonly [Name in Exclude<keyof S, OptionalNames<S>>]: WrittenField<S[Name]>;
} & {
  readonly [Name in OptionalNames<S>]?: WrittenField<S[Name]> | undefined;
};

/** One field: what is read of it, what is given to write it, and whether it can be left out then. */
export class Field<Read, Written = Read, IsOptional extends boolean = false> {
  readonly spec: FieldSpec;
  /** For the compiler alone. */
  declare readonly types: readonly [Read, Written, IsOptional];

  constructor(spec: FieldSpec) {
    this.spec = spec;
  }

  nullable(versions: Versions = "0+"): Field<Read | null, Written | null, IsOptional> {
    return new Field({ ...this.spec, nullable: versions });
  }

  /** What stands for it where it is absent. */
  or(value: Written): Field<Read, Written, true> {
    return new Field({ ...this.spec, fallback: { value } });
  }

  tag(tag: number): Field<Read, Written, true> {
    return new Field({ ...this.spec, tag });
  }
}

function scalar<Read, Written = Read>(kind: Scalar) {
  return (versions: Versions = "0+"): Field<Read, Written> => new Field({ type: { kind }, versions });
}

export const int8 = scalar<number>("int8");
export const int16 = scalar<number>("int16");
export const int32 = scalar<number>("int32");
export const int64 = scalar<bigint>("int64");
export const float64 = scalar<number>("float64");
export const boolean = scalar<boolean>("boolean");
/** As text: lower-case hexadecimal digits, with hyphens. */
export const uuid = scalar<string>("uuid");
/** A UUID that stands for none. */
export const NO_ID = "00000000-0000-0000-0000-000000000000";
export const string = scalar<string>("string");
/** A copy of the frame's. */
export const bytes = scalar<Uint8Array>("bytes");
/** Record batches, which are not looked into: read as a view of the frame, written from where they are. */
export const records = scalar<Uint8Array, readonly Uint8Array[]>("records");

export function struct<S extends Shape>(
  shape: S,
  versions: Versions = "0+",
): Field<ReadShape<S>, WrittenShape<S>> {
  return new Field({ type: { kind: "struct", shape }, versions });
}

/** Of scalars, or of structures. */
export function array<Read, Written>(
  element: Field<Read, Written>,
  versions?: Versions,
): Field<readonly Read[], readonly Written[]>;
export function array<S extends Shape>(
  element: S,
  versions?: Versions,
): Field<readonly ReadShape<S>[], readonly WrittenShape<S>[]>;
export function array(element: Field<unknown> | Shape, versions: Versions = "0+"): Field<unknown> {
  const type: FieldType = element instanceof Field ? element.spec.type : { kind: "struct", shape: element };
  return new Field({ type: { kind: "array", element: type }, versions });
}

/** Whether a version is among them. */
export function includes(versions: Versions, version: number): boolean {
  const { least, most } = rangeOf(versions);
  return version >= least && version <= most;
}

export function rangeOf(versions: Versions): { readonly least: number; readonly most: number } {
  const least = Number.parseInt(versions, 10);
  if (versions.endsWith("+")) return { least, most: Number.POSITIVE_INFINITY };
  const dash = versions.indexOf("-");
  return { least, most: dash < 0 ? least : Number(versions.slice(dash + 1)) };
}
