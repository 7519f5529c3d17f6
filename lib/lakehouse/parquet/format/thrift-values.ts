import type { ThriftStruct, ThriftValue } from "./thrift.js";

/** Short names for the values that Parquet's metadata is made of. */
export const i8 = (value: number): ThriftValue => ({ type: "i8", value });
export const i16 = (value: number): ThriftValue => ({ type: "i16", value });
export const i32 = (value: number): ThriftValue => ({ type: "i32", value });
export const i64 = (value: number | bigint): ThriftValue => ({ type: "i64", value: BigInt(value) });
export const bytes = (value: Uint8Array): ThriftValue => ({ type: "binary", value });
export const text = (value: string): ThriftValue => ({ type: "binary", value: encoder.encode(value) });
export const boolean = (value: boolean): ThriftValue => ({ type: "boolean", value });

export function struct(...fields: readonly (readonly [number, ThriftValue])[]): {
  readonly type: "struct";
  readonly value: ThriftStruct;
} {
  return { type: "struct", value: new Map(fields) };
}

/** The codes of the compact protocol for the elements of a list. */
export const ELEMENT = { boolean: 1, i32: 5, i64: 6, binary: 8, struct: 12 } as const;

export function list(element: keyof typeof ELEMENT, value: readonly ThriftValue[]): ThriftValue {
  return { type: "list", elementCode: ELEMENT[element], value };
}

const encoder = new TextEncoder();
