import { randomBytes } from "node:crypto";

/**
 * An Avro encoder of its own, to write what writers other than ours write: a shape is a schema and the way values of
 * it are stored, so that one value can be written in many shapes.
 */
export interface Shape {
  readonly schema: unknown;
  encode(value: unknown): Buffer;
}

function zigzag(value: bigint | number): Buffer {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

const counted = (bytes: Uint8Array): Buffer => Buffer.concat([zigzag(bytes.length), bytes]);

export const int: Shape = { schema: "int", encode: (value) => zigzag(value as number) };
export const long: Shape = { schema: "long", encode: (value) => zigzag(value as bigint) };
export const bool: Shape = { schema: "boolean", encode: (value) => Buffer.from([value ? 1 : 0]) };
export const bytes: Shape = { schema: "bytes", encode: (value) => counted(value as Uint8Array) };
export const text: Shape = { schema: "string", encode: (value) => counted(Buffer.from(value as string)) };
export const double: Shape = {
  schema: "double",
  encode: (value) => {
    const buffer = Buffer.alloc(8);
    buffer.writeDoubleLE(value as number);
    return buffer;
  },
};

export const fixed = (name: string, size: number, more: object = {}): Shape => ({
  schema: { type: "fixed", name, size, ...more },
  encode: (value) => Buffer.from(value as Uint8Array),
});

export const annotated = (shape: Shape, logicalType: string): Shape => ({
  schema: { type: shape.schema, logicalType },
  encode: (value) => shape.encode(value),
});

/** Symbols in an order of the writer's own; the value is the symbol. */
export const symbols = (name: string, names: readonly string[]): Shape => ({
  schema: { type: "enum", name, symbols: names },
  encode: (value) => zigzag(names.indexOf(value as string)),
});

/** A union with null, null first or last. */
export const orNull = (shape: Shape, last: boolean): Shape => ({
  schema: last ? [shape.schema, "null"] : ["null", shape.schema],
  encode: (value) =>
    value === null || value === undefined
      ? zigzag(last ? 1 : 0)
      : Buffer.concat([zigzag(last ? 0 : 1), shape.encode(value)]),
});

export interface ShapeField {
  readonly name: string;
  readonly shape: Shape;
  readonly id?: number | undefined;
}

export const record = (name: string, fields: readonly ShapeField[]): Shape => ({
  schema: {
    type: "record",
    name,
    fields: fields.map((field) => ({
      name: field.name,
      type: field.shape.schema,
      ...(field.id === undefined ? {} : { "field-id": field.id }),
    })),
  },
  encode: (value) =>
    Buffer.concat(
      fields.map((field) => field.shape.encode((value as Record<string, unknown>)[field.name] ?? null)),
    ),
});

/** An array, in one block or, with `sized`, in blocks of one item that tell their length. */
export const array = (items: Shape, sized: boolean, more: object = {}): Shape => ({
  schema: { type: "array", items: items.schema, ...more },
  encode: (value) => {
    const all = (value as unknown[]).map((item) => items.encode(item));
    if (all.length === 0) return zigzag(0);
    const blocks = sized
      ? all.map((item) => Buffer.concat([zigzag(-1), zigzag(item.length), item]))
      : [Buffer.concat([zigzag(all.length), ...all])];
    return Buffer.concat([...blocks, zigzag(0)]);
  },
});

/** An Avro map; the value is a list of pairs. */
export const map = (values: Shape): Shape => ({
  schema: { type: "map", values: values.schema },
  encode: (value) => {
    const pairs = (value as [number, unknown][]).map(([key, item]) =>
      Buffer.concat([counted(Buffer.from(String(key))), values.encode(item)]),
    );
    return pairs.length === 0 ? zigzag(0) : Buffer.concat([zigzag(pairs.length), ...pairs, zigzag(0)]);
  },
});

/** A container file, uncompressed, with `perBlock` records in a block. */
export function container(
  shape: Shape,
  records: readonly unknown[],
  metadata: Readonly<Record<string, string>> = {},
  perBlock = 3,
): Buffer {
  const entries = Object.entries({ "avro.schema": JSON.stringify(shape.schema), ...metadata });
  const sync = randomBytes(16);
  const parts = [
    Buffer.from([0x4f, 0x62, 0x6a, 1]),
    zigzag(entries.length),
    ...entries.flatMap(([key, value]) => [counted(Buffer.from(key)), counted(Buffer.from(value))]),
    zigzag(0),
    sync,
  ];
  for (let i = 0; i < records.length; i += perBlock) {
    const block = records.slice(i, i + perBlock).map((value) => shape.encode(value));
    parts.push(zigzag(block.length), counted(Buffer.concat(block)), sync);
  }
  return Buffer.concat(parts);
}
