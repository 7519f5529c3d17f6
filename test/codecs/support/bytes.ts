import fc from "fast-check";

const plain = (bytes: ArrayLike<number>) => Uint8Array.from(bytes);

/** Bytes that compress well, a little, and not at all; also none, one, and more than a window or a block has. */
export const someBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 500 }).map(plain),
  fc
    .array(fc.constantFrom("abcdefgh", "the same again ", "x"), { maxLength: 400 })
    .map((parts) => plain(Buffer.from(parts.join("")))),
  fc.integer({ min: 0, max: 200_000 }).map((length) => new Uint8Array(length).map((_, i) => (i * i) >> 9)),
  fc
    .tuple(fc.integer({ min: 0, max: 150_000 }), fc.nat(255))
    .map(([n, byte]) => new Uint8Array(n).fill(byte)),
);

/** Where to change a byte, and how. */
export const damage = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  xor: fc.integer({ min: 1, max: 255 }),
});

/** `bytes` with one byte changed. */
export function damaged(
  bytes: Uint8Array,
  { at, xor }: { readonly at: number; readonly xor: number },
): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[Math.floor(at * copy.length)]! ^= xor;
  return copy;
}
