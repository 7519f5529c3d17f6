import { invalidConfig } from "../../errors.js";
import type { Compression } from "../records/compression.js";
import { MOST_SEGMENT_BYTES } from "../segment/layout.js";

/** What becomes of old records: they are deleted by age and size, or all but the latest of each key are, or both. */
export type CleanupPolicy = "delete" | "compact" | "compact,delete";

/** Which time a record has: the one that its producer gave it, or that of its append. Both names are Kafka's. */
export type TimestampType = "CreateTime" | "LogAppendTime";

/** How a topic's records are written and kept. Times are in milliseconds, sizes in bytes. */
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
  readonly timestampType: TimestampType;
  readonly cleanupPolicy: CleanupPolicy;
  /** How old records become, by their own timestamps, where they are deleted by age; -1 for any age. */
  readonly retentionMs: number;
  /** What a partition keeps at least, where it is deleted by size; -1 for all. */
  readonly retentionBytes: number;
  /** How long a compacted topic keeps records without a value: who reads it from its beginning has to be quicker. */
  readonly deleteRetentionMs: number;
  /** How old a record is at least before a later one of its key takes its place. */
  readonly minCompactionLagMs: number;
  /** How much of a partition, of 1, has to be new before it is compacted. */
  readonly minCleanableDirtyRatio: number;
  /** How long objects that count no more are kept, for those who are reading them. */
  readonly fileDeleteDelayMs: number;
}

export const DEFAULT_CONFIG: TopicConfig = {
  compression: "zstd",
  segmentBytes: 16 * 1024 * 1024,
  segmentMs: 10_000,
  storedLingerMs: 50,
  maxBatchBytes: 16 * 1024 * 1024,
  timestampType: "CreateTime",
  cleanupPolicy: "delete",
  retentionMs: -1,
  retentionBytes: -1,
  deleteRetentionMs: 24 * 60 * 60_000,
  minCompactionLagMs: 0,
  minCleanableDirtyRatio: 0.5,
  fileDeleteDelayMs: 60_000,
};

/** Settings that are one of a few texts. */
const CHOICES = {
  compression: { none: true, gzip: true, lz4: true, zstd: true } satisfies Record<Compression, true>,
  timestampType: { CreateTime: true, LogAppendTime: true } satisfies Record<TimestampType, true>,
  cleanupPolicy: { delete: true, compact: true, "compact,delete": true } satisfies Record<
    CleanupPolicy,
    true
  >,
};
type Whole = Exclude<keyof TopicConfig, keyof typeof CHOICES | "minCleanableDirtyRatio">;
/** What a number counts, between which it may be, and what -1 is where it may be that, too. */
interface Range {
  readonly unit: "bytes" | "milliseconds";
  readonly least: number;
  readonly most: number;
  readonly never?: string;
}

const RANGES: Readonly<Record<Whole, Range>> = {
  segmentBytes: bytes(1024, MOST_SEGMENT_BYTES),
  segmentMs: milliseconds(1, 2 ** 31 - 1),
  storedLingerMs: milliseconds(0, 60_000),
  maxBatchBytes: bytes(1024, 256 * 1024 * 1024),
  retentionMs: { ...milliseconds(0), never: "to keep records however old they are" },
  retentionBytes: { ...bytes(0), never: "to keep records however many they are" },
  deleteRetentionMs: milliseconds(0),
  minCompactionLagMs: milliseconds(0),
  fileDeleteDelayMs: milliseconds(0),
};

function bytes(least: number, most: number = Number.MAX_SAFE_INTEGER): Range {
  return { unit: "bytes", least, most };
}

function milliseconds(least: number, most: number = Number.MAX_SAFE_INTEGER): Range {
  return { unit: "milliseconds", least, most };
}

/** @throws LakehouseError INVALID_CONFIG */
export function topicConfig(given: Partial<TopicConfig>): TopicConfig {
  const config = { ...DEFAULT_CONFIG, ...given };
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = config[name as keyof typeof CHOICES];
    if (Object.hasOwn(choices, value)) continue;
    throw invalidConfig(
      name,
      `A topic's ${name} cannot be ${JSON.stringify(value)}.`,
      `Give one of ${Object.keys(choices)
        .map((choice) => JSON.stringify(choice))
        .join(", ")}.`,
    );
  }
  const { minCleanableDirtyRatio } = config;
  if (!(minCleanableDirtyRatio >= 0 && minCleanableDirtyRatio <= 1))
    throw invalidConfig(
      "minCleanableDirtyRatio",
      `A topic's minCleanableDirtyRatio cannot be ${String(minCleanableDirtyRatio)}.`,
      "Give a number from 0 to 1.",
    );
  for (const [name, range] of Object.entries(RANGES)) {
    const value = config[name as Whole];
    const { least, most, never } = range;
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    if (value === -1 && never !== undefined) continue;
    throw invalidConfig(name, `A topic's ${name} cannot be ${String(value)}.`, remedyOf(range));
  }
  return config;
}

function remedyOf({ unit, least, most, never }: Range): string {
  const highest = most === Number.MAX_SAFE_INTEGER ? "on" : `to ${most}`;
  const orNever = never === undefined ? "" : `, or -1 ${never}`;
  return `Give a whole number of ${unit}, from ${least} ${highest}${orNever}.`;
}
