import type * as arrow from "apache-arrow";
import { memberReader, type ReadMember } from "../../model/schema/lookup.js";
import { isPrimitiveType } from "../../model/types/type-text.js";
import type {
  DefaultValue,
  IcebergType,
  ListType,
  MapType,
  NestedField,
  PrimitiveType,
  StructType,
} from "../../model/types/types.js";
import { canonicalValue, describeExpected } from "../../model/values/canonical.js";
import { valueKey } from "../../model/values/compare.js";
import { type LeafWriter, leafWriter, makeData, Validity } from "./leaf-writer.js";
import { mismatch, type Place } from "./mismatch.js";
import { storedType, typeToArrow } from "./schema.js";

/** Collects values of a column as programs write them (dates as text or Date, …) into Arrow buffers, checking each. */
export interface ColumnWriter {
  /** Throws `SCHEMA_MISMATCH`. `undefined` is a value that was not given. */
  append(value: unknown, row: number): void;
  /** Drops what was appended behind so many values, be it in part: a row that fits no column is in none. */
  keep(length: number): void;
  readonly bytes: number;
  finish(): arrow.Data;
}

/** A writer for a field: fills in its write default, refuses null where it is required. */
export function columnWriter(field: NestedField, name: string): FieldWriter {
  return new FieldWriter(field, name);
}

class FieldWriter implements ColumnWriter {
  private readonly inner: ValueWriter;

  constructor(
    private readonly field: NestedField,
    private readonly name: string,
  ) {
    this.inner = valueWriter(field.type, name);
  }

  get bytes(): number {
    return this.inner.bytes;
  }

  append(value: unknown, row: number): void {
    const { required, writeDefault } = this.field;
    if (value !== undefined && value !== null) this.inner.append(value, row);
    else if (value === undefined && (writeDefault ?? null) !== null)
      this.inner.appendDefault(writeDefault as DefaultValue, row);
    else if (required) mismatch({ row, column: this.name }, "a value, since the column is required", value);
    else this.inner.appendNull(row);
  }

  /** A null parent's children are null too, whatever they require: there is no value that they could have. */
  appendNull(row: number): void {
    this.inner.appendNull(row);
  }

  keep(length: number): void {
    this.inner.keep(length);
  }

  finish(): arrow.Data {
    return this.inner.finish();
  }
}

/** Writes non-null values, nulls and canonical defaults of a type. */
interface ValueWriter {
  append(value: unknown, row: number): void;
  appendNull(row: number): void;
  appendDefault(value: DefaultValue, row: number): void;
  keep(length: number): void;
  readonly bytes: number;
  finish(): arrow.Data;
}

function valueWriter(type: IcebergType, name: string): ValueWriter {
  if (type.type === "variant") return variantWriter(name);
  if (isPrimitiveType(type)) return new PrimitiveWriter(type, name);
  switch (type.type) {
    case "struct":
      return new StructWriter(type, name);
    case "list":
      return new ListWriter(type, name);
    case "map":
      return new MapWriter(type, name);
  }
}

class PrimitiveWriter implements ValueWriter {
  private readonly leaf: LeafWriter;

  constructor(
    private readonly type: PrimitiveType,
    private readonly name: string,
  ) {
    this.leaf = leafWriter(type);
  }

  get bytes(): number {
    return this.leaf.bytes;
  }

  append(value: unknown, row: number): void {
    const canonical = canonicalValue(this.type, value);
    if (canonical === undefined) mismatch({ row, column: this.name }, describeExpected(this.type), value);
    this.leaf.append(canonical);
  }

  appendNull(): void {
    this.leaf.append(null);
  }

  appendDefault(value: DefaultValue): void {
    this.leaf.append(value as Parameters<LeafWriter["append"]>[0]);
  }

  keep(length: number): void {
    this.leaf.keep(length);
  }

  finish(): arrow.Data {
    return this.leaf.finish();
  }
}

class StructWriter implements ValueWriter {
  private readonly validity = new Validity();
  private readonly children: {
    readonly read: ReadMember;
    readonly stored: boolean;
    readonly writer: FieldWriter;
  }[];
  private readonly names: ReadonlySet<string>;

  constructor(
    private readonly type: StructType,
    private readonly name: string,
  ) {
    this.children = type.fields.map((field) => ({
      read: memberReader(field.name),
      stored: field.type.type !== "unknown",
      writer: columnWriter(field, `${name}.${field.name}`),
    }));
    this.names = new Set(type.fields.map((field) => field.name));
  }

  get bytes(): number {
    return this.children.reduce((sum, child) => sum + child.writer.bytes, 0);
  }

  append(value: unknown, row: number): void {
    const struct = plainObject(value, { row, column: this.name });
    refuseUnknownKeys(struct, this.names, row, `${this.name}.`);
    for (const child of this.children) child.writer.append(child.read(struct), row);
    this.validity.append(true);
  }

  appendNull(row: number): void {
    for (const child of this.children) child.writer.appendNull(row);
    this.validity.append(false);
  }

  /** An empty struct: each field's own default fills it (spec, "Default values"). */
  appendDefault(_value: DefaultValue, row: number): void {
    for (const child of this.children) child.writer.append(undefined, row);
    this.validity.append(true);
  }

  keep(length: number): void {
    for (const child of this.children) child.writer.keep(length);
    this.validity.keep(length);
  }

