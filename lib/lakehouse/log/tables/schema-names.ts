/** How a record says which schema its value is of, in both of Confluent's ways: before the value, or in a header. */
import type { LogRecord } from "../records/read-records.js";

/** Before the value: a byte 0, and the schema's id in four. */
export const FRAME_BYTES = 5;

const HEADER = "__value_schema_id";
const BY_ID = 0;
const BY_GUID = 1;
const GUID_BYTES = 17;

/** What a header says. */
export interface HeaderName {
  /** The schema's id, or its GUID; undefined where the header is neither. */
  readonly schema: number | string | undefined;
  /** The value with what goes before it in a frame: of Protobuf, which message it is. */
  readonly value: Uint8Array;
}

/** `undefined` where the value names none: JSON does not begin with a byte 0. */
export function framedId(value: Uint8Array | null): number | undefined {
  if (value === null || value[0] !== 0 || value.length < FRAME_BYTES) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(1);
}

/** `undefined` where no header says it; where one does, the value has no frame. */
export function namedInHeader({ value, headers }: LogRecord): HeaderName | undefined {
  const bytes = headers.length === 0 ? undefined : headers.find(({ key }) => key === HEADER)?.value;
  if (bytes === undefined || bytes === null || value === null) return undefined;
  const named = (schema: number | string, size: number): HeaderName => ({
    schema,
    value: bytes.length === size ? value : Buffer.concat([bytes.subarray(size), value]),
  });
  if (bytes[0] === BY_ID && bytes.length >= FRAME_BYTES)
    return named(new DataView(bytes.buffer, bytes.byteOffset).getUint32(1), FRAME_BYTES);
  if (bytes[0] === BY_GUID && bytes.length >= GUID_BYTES) {
    const digits = Buffer.from(bytes.subarray(1, GUID_BYTES)).toString("hex");
    return named(digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"), GUID_BYTES);
  }
  return { schema: undefined, value };
}
