import { prepareXxHash } from "../../codecs/index.js";
import { prepareCodec } from "../format/codecs.js";
import type { ColumnBuffers } from "./buffers.js";
import { type ChunkOptions, type EncodedChunk, encodeChunk } from "./chunk.js";
import type { ColumnTree, LeafColumn } from "./layout.js";
import { shred } from "./shred.js";

/** What a row group is encoded by. Plain data: it crosses to the encoder's thread. */
export interface RowGroupPlan {
  readonly columns: readonly ColumnTree[];
  readonly leaves: readonly LeafColumn[];
  /** One for each leaf. */
  readonly options: readonly ChunkOptions[];
}

/** A row group without its place in a file: offsets count from its own first byte. */
export interface EncodedRowGroup {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly rows: number;
  readonly chunks: readonly PlacedChunk[];
}

export type PlacedChunk = Omit<EncodedChunk, "bloomFilter"> & {
  readonly offset: number;
  readonly bloomFilterOffset?: number | undefined;
  readonly bloomFilterLength?: number | undefined;
};

/**
 * Encodes the columns of a row group, one chunk per leaf in file order, Bloom filters after the last.
 *
 * @throws NullInRequired
 */
export async function encodeRowGroup(
  plan: RowGroupPlan,
  columns: readonly ColumnBuffers[],
  rows: number,
): Promise<EncodedRowGroup> {
  for (const { compression, bloomFilter } of plan.options) {
    await prepareCodec(compression);
    if (bloomFilter) await prepareXxHash();
  }
  const encoded: { readonly chunk: EncodedChunk; readonly offset: number }[] = [];
  let at = 0;
  const place = (part: Uint8Array) => {
    if (output.length < at + part.length) output = enlarged(output, at + part.length);
    output.set(part, at);
    at += part.length;
  };
  plan.columns.forEach((tree, i) => {
    const column = columns[i];
    if (!column) return;
    shred(tree, column, (leaf, stream) => {
      const offset = at;
      encoded.push({ chunk: encodeChunk(plan.leaves[leaf]!, stream, plan.options[leaf]!, place), offset });
    });
  });
  const chunks = encoded.map(({ chunk: { bloomFilter, ...chunk }, offset }): PlacedChunk => {
    if (!bloomFilter) return { ...chunk, offset };
    const bloomFilterOffset = at;
    place(bloomFilter);
    return { ...chunk, offset, bloomFilterOffset, bloomFilterLength: bloomFilter.length };
  });
  return { bytes: output.slice(0, at), rows, chunks };
}

/** The row group under way. From the first chunk to the last nothing is awaited, so one serves all. */
let output = new Uint8Array(64 * 1024);

function enlarged(bytes: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(least, bytes.length * 2));
  larger.set(bytes);
  return larger;
}
