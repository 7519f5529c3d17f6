import type { EtcdKeyValue } from "./etcd.js";

export function bytesOf({ value = "" }: EtcdKeyValue): Buffer {
  return Buffer.from(value, "base64");
}

export function keyOf({ key }: EtcdKeyValue): string {
  return Buffer.from(key, "base64").toString("utf8");
}

export function toBase64(value: string | Uint8Array): string {
  const bytes =
    typeof value === "string"
      ? Buffer.from(value, "utf8")
      : Buffer.from(value.buffer, value.byteOffset, value.length);
  return bytes.toString("base64");
}

/** All keys that start with a prefix; it ends in a character whose successor is one byte. */
export function rangeOf(prefix: string): { readonly key: string; readonly range_end: string } {
  const end = Buffer.from(prefix, "utf8");
  // The bytes of UTF-8 are below 0xff, so that the last one can be counted up.
  end[end.length - 1] = (end[end.length - 1] as number) + 1;
  return { key: toBase64(prefix), range_end: end.toString("base64") };
}
