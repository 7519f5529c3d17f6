import type { LakehouseError } from "../../errors.js";
import { corrupt } from "./corrupt.js";

/**
 * The Thrift compact protocol, as far as Parquet uses it. A struct becomes a map from field id to a typed value,
 * and writing that map back gives the same bytes: so a footer can be changed in one field (an offset) while every
 * field this code does not know passes through untouched.
 */
export type ThriftStruct = Map<number, ThriftValue>;

export type ThriftValue =
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "i8" | "i16" | "i32" | "double"; readonly value: number }
  | { readonly type: "i64"; readonly value: bigint }
  | { readonly type: "binary"; readonly value: Uint8Array }
  | { readonly type: "list"; readonly value: readonly ThriftValue[]; readonly elementCode: number }
  | { readonly type: "struct"; readonly value: ThriftStruct };

const STOP = 0;
const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;

/** Parquet's deepest struct is the column statistics inside a row group: 5 levels. More is damage or an attack. */
const MAX_DEPTH = 32;

/**
 * Reads one struct from the start of `bytes`. Binary values are views into `bytes`, not copies.
 * @returns the struct and the number of bytes it took.
 * @throws LakehouseError CORRUPT_FILE when the bytes are not a struct, or end inside it.
 */
export function readThriftStruct(
  bytes: Uint8Array,
  subject: string,
): { struct: ThriftStruct; length: number } {
  const reader = new ThriftReader(bytes, subject);
  const struct = reader.struct(0);
  return { struct, length: reader.position };
}

/**
 * Reads some fields of a struct, up to the last of them: what follows is not looked at.
 *
 * @throws LakehouseError CORRUPT_FILE when the bytes up to there are not those of a struct.
 */
export function readThriftFields(bytes: Uint8Array, ids: readonly number[], subject: string): ThriftStruct {
  return new ThriftReader(bytes, subject).struct(0, new Set(ids));
}

