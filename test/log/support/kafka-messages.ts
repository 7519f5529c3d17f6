import fc from "fast-check";
import type { Api } from "../../../lib/lakehouse/log/kafka/protocol/api.js";
import { APIS } from "../../../lib/lakehouse/log/kafka/protocol/apis.js";
import {
  type FieldSpec,
  type FieldType,
  includes,
  type Shape,
} from "../../../lib/lakehouse/log/kafka/protocol/fields.js";
import { FrameReader } from "../../../lib/lakehouse/log/kafka/protocol/frame-reader.js";
import { FrameWriter } from "../../../lib/lakehouse/log/kafka/protocol/frame-writer.js";

/** Every message that is spoken, in every version. */
export const ALL_MESSAGES = Object.values(APIS).flatMap((one) => {
  const api = one as unknown as Api;
  return Array.from({ length: api.most - api.least + 1 }, (_, i) => i + api.least).flatMap((version) => [
    { api, version, kind: "request" as const, shape: api.request, codec: api.requestCodec(version) },
    { api, version, kind: "response" as const, shape: api.response, codec: api.responseCodec(version) },
  ]);
});

export type AnyMessage = (typeof ALL_MESSAGES)[number];

/** A frame's content, without its length. */
export function bytesOf({ codec }: AnyMessage, value: unknown): Buffer {
  const to = new FrameWriter();
  codec.write(to, value);
  return Buffer.concat(to.finish()).subarray(4);
}

export function readOf({ codec }: AnyMessage, bytes: Buffer): unknown {
  const from = new FrameReader(bytes);
  const value = codec.read(from);
  from.end();
  return value;
}

/** Any value that the shape may have in a version. Records are left alone: what is written of them is read otherwise. */
export function anyOf(shape: Shape, version: number): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(shape).filter(([, { spec }]) => includes(spec.versions, version));
  return fc.record(
    Object.fromEntries(fields.map(([name, { spec }]) => [name, anyField(spec, version)])),
    // Tagged fields may be left out.
    { requiredKeys: fields.filter(([, { spec }]) => spec.tag === undefined).map(([name]) => name) },
  );
}

function anyField({ type, nullable }: FieldSpec, version: number): fc.Arbitrary<unknown> {
  const value = anyType(type, version);
  return nullable !== undefined && includes(nullable, version) ? fc.option(value) : value;
}

function anyType(type: FieldType, version: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "array":
      return fc.array(anyType(type.element, version), { maxLength: 3 });
    case "struct":
      return anyOf(type.shape, version);
    case "boolean":
      return fc.boolean();
    case "int8":
      return fc.integer({ min: -128, max: 127 });
    case "int16":
      return fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 });
    case "int32":
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    case "int64":
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case "float64":
      return fc.double({ noNaN: true });
    case "uuid":
      return fc.uuid();
    case "string":
      return fc.oneof(fc.string({ unit: "grapheme", maxLength: 20 }), fc.constant("x".repeat(700)));
    case "bytes":
      return fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    case "records":
      return fc.array(fc.uint8Array({ maxLength: 9_000, size: "max" }), { maxLength: 3 });
  }
}

/** What is read of what was written: absent fields as what stands for them, batches of records as one piece. */
export function expected(shape: Shape, version: number, value: Record<string, unknown>): unknown {
  return Object.fromEntries(
    Object.entries(shape).map(([name, { spec }]) => {
      const isThere = includes(spec.versions, version) && value[name] !== undefined;
      return [name, isThere ? expectedOf(spec.type, version, value[name]) : standIn(spec)];
    }),
  );
}

function expectedOf(type: FieldType, version: number, value: unknown): unknown {
  if (value === null) return null;
  if (type.kind === "records") return Buffer.concat(value as Uint8Array[]);
  if (type.kind === "struct") return expected(type.shape, version, value as Record<string, unknown>);
  if (type.kind !== "array") return value;
  return (value as unknown[]).map((one) => expectedOf(type.element, version, one));
}

function standIn({ type, fallback }: FieldSpec): unknown {
  if (fallback !== undefined) return fallback.value;
  if (type.kind === "array") return [];
  if (type.kind === "struct") return expected(type.shape, -1, {});
  if (type.kind === "string") return "";
  if (type.kind === "boolean") return false;
  if (type.kind === "int64") return 0n;
  if (type.kind === "uuid") return "00000000-0000-0000-0000-000000000000";
  if (type.kind === "bytes") return Buffer.alloc(0);
  return type.kind === "records" ? null : 0;
}
