import type { Compressors } from "hyparquet";

/**
 * What decompresses the pages of a file, by the name of their codec.
 *
 * Snappy is WebAssembly that all files share. A block that is longer than its page header says may run over the end of
 * its memory; it traps then and does not give back its stack, and after some thousands of such blocks it fails on
 * sound ones, or reads them wrong. So a block says here first that it is as long as its page, which bounds what it
 * writes.
 */
export async function loadDecompressors(): Promise<Compressors> {
  const { compressors } = await import("hyparquet-compressors");
  const { SNAPPY: snappy } = compressors;
  return {
    ...compressors,
    SNAPPY: (block, length) => {
      if (snappy === undefined || lengthOf(block) !== length)
        throw new Error(`no Snappy block of ${length} bytes`);
      return snappy(block, length);
    },
  };
}

/** Snappy's format_description.txt, 1. Preamble: the uncompressed length, a varint of 32 bits. */
function lengthOf(block: Uint8Array): number | undefined {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    const byte = block[i] as number;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  return undefined;
}
