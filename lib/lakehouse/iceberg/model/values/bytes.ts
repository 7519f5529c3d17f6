const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Canonical lower-case form; `undefined` when the text is no UUID. */
export function parseUuid(text: string): string | undefined {
  const lower = text.toLowerCase();
  return UUID.test(lower) ? lower : undefined;
}

/** The 16 bytes of a canonical UUID, big-endian. */
export function uuidToBytes(uuid: string): Uint8Array {
  return hexToBytes(uuid.replaceAll("-", ""));
}

export function uuidFromBytes(bytes: Uint8Array): string {
  const hex = bytesToHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Lower-case hex. */
export function bytesToHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** The bytes of an even number of hex digits. Check the text with `isHex` first. */
export function hexToBytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

export function isHex(text: string): boolean {
  return text.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(text);
}

/**
 * False for text with half a surrogate pair, which is no character: UTF-8 has no bytes for it, and encoders write
 * U+FFFD in its place without a word.
 */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

/** A leading U+FEFF is part of a string, not a byte order mark. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function utf8Decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function utf8Encode(text: string): Uint8Array {
  const buffer = Buffer.from(text, "utf8");
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
