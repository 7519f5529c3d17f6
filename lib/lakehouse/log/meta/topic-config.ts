import { invalidConfig } from "../../errors.js";
import type { Compression } from "../records/compression.js";
import { MOST_SEGMENT_BYTES } from "../segment/layout.js";

/** How a topic's records are written. */
export interface TopicConfig {
  /** What our own producers write. Other clients' batches are kept as they come. */
  readonly compression: Compression;
  /** A segment ends when its batches have this many bytes. */
  readonly segmentBytes: number;
  /** A segment ends when its first record has waited this long, in milliseconds. */
  readonly segmentMs: number;
  /** How long an append that waits for the object store lets others join its segment, in milliseconds. */
  readonly storedLingerMs: number;
  /** The largest record batch that is taken, in bytes, as it came. */
  readonly maxBatchBytes: number;
}

export const DEFAULT_CONFIG: TopicConfig = {
  compression: "zstd",
  segmentBytes: 16 * 1024 * 1024,
  segmentMs: 10_000,
  storedLingerMs: 50,
  maxBatchBytes: 16 * 1024 * 1024,
};

const COMPRESSIONS: Readonly<Record<Compression, true>> = { none: true, gzip: true, lz4: true, zstd: true };
const RANGES: Readonly<Record<Exclude<keyof TopicConfig, "compression">, readonly [number, number]>> = {
  segmentBytes: [1024, MOST_SEGMENT_BYTES],
  segmentMs: [1, 2 ** 31 - 1],
  storedLingerMs: [0, 60_000],
  maxBatchBytes: [1024, 256 * 1024 * 1024],
};

/** @throws LakehouseError INVALID_CONFIG */
export function topicConfig(given: Partial<TopicConfig>): TopicConfig {
  const config = { ...DEFAULT_CONFIG, ...given };
  if (!Object.hasOwn(COMPRESSIONS, config.compression))
    throw invalidConfig(
      "compression",
      `A topic cannot be compressed with ${JSON.stringify(config.compression)}.`,
      `Give one of ${Object.keys(COMPRESSIONS).join(", ")}.`,
    );
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = config[name as keyof typeof RANGES];
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw invalidConfig(
      name,
      `A topic's ${name} cannot be ${String(value)}.`,
      `Give a whole number from ${least} to ${most}.`,
    );
  }
  return config;
}
