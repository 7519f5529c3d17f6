/** The same bytes as plain ones: `slice` of a Buffer is a view, where that of a Uint8Array is a copy. */
export function asBytes({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