  finish(): arrow.Data {
    const children = this.children.filter((child) => child.stored).map((child) => child.writer.finish());
    return makeData({ type: typeToArrow(storedType(this.type)), ...this.validity.finish(), children });
  }
}

export function plainObject(value: unknown, place: Place): Readonly<Record<string, unknown>> {
  if (
    typeof value !== "object" ||
    value === null ||
    Array.isArray(value) ||
    value instanceof Map ||
    value instanceof Date ||
    value instanceof Uint8Array
  ) {
    mismatch(place, "an object", value);
  }
  return value as Readonly<Record<string, unknown>>;
}

export function refuseUnknownKeys(
  row: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
  index: number,
  prefix: string,
): void {
  for (const key in row) {
    if (!names.has(key) && row[key] !== undefined)
      mismatch({ row: index, column: `${prefix}${key}` }, "no such column", row[key]);
  }
}

/** Offsets of lists and maps. */
class Offsets {
  private values = [0];

  push(end: number): void {
    this.values.push(end);
  }

  /** @returns the end of the last that is kept. */
  keep(length: number): number {
    this.values.length = length + 1;
    return this.values[length] as number;
  }

  finish(): Int32Array {
    return Int32Array.from(this.values);
  }
}

class ListWriter implements ValueWriter {
  private readonly validity = new Validity();
  private readonly offsets = new Offsets();
  private readonly element: ColumnWriter;
  private items = 0;

  constructor(
    private readonly type: ListType,
    private readonly name: string,
  ) {
    this.element = columnWriter(
      { id: type.elementId, name: "element", required: type.elementRequired, type: type.element },
      `${name}.element`,
    );
  }

  get bytes(): number {
    return this.element.bytes + this.validity.length * 4;
  }

  append(value: unknown, row: number): void {
    if (!Array.isArray(value)) mismatch({ row, column: this.name }, "an array", value);
    for (const item of value as readonly unknown[]) this.element.append(item, row);
    this.end(true, value.length);
  }

  appendNull(): void {
    this.end(false, 0);
  }

  appendDefault(value: DefaultValue, row: number): void {
    this.append(value, row);
  }

  keep(length: number): void {
    this.items = this.offsets.keep(length);
    this.element.keep(this.items);
    this.validity.keep(length);
  }

  private end(valid: boolean, items: number): void {
    this.items += items;
    this.offsets.push(this.items);
    this.validity.append(valid);
  }

  finish(): arrow.Data {
    return makeData({
      type: typeToArrow(storedType(this.type)),
      ...this.validity.finish(),
      valueOffsets: this.offsets.finish(),
      child: this.element.finish(),
    });
  }
}

class MapWriter implements ValueWriter {
  private readonly validity = new Validity();
  private readonly offsets = new Offsets();
  private readonly key: ColumnWriter;
  private readonly value: ColumnWriter;
  private items = 0;

  constructor(
    private readonly type: MapType,
    private readonly name: string,
  ) {
    this.key = columnWriter({ id: type.keyId, name: "key", required: true, type: type.key }, `${name}.key`);
    this.value = columnWriter(
      { id: type.valueId, name: "value", required: type.valueRequired, type: type.value },
      `${name}.value`,
    );
  }

  get bytes(): number {
    return this.key.bytes + this.value.bytes + this.validity.length * 4;
  }

  append(value: unknown, row: number): void {
    if (!(value instanceof Map)) mismatch({ row, column: this.name }, "a Map", value);
    const seen = value.size > 1 && isPrimitiveType(this.type.key) ? new Set() : undefined;
    for (const [key, item] of value as ReadonlyMap<unknown, unknown>) {
      this.key.append(key, row);
      if (seen) this.refuseTwice(seen, key, row);
      this.value.append(item, row);
    }
    this.end(true, value.size);
  }

  /** Keys that JavaScript tells apart, such as a Date and its text, may be one key of the column. */
  private refuseTwice(seen: Set<unknown>, key: unknown, row: number): void {
    const canonical = valueKey(canonicalValue(this.type.key as PrimitiveType, key) ?? null);
    if (seen.has(canonical)) mismatch({ row, column: `${this.name}.key` }, "each key once", key);
    seen.add(canonical);
  }

  appendNull(): void {
    this.end(false, 0);
  }

  appendDefault(value: DefaultValue, row: number): void {
    this.append(value, row);
  }

  keep(length: number): void {
    this.items = this.offsets.keep(length);
    this.key.keep(this.items);
    this.value.keep(this.items);
    this.validity.keep(length);
  }

  private end(valid: boolean, items: number): void {
    this.items += items;
    this.offsets.push(this.items);
    this.validity.append(valid);
  }

  finish(): arrow.Data {
    const type = typeToArrow(storedType(this.type)) as arrow.Map_;
    const children = [this.key.finish(), this.value.finish()];
    const child = makeData({ type: type.children[0]!.type, length: this.items, nullCount: 0, children });
    return makeData({ type, ...this.validity.finish(), valueOffsets: this.offsets.finish(), child });
  }
}

/** A variant in its encoded form, as the Parquet project defines it: `{ metadata, value }`, both bytes. */
function variantWriter(name: string): ValueWriter {
  const part = (field: string): NestedField => ({
    id: 0,
    name: field,
    required: true,
    type: { type: "binary" },
  });
  return new StructWriter({ type: "struct", fields: [part("metadata"), part("value")] }, name);
}
