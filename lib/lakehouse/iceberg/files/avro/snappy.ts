/**
 * Decompresses one raw snappy block into exactly the size that its header gives. Returns `undefined` for corrupt
 * input; never writes or reads outside the buffers.
 */
export function snappyUncompress(input: Uint8Array, limit: number): Uint8Array | undefined {
  let pos = 0;
  let size = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = input[pos++];
    if (byte === undefined || scale > 2 ** 28) return undefined;
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  // A copy of 64 bytes takes 3 bytes of input at least, so no honest block grows more than this.
  if (size > limit || size > input.length * 32) return undefined;
  const output = new Uint8Array(size);
  let at = 0;
  while (pos < input.length) {
    const tag = input[pos++] as number;
    if ((tag & 3) === 0) {
      let length = tag >>> 2;
      if (length >= 60) {
        const extra = length - 59;
        if (pos + extra > input.length) return undefined;
        length = 0;
        for (let i = 0; i < extra; i++) length += (input[pos + i] as number) * 2 ** (8 * i);
        pos += extra;
      }
      length += 1;
      if (pos + length > input.length || at + length > size) return undefined;
      output.set(input.subarray(pos, pos + length), at);
      pos += length;
      at += length;
      continue;
    }
    const offsetBytes = (tag & 3) === 1 ? 1 : (tag & 3) === 2 ? 2 : 4;
    if (pos + offsetBytes > input.length) return undefined;
    const length = offsetBytes === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    let offset = offsetBytes === 1 ? (tag >>> 5) << 8 : 0;
    for (let i = 0; i < offsetBytes; i++) offset += (input[pos + i] as number) * 2 ** (8 * i);
    pos += offsetBytes;
    if (offset === 0 || offset > at || at + length > size) return undefined;
    // Byte by byte: a copy may overlap its own output, and then repeats it.
    for (let i = 0; i < length; i++, at++) output[at] = output[at - offset] as number;
  }
  return at === size ? output : undefined;
}
