/** The search for repeats that Snappy and LZ4 share: both copy four bytes or more from at most 65,535 back. */

const HASH_BITS = 14;
const MAX_DISTANCE = 65_535;
/** LZ4 lets no match begin in the last 12 bytes, nor reach into the last 5. */
const TAIL = 12;
const LITERAL_TAIL = 5;

const table = new Int32Array(1 << HASH_BITS);

/**
 * Calls `match` for each repeat found, in order: bytes `from` to `at` are literals, then `length` bytes repeat those
 * `distance` before. What follows the last match is literal.
 *
 * @returns where the last match ends.
 */
export function findMatches(
  input: Uint8Array,
  match: (from: number, at: number, distance: number, length: number) => void,
): number {
  table.fill(-1);
  const last = input.length - TAIL;
  let anchor = 0;
  let at = 0;
  while (at < last) {
    const word = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const before = table[slot]!;
    table[slot] = at;
    if (before < 0 || at - before > MAX_DISTANCE || !sameWord(input, before, word)) {
      // The longer nothing repeats, the larger the steps: data that does not compress costs little.
      at += 1 + ((at - anchor) >> 6);
      continue;
    }
    let end = at + 4;
    const limit = input.length - LITERAL_TAIL;
    while (end < limit && input[end] === input[end - at + before]) end++;
    match(anchor, at, at - before, end - at);
    at = end;
    anchor = end;
  }
  return anchor;
}

function sameWord(input: Uint8Array, at: number, word: number): boolean {
  return (input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24)) === word;
}
