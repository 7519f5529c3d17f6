/** Makes functions of message tables: once for each version of a message, since each request goes through them. */
import { type FieldSpec, type FieldType, includes, type Scalar, type Shape } from "./fields.js";
import type { FrameReader } from "./frame-reader.js";
import type { FrameWriter } from "./frame-writer.js";

/** A message, or a part of it, in one version. */
export interface Codec {
  readonly read: (from: FrameReader) => unknown;
  readonly write: (to: FrameWriter, value: unknown) => void;
  /** The fewest bytes that it takes. */
  readonly least: number;
}

interface FieldCodec extends Codec {
  readonly name: string;
  readonly spec: FieldSpec;
}

export function compile(shape: Shape, version: number, isFlexible: boolean): Codec {
  const plain: FieldCodec[] = [];
  const tagged = new Map<number, FieldCodec>();
  const absent: { readonly name: string; readonly value: unknown }[] = [];
  for (const [name, { spec }] of Object.entries(shape)) {
    const isThere = includes(spec.versions, version);
    if (isThere && spec.tag === undefined)
      plain.push({ name, spec, ...fieldCodec(spec, version, isFlexible) });
    else absent.push({ name, value: fallbackOf(spec) });
    if (isThere && spec.tag !== undefined)
      tagged.set(spec.tag, { name, spec, ...fieldCodec(spec, version, isFlexible) });
  }
  const inOrder = [...tagged].sort(([a], [b]) => a - b);
  return {
    least: plain.reduce((sum, { least }) => sum + least, isFlexible ? 1 : 0),
    read: (from) => {
      const message: Record<string, unknown> = {};
      for (const { name, read } of plain) message[name] = read(from);
      for (const { name, value } of absent) message[name] = value;
      if (isFlexible) readTags(from, tagged, message);
      return message;
    },
    write: (to, value) => {
      const message = value as Record<string, unknown>;
      for (const { name, spec, write } of plain) write(to, message[name] ?? given(message, name, spec));
      if (isFlexible) writeTags(to, inOrder, message);
    },
  };
}

/** A field that is left out, or null. */
function given(message: Record<string, unknown>, name: string, spec: FieldSpec): unknown {
  return message[name] === undefined ? fallbackOf(spec) : null;
}

/** Tagged fields: how many, and for each its tag, its length, and its bytes. Unknown ones are passed over (KIP-482). */
function readTags(
  from: FrameReader,
  tagged: ReadonlyMap<number, FieldCodec>,
  message: Record<string, unknown>,
): void {
  const count = from.varint();
  from.claim(count, 2);
  for (let i = 0; i < count; i++) {
    const codec = tagged.get(from.varint());
    const length = from.varint();
    if (codec === undefined) from.view(length);
    else message[codec.name] = from.within(length, codec.read);
  }
}

function writeTags(
  to: FrameWriter,
  tagged: readonly (readonly [number, FieldCodec])[],
  message: Record<string, unknown>,
): void {
  const there = tagged.filter(([, { name }]) => message[name] !== undefined);
  to.varint(there.length);
  for (const [tag, { name, write }] of there) {
    to.varint(tag);
    to.sized((inside) => write(inside, message[name]));
  }
}

function fieldCodec({ type, nullable }: FieldSpec, version: number, isFlexible: boolean): Codec {
  const isNullable = nullable !== undefined && includes(nullable, version);
  if (type.kind === "struct") {
    const codec = compile(type.shape, version, isFlexible);
    return isNullable ? orNull(codec) : codec;
  }
  if (type.kind in FIXED) return FIXED[type.kind as keyof typeof FIXED];
  return sizedCodec(type, version, isFlexible, isNullable);
}

/** Values that take the same bytes whatever they are. */
const FIXED = {
  int8: fixed(1, "int8"),
  int16: fixed(2, "int16"),
  int32: fixed(4, "int32"),
  int64: fixed(8, "int64"),
  float64: fixed(8, "float64"),
  boolean: fixed(1, "boolean"),
  uuid: fixed(16, "uuid"),
} as const satisfies Partial<Record<Scalar, Codec>>;

