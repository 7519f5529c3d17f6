/** What the three kinds of schemas have in common. */

import type { ErrorKind } from "../../errors.js";
import type { NestedField } from "../../iceberg/index.js";
import { invalidRecordSchema } from "../errors.js";

/** As Confluent's registry calls them. */
export type SchemaType = "AVRO" | "JSON" | "PROTOBUF";

/** Another subject's schema that a schema names: by a full name in Avro, a URI in JSON Schema, a path in Protobuf. */
export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A schema as it is given. */
export interface NewSchema {
  /** `AVRO` where not given, as in Confluent's registry. */
  readonly schemaType?: SchemaType | undefined;
  readonly schema: string;
  readonly references?: readonly SchemaReference[] | undefined;
}

/** A schema's text with those that it refers to, each before those that need it. */
export interface SchemaSource {
  readonly text: string;
  readonly references: readonly { readonly name: string; readonly text: string }[];
}

/** A row as programs write it, or why there is none. */
export type ReadRow = Record<string, unknown> | BadValue;

/** A value that is not what its schema says. */
export class BadValue {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Makes rows of the values of one schema. */
export interface RowReader {
  /** The schema as columns. Their ids are placeholders. */
  readonly fields: readonly NestedField[];
  /** One for each value. */
  read(values: readonly Uint8Array[]): ReadRow[];
}

/** A schema that was understood. */
export interface ReadSchema {
  readonly type: SchemaType;
  /** The same for two texts that say the same. */
  readonly canonical: string;
  /**
   * Why a reader with this schema could not read what was written with another: empty where it can.
   *
   * @param writer of the same type.
   */
  refusals(writer: ReadSchema): string[];
  /**
   * How its values become rows.
   *
   * @throws LakehouseError UNSUPPORTED_FEATURE for what no table can hold: a recursive type, say.
   */
  rows(): RowReader;
}

/** Reads values one by one. `read` throws a `BadValue`, or an error of one of `kinds`. */
export function eachValue(
  read: (value: Uint8Array) => Record<string, unknown>,
  ...kinds: readonly ErrorKind[]
): RowReader["read"] {
  return (values) =>
    values.map((value) => {
      try {
        return read(value);
      } catch (error) {
        if (error instanceof BadValue) return error;
        if (kinds.some((kind) => kind.is(error))) return new BadValue((error as Error).message);
        throw error;
      }
    });
}

export function invalid(type: string, why: string, cause?: unknown) {
  return invalidRecordSchema(type, `This is no ${type} schema: ${why}.`, undefined, cause);
}
