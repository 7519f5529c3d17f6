import type { Cursor } from "./cursor.js";
import { compileSkipper, minimumSize } from "./skip.js";
import type { AvroField, AvroRecord, AvroType } from "./types.js";
import { type FieldKey, matchFields } from "./wanted.js";

export type Decoder<T = unknown> = (cursor: Cursor) => T;
function pick<T>(cursor: Cursor, branches: readonly T[]): T {
  const index = cursor.readNumber();
  const branch = branches[index];
  if (branch === undefined) throw cursor.fail(`a union has no branch ${index}`);
  return branch;
}

/**
 * A function that builds one value of the type: `long` as bigint, `int` as number, bytes and fixed as views of
 * the buffer, records as objects by field name, arrays and maps as Array and Map (also where Iceberg stores a map
 * as an array of key-value records).
 */
export function compileDecoder(type: AvroType): Decoder {
  switch (type.kind) {
    case "null":
      return () => null;
    case "boolean":
      return (cursor) => cursor.readBoolean();
    case "int":
      return (cursor) => cursor.readNumber();
    case "long":
      return (cursor) => cursor.readLong();
    case "float":
      return (cursor) => cursor.readFloat();
    case "double":
      return (cursor) => cursor.readDouble();
    case "bytes":
      return (cursor) => cursor.readBytes();
    case "string":
      return (cursor) => cursor.readString();
    case "fixed":
      return (cursor) => cursor.readFixed(type.size);
    case "enum":
      return (cursor) => pick(cursor, type.symbols);
    case "union": {
      const branches = type.branches.map(compileDecoder);
      return (cursor) => pick(cursor, branches)(cursor);
    }
    case "record": {
      const fields = type.fields.map((field) => ({ name: field.name, read: compileDecoder(field.type) }));
      return (cursor) => {
        const record: Record<string, unknown> = {};
        for (const { name, read } of fields) record[name] = read(cursor);
        return record;
      };
    }
    case "array": {
      if (type.logicalType === "map" && type.items.kind === "record" && type.items.fields.length === 2) {
        const [key, value] = type.items.fields as [AvroField, AvroField];
        return decodeMap(compileDecoder(key.type), compileDecoder(value.type), minimumSize(type.items));
      }
      const item = compileDecoder(type.items);
      const minimum = minimumSize(type.items);
      return (cursor) => {
        const values: unknown[] = [];
        for (let count = cursor.readBlockCount(minimum); count > 0; count = cursor.readBlockCount(minimum)) {
          for (let i = 0; i < count; i++) values.push(item(cursor));
        }
        return values;
      };
    }
    case "map":
      return decodeMap(
        (cursor) => cursor.readString(),
        compileDecoder(type.values),
        1 + minimumSize(type.values),
      );
  }
}

function decodeMap(key: Decoder, value: Decoder, minimum: number): Decoder<Map<unknown, unknown>> {
  return (cursor) => {
    const map = new Map<unknown, unknown>();
    for (let count = cursor.readBlockCount(minimum); count > 0; count = cursor.readBlockCount(minimum)) {
      for (let i = 0; i < count; i++) map.set(key(cursor), value(cursor));
    }
    return map;
  };
}

/** One field to read from records. */
export interface Wanted extends FieldKey {
  /** Builds the value; the general decoder of the writer's type when absent. Gets the type under any `null` union. */
  readonly decoder?: (type: AvroType) => Decoder;
}

/**
 * A function that reads one record into an array with a slot for each wanted field, in the order asked; a slot
 * stays `undefined` when the writer's schema has no such field, and is null where the value is null. Other fields
 * are passed over. Matching by id is what the spec asks of manifests: writers order and name columns differently.
 *
 * @param reuse gives the same array for every record, for callers that take the values out before the next.
 */
export function compileProjection(
  record: AvroRecord,
  wanted: readonly Wanted[],
  reuse = false,
): Decoder<unknown[]> {
  const matches = matchFields(record.fields, wanted);
  const steps: { slot: number; read: Decoder }[] = record.fields.map((field, i) => {
    const slot = matches[i] as number;
    const want = wanted[slot];
    if (want === undefined) return { slot: -1, read: compileSkipper(field.type) };
    return { slot, read: optionalDecoder(field.type, want.decoder ?? compileDecoder) };
  });
  const width = wanted.length;
  const shared = new Array<unknown>(width).fill(undefined);
  return (cursor) => {
    // Every step fills its slot each time, and the others stay undefined, so nothing of an earlier record is left.
    const slots = reuse ? shared : new Array<unknown>(width).fill(undefined);
    for (let i = 0; i < steps.length; i++) {
      const { slot, read } = steps[i] as { slot: number; read: Decoder };
      if (slot < 0) read(cursor);
      else slots[slot] = read(cursor);
    }
    return slots;
  };
}

/** Applies `build` to each type of a union but null, which is how Iceberg writes an optional field. */
export function optionalDecoder(type: AvroType, build: (type: AvroType) => Decoder): Decoder {
  if (type.kind !== "union") return build(type);
  const branches = type.branches.map((branch) => (branch.kind === "null" ? readNull : build(branch)));
  return (cursor) => pick(cursor, branches)(cursor);
}

const readNull: Decoder = () => null;
