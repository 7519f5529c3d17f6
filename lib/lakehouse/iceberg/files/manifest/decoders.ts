import { compileDecoder, type Decoder, optionalDecoder } from "../avro/decode.js";
import { minimumSize } from "../avro/skip.js";
import type { AvroType } from "../avro/types.js";

/*
 * Decoders of the fields of manifests and manifest lists. Writers agree on what a field means, not on how Avro stores
 * it: an integer may be an `int` or a `long`, a list may have nullable elements, a code may be an enum.
 */

/** A 64-bit integer, whichever way it is stored. */
export function long(type: AvroType): Decoder {
  if (type.kind === "union") return optionalDecoder(type, long);
  return type.kind === "int" ? (cursor) => cursor.readLong() : compileDecoder(type);
}

/** An integer of 32 bits, whichever way it is stored. */
export function integer(type: AvroType): Decoder {
  if (type.kind === "union") return optionalDecoder(type, integer);
  return type.kind === "long" ? (cursor) => cursor.readNumber() : compileDecoder(type);
}

/** A number that stands for one of `names`, or an enum of these names in whatever case and order. */
export function code(names: readonly string[]): (type: AvroType) => Decoder {
  const decoder = (type: AvroType): Decoder => {
    if (type.kind === "union") return optionalDecoder(type, decoder);
    if (type.kind !== "enum" && type.kind !== "string") return integer(type);
    const read = compileDecoder(type);
    return (cursor) => names.indexOf(String(read(cursor)).toLowerCase().replaceAll("_", "-"));
  };
  return decoder;
}

/** A list; elements that are null are null. */
export function nullableList(element: (type: AvroType) => Decoder): (type: AvroType) => Decoder {
  const decoder = (type: AvroType): Decoder => {
    if (type.kind === "union") return optionalDecoder(type, decoder);
    if (type.kind !== "array") return compileDecoder(type);
    const read = optionalDecoder(type.items, element);
    const minimum = minimumSize(type.items);
    return (cursor) => {
      const values: unknown[] = [];
      for (let count = cursor.readBlockCount(minimum); count > 0; count = cursor.readBlockCount(minimum)) {
        for (let i = 0; i < count; i++) values.push(read(cursor));
      }
      return values;
    };
  };
  return decoder;
}

/** A list without the elements that are null. */
export function list(element: (type: AvroType) => Decoder): (type: AvroType) => Decoder {
  const build = nullableList(element);
  return (type) => {
    const read = build(type);
    return (cursor) => (read(cursor) as unknown[] | null)?.filter((value) => value !== null) ?? null;
  };
}
