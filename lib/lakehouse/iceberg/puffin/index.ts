/**
 * Puffin files (Puffin spec): blobs with a footer that describes them. Iceberg keeps deletion vectors and column
 * sketches in them. Blobs are read with lz4, zstd or no compression and written without.
 */
export type { PuffinBlobMetadata, PuffinFooter } from "./format.js";
export { readContent, readPuffinBlob, readPuffinFooter } from "./reader.js";
export { distinctCounts, readStatistics, setStatistics, statisticsFile, THETA_SKETCH } from "./statistics.js";
export { type PuffinBlob, type WrittenPuffin, writePuffin } from "./writer.js";