class ThriftReader {
  position = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #subject: string;

  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#subject = subject;
  }

  /** @param wanted ids of fields that are enough; all are read where it is not given. */
  struct(depth: number, wanted?: Set<number>): ThriftStruct {
    if (depth > MAX_DEPTH) throw this.#corrupt(`structs nested more than ${MAX_DEPTH} deep`);
    const fields: ThriftStruct = new Map();
    let id = 0;
    for (;;) {
      const header = this.#byte();
      const code = header & 0x0f;
      if (code === STOP) return fields;
      id = header >> 4 ? id + (header >> 4) : Number(this.#zigzag());
      fields.set(id, this.#value(code, depth));
      if (wanted?.delete(id) && wanted.size === 0) return fields;
    }
  }

  #value(code: number, depth: number): ThriftValue {
    switch (code) {
      case TRUE:
      case FALSE:
        return { type: "boolean", value: code === TRUE };
      case BYTE:
        return { type: "i8", value: (this.#byte() << 24) >> 24 };
      case I16:
        return { type: "i16", value: Number(this.#zigzag()) };
      case I32:
        return { type: "i32", value: Number(this.#zigzag()) };
      case I64:
        return { type: "i64", value: this.#zigzag() };
      case DOUBLE: {
        this.#need(8);
        const value = this.#view.getFloat64(this.position, true);
        this.position += 8;
        return { type: "double", value };
      }
      case BINARY: {
        const length = Number(this.#varint());
        this.#need(length);
        const value = this.#bytes.subarray(this.position, this.position + length);
        this.position += length;
        return { type: "binary", value };
      }
      case LIST:
        return this.#list(depth);
      case STRUCT:
        return { type: "struct", value: this.struct(depth + 1) };
      default:
        throw this.#corrupt(`Thrift type ${code}, which Parquet does not use`);
    }
  }

  #list(depth: number): ThriftValue {
    if (depth > MAX_DEPTH) throw this.#corrupt(`lists nested more than ${MAX_DEPTH} deep`);
    const header = this.#byte();
    const elementCode = header & 0x0f;
    const size = header >> 4 === 15 ? Number(this.#varint()) : header >> 4;
    // Every element takes a byte at least, so a size past the end is damage: refuse it before allocating.
    this.#need(size);
    const value: ThriftValue[] = [];
    for (let i = 0; i < size; i++) {
      // A boolean in a list is a byte of its own; in a struct it hides in the field header.
      if (elementCode === TRUE || elementCode === FALSE)
        value.push({ type: "boolean", value: this.#byte() === TRUE });
      else value.push(this.#value(elementCode, depth + 1));
    }
    return { type: "list", value, elementCode };
  }

  #byte(): number {
    this.#need(1);
    return this.#view.getUint8(this.position++);
  }

  #varint(): bigint {
    let result = 0;
    let shift = 0;
    // The low 28 bits fit a 32-bit integer; the rest, rare, goes on as bigint.
    for (;;) {
      const byte = this.#byte();
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(result);
      shift += 7;
      if (shift === 28) break;
    }
    let big = BigInt(result);
    for (let bits = 28n; bits < 70n; bits += 7n) {
      const byte = this.#byte();
      big |= BigInt(byte & 0x7f) << bits;
      if (byte < 0x80) return big;
    }
    throw this.#corrupt("an integer longer than 64 bits");
  }

  #zigzag(): bigint {
    const value = this.#varint();
    return (value >> 1n) ^ -(value & 1n);
  }

  #need(count: number): void {
    if (count > this.#bytes.length - this.position) throw this.#corrupt("bytes that end too early");
  }

  #corrupt(what: string): LakehouseError {
    return corrupt(this.#subject, `its metadata has ${what}`);
  }
}

/** The bytes of one struct, fields in ascending order of their ids. */
export function writeThriftStruct(struct: ThriftStruct): Uint8Array {
  const writer = new ThriftWriter();
  writer.struct(struct);
  return writer.finish();
}

class ThriftWriter {
  #buffer = new Uint8Array(4096);
  #length = 0;

  struct(fields: ThriftStruct): void {
    let last = 0;
    for (const [id, field] of [...fields].sort(([a], [b]) => a - b)) {
      const delta = id - last;
      const code = field.type === "boolean" ? (field.value ? TRUE : FALSE) : codeOf(field);
      if (delta > 0 && delta < 16) this.#byte((delta << 4) | code);
      else {
        this.#byte(code);
        this.#zigzag(BigInt(id));
      }
      if (field.type !== "boolean") this.#value(field);
      last = id;
    }
    this.#byte(STOP);
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  #value(field: ThriftValue): void {
    switch (field.type) {
      case "boolean":
        this.#byte(field.value ? TRUE : FALSE);
        break;
      case "i8":
        this.#byte(field.value & 0xff);
        break;
      case "i16":
      case "i32":
        this.#zigzag(BigInt(field.value));
        break;
      case "i64":
        this.#zigzag(field.value);
        break;
      case "double": {
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setFloat64(0, field.value, true);
        this.#bytes(bytes);
        break;
      }
      case "binary":
        this.#varint(BigInt(field.value.length));
        this.#bytes(field.value);
        break;
      case "list": {
        const size = field.value.length;
        if (size < 15) this.#byte((size << 4) | field.elementCode);
        else {
          this.#byte(0xf0 | field.elementCode);
          this.#varint(BigInt(size));
        }
        for (const item of field.value) this.#value(item);
        break;
      }
      case "struct":
        this.struct(field.value);
        break;
    }
  }

  #zigzag(value: bigint): void {
    this.#varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
  }

  #varint(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  #bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + count));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

function codeOf(value: ThriftValue): number {
  switch (value.type) {
    case "boolean":
      return TRUE;
    case "i8":
      return BYTE;
    case "i16":
      return I16;
    case "i32":
      return I32;
    case "i64":
      return I64;
    case "double":
      return DOUBLE;
    case "binary":
      return BINARY;
    case "list":
      return LIST;
    case "struct":
      return STRUCT;
  }
}
