import { invalidArgument, type LakehouseError } from "../../../errors.js";
import type { AvroType } from "./types.js";

/** A buffer that grows, with Avro's binary encodings. */
export class Sink {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 4096) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** A view of what was written, valid until the next write. */
  view(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
  }

  #reserve(count: number): number {
    const start = this.#length;
    if (start + count > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, start + count));
      this.#buffer.copy(grown, 0, 0, start);
      this.#buffer = grown;
    }
    this.#length = start + count;
    return start;
  }

  writeNumber(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer that Avro can hold`);
    let rest = value >= 0 ? value * 2 : -value * 2 - 1;
    if (rest > 0xfff_ffff) {
      // Doubling may leave the safe range; bigint is exact.
      if (rest > Number.MAX_SAFE_INTEGER) {
        this.writeLong(BigInt(value));
        return;
      }
      let pos = this.#reserve(8);
      while (rest > 0x7f) {
        this.#buffer[pos++] = (rest % 128) | 0x80;
        rest = Math.floor(rest / 128);
      }
      this.#buffer[pos++] = rest;
      this.#length = pos;
      return;
    }
    let pos = this.#reserve(5);
    while (rest > 0x7f) {
      this.#buffer[pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[pos++] = rest;
    this.#length = pos;
  }

  writeLong(value: bigint): void {
    if (value >= -0x7ff_ffffn && value <= 0x7ff_ffffn) {
      this.writeNumber(Number(value));
      return;
    }
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit 64 bits`);
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
    let pos = this.#reserve(10);
    while (rest > 0x7fn) {
      this.#buffer[pos++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[pos++] = Number(rest);
    this.#length = pos;
  }

  writeBoolean(value: boolean): void {
    const at = this.#reserve(1); // may replace the buffer, so it comes first
    this.#buffer[at] = value ? 1 : 0;
  }

  writeFloat(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeFloatLE(value, at);
  }

  writeDouble(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  writeFixed(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  writeBytes(bytes: Uint8Array): void {
    this.writeNumber(bytes.length);
    this.writeFixed(bytes);
  }

  writeString(text: string): void {
    const size = Buffer.byteLength(text, "utf8");
    this.writeNumber(size);
    const at = this.#reserve(size);
    this.#buffer.write(text, at, size, "utf8");
  }
}

export type Encoder = (sink: Sink, value: unknown) => void;

/**
 * A function that writes one value of the type. It takes what `compileDecoder` builds; an integer may be number or
 * bigint, a record may be an array of its values in the schema's order, what is absent is null where the schema
 * allows null, and a map may be any read-only map.
 *
 * @throws LakehouseError INVALID_ARGUMENT when a value does not fit its type, naming the field.
 */
export function compileEncoder(type: AvroType, path = "value"): Encoder {
  const misfit = (value: unknown): LakehouseError =>
    invalidArgument(path, `Cannot write ${path} as Avro ${type.kind}: got ${describe(value)}.`);

  switch (type.kind) {
    case "null":
      return (_, value) => {
        if (value !== null && value !== undefined) throw misfit(value);
      };
    case "boolean":
      return (sink, value) => {
        if (typeof value !== "boolean") throw misfit(value);
        sink.writeBoolean(value);
      };
    case "int":
    case "long":
      return (sink, value) => {
        if (typeof value === "bigint") sink.writeLong(value);
        else if (typeof value === "number" && Number.isSafeInteger(value)) sink.writeNumber(value);
        else throw misfit(value);
      };
    case "float":
    case "double": {
      const single = type.kind === "float";
      return (sink, value) => {
        if (typeof value !== "number") throw misfit(value);
        if (single) sink.writeFloat(value);
        else sink.writeDouble(value);
      };
    }
    case "bytes":
      return (sink, value) => {
        if (!(value instanceof Uint8Array)) throw misfit(value);
        sink.writeBytes(value);
      };
    case "string":
      return (sink, value) => {
        if (typeof value !== "string") throw misfit(value);
        sink.writeString(value);
      };
    case "fixed":
      return (sink, value) => {
        if (!(value instanceof Uint8Array) || value.length !== type.size) throw misfit(value);
        sink.writeFixed(value);
      };
    case "enum":
      return (sink, value) => {
        const index = type.symbols.indexOf(String(value));
        if (index < 0) throw misfit(value);
        sink.writeNumber(index);
      };
    case "union": {
      const nullAt = type.branches.findIndex((branch) => branch.kind === "null");
      const valueAt = type.branches.findIndex((branch) => branch.kind !== "null");
      const branch = type.branches[valueAt];
      const write = branch === undefined ? undefined : compileEncoder(branch, path);
      return (sink, value) => {
        const absent = value === null || value === undefined;
        if (absent ? nullAt < 0 : write === undefined) throw misfit(value);
        sink.writeNumber(absent ? nullAt : valueAt);
        if (!absent) (write as Encoder)(sink, value);
      };
    }
    case "record": {
      const fields = type.fields.map((field) => ({
        name: field.name,
        write: compileEncoder(field.type, `${path}.${field.name}`),
      }));
      return (sink, value) => {
        if (typeof value !== "object" || value === null) throw misfit(value);
        const positional = Array.isArray(value) ? (value as unknown[]) : undefined;
        const record = value as Record<string, unknown>;
        for (let i = 0; i < fields.length; i++) {
          const { name, write } = fields[i] as { name: string; write: Encoder };
          write(sink, positional === undefined ? record[name] : positional[i]);
        }
      };
    }
    case "array": {
      if (type.logicalType === "map" && type.items.kind === "record" && type.items.fields.length === 2) {
        const [key, item] = type.items.fields;
        if (key === undefined || item === undefined) throw misfit(type);
        return encodePairs(
          compileEncoder(key.type, `${path}.key`),
          compileEncoder(item.type, `${path}.value`),
          misfit,
        );
      }
      const item = compileEncoder(type.items, `${path}[]`);
      return (sink, value) => {
        if (!Array.isArray(value)) throw misfit(value);
        if (value.length > 0) {
          sink.writeNumber(value.length);
          for (const each of value) item(sink, each);
        }
        sink.writeNumber(0);
      };
    }
    case "map":
      return encodePairs(
        (sink, key) => sink.writeString(String(key)),
        compileEncoder(type.values, `${path}.value`),
        misfit,
      );
  }
}

function encodePairs(key: Encoder, item: Encoder, misfit: (value: unknown) => LakehouseError): Encoder {
  return (sink, value) => {
    const map = value as ReadonlyMap<unknown, unknown>;
    if (typeof map?.size !== "number" || typeof map.entries !== "function") throw misfit(value);
    if (map.size > 0) {
      sink.writeNumber(map.size);
      for (const [k, v] of map) {
        key(sink, k);
        item(sink, v);
      }
    }
    sink.writeNumber(0);
  };
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "object") return value.constructor?.name ?? "an object";
  return `${typeof value} ${String(value).slice(0, 40)}`;
}