function fixed(
  least: number,
  kind: "int8" | "int16" | "int32" | "int64" | "float64" | "boolean" | "uuid",
): Codec {
  return { least, read: (from) => from[kind](), write: (to, value) => to[kind](value as never) };
}

/** A structure that may be null: a byte says whether it is there, -1 where not. */
function orNull(codec: Codec): Codec {
  return {
    least: 1,
    read: (from) => (from.int8() < 0 ? null : codec.read(from)),
    write: (to, value) => {
      to.int8(value === null ? -1 : 1);
      if (value !== null) codec.write(to, value);
    },
  };
}

/** Values with their length before them: -1 for null, or 0 where it is compact, which counts from 1. */
function sizedCodec(type: FieldType, version: number, isFlexible: boolean, isNullable: boolean): Codec {
  const content = contentCodec(type, version, isFlexible);
  const isShort = type.kind === "string";
  return {
    least: isFlexible ? 1 : isShort ? 2 : 4,
    read: (from) => {
      const length = isFlexible ? from.varint() - 1 : isShort ? from.int16() : from.int32();
      if (length >= 0) return content.read(from, length);
      if (length < -1 || !isNullable) from.missing(type.kind);
      return null;
    },
    write: (to, value) => {
      const length = value === null ? -1 : content.lengthOf(value);
      if (isFlexible) to.varint(length + 1);
      else if (isShort) to.int16(length);
      else to.int32(length);
      if (value !== null) content.write(to, value, length);
    },
  };
}

interface Content {
  readonly lengthOf: (value: unknown) => number;
  readonly read: (from: FrameReader, length: number) => unknown;
  readonly write: (to: FrameWriter, value: unknown, length: number) => void;
}

const TEXT: Content = {
  lengthOf: (value) => Buffer.byteLength(value as string),
  read: (from, length) => from.text(length),
  write: (to, value, length) => to.text(value as string, length),
};

const BYTES: Content = {
  lengthOf: (value) => (value as Uint8Array).length,
  read: (from, length) => Buffer.from(from.view(length)),
  write: (to, value) => to.bytes(value as Uint8Array),
};

const RECORDS: Content = {
  lengthOf: (value) => (value as readonly Uint8Array[]).reduce((sum, batch) => sum + batch.length, 0),
  read: (from, length) => from.view(length),
  write: (to, value) => {
    for (const batch of value as readonly Uint8Array[]) to.stable(batch);
  },
};

function contentCodec(type: FieldType, version: number, isFlexible: boolean): Content {
  if (type.kind === "array") return arrayContent(type.element, version, isFlexible);
  if (type.kind === "string") return TEXT;
  return type.kind === "bytes" ? BYTES : RECORDS;
}

function arrayContent(element: FieldType, version: number, isFlexible: boolean): Content {
  const { read, write, least } = fieldCodec({ type: element, versions: "0+" }, version, isFlexible);
  return {
    lengthOf: (value) => (value as readonly unknown[]).length,
    read: (from, length) => {
      from.claim(length, least);
      const values: unknown[] = [];
      for (let i = 0; i < length; i++) values.push(read(from));
      return values;
    },
    write: (to, value) => {
      for (const one of value as readonly unknown[]) write(to, one);
    },
  };
}

const EMPTY: Readonly<Record<Scalar, unknown>> = {
  int8: 0,
  int16: 0,
  int32: 0,
  int64: 0n,
  float64: 0,
  boolean: false,
  uuid: "00000000-0000-0000-0000-000000000000",
  string: "",
  bytes: Buffer.alloc(0),
  records: null,
};

function fallbackOf({ type, fallback }: FieldSpec): unknown {
  if (fallback !== undefined) return fallback.value;
  if (type.kind === "array") return [];
  if (type.kind !== "struct") return EMPTY[type.kind];
  return Object.fromEntries(Object.entries(type.shape).map(([name, { spec }]) => [name, fallbackOf(spec)]));
}
