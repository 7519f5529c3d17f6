/** A topic's settings as Kafka's clients know them. */
import { invalidConfig } from "../../../errors.js";
import {
  type CleanupPolicy,
  DEFAULT_CONFIG,
  type TimestampType,
  type TopicConfig,
  topicConfig,
} from "../../meta/topic-config.js";
import type { Compression } from "../../records/compression.js";

/** A setting as it is described: types and sources are Kafka's numbers. */
export interface DescribedSetting {
  readonly name: string;
  readonly value: string;
  readonly isDefault: boolean;
  readonly readOnly: boolean;
  readonly type: number;
  /** What it is where nobody sets it. */
  readonly defaultValue: string;
  readonly documentation: string;
}

interface Setting<Value> {
  /** Kafka's, where Kafka has one. */
  readonly name: string;
  readonly type: number;
  readonly parse: (text: string, name: string) => Value;
  /** For who reads the settings of a topic. */
  readonly about: string;
}

export const TYPE = { BOOLEAN: 1, STRING: 2, INT: 3, LONG: 5, DOUBLE: 6, LIST: 7 } as const;

/** By our names. What values are taken, `topicConfig` says. */
const SETTINGS: { readonly [Name in keyof TopicConfig]: Setting<TopicConfig[Name]> } = {
  compression: {
    name: "producer.compression",
    type: TYPE.STRING,
    parse: (text) => text as Compression,
    about: "What the log's own producers compress with. Other clients' batches are kept as they come.",
  },
  segmentBytes: whole("segment.bytes", TYPE.INT, "A segment ends when its batches have this many bytes."),
  segmentMs: whole("segment.ms", TYPE.LONG, "A segment ends when its first record has waited this long."),
  storedLingerMs: whole(
    "stored.linger.ms",
    TYPE.LONG,
    "How long an append that waits for the object store lets others join its segment.",
  ),
  maxBatchBytes: whole("max.message.bytes", TYPE.INT, "The largest record batch that is taken, as it came."),
  timestampType: {
    name: "message.timestamp.type",
    type: TYPE.STRING,
    parse: (text) => text as TimestampType,
    about:
      "Records have the time that their producer gave them (CreateTime), or that of their append (LogAppendTime).",
  },
  cleanupPolicy: {
    name: "cleanup.policy",
    type: TYPE.LIST,
    parse: toPolicy,
    about:
      "Old records are deleted by age and size (delete), or all but the latest of each key are (compact), or both.",
  },
  retentionMs: whole(
    "retention.ms",
    TYPE.LONG,
    "How old records become where they are deleted by age; -1 for any age.",
  ),
  retentionBytes: whole(
    "retention.bytes",
    TYPE.LONG,
    "What a partition keeps at least where it is deleted by size; -1 for all.",
  ),
  deleteRetentionMs: whole(
    "delete.retention.ms",
    TYPE.LONG,
    "How long a compacted topic keeps records without a value.",
  ),
  minCompactionLagMs: whole(
    "min.compaction.lag.ms",
    TYPE.LONG,
    "How old a record is at least before a later one of its key takes its place.",
  ),
  minCleanableDirtyRatio: {
    name: "min.cleanable.dirty.ratio",
    type: TYPE.DOUBLE,
    parse: toNumber,
    about: "How much of a partition, of 1, has to be new before it is compacted.",
  },
  fileDeleteDelayMs: whole(
    "file.delete.delay.ms",
    TYPE.LONG,
    "How long objects that count no more are kept, for those who are reading them.",
  ),
};

/** Settings of Kafka's that cannot be another way here. */
const FIXED: ReadonlyMap<string, string> = new Map([
  ["compression.type", "producer"],
  ["min.insync.replicas", "1"],
  ["unclean.leader.election.enable", "false"],
]);

const BY_NAME: ReadonlyMap<string, keyof TopicConfig> = new Map(
  Object.entries(SETTINGS).map(([ours, { name }]) => [name, ours as keyof TopicConfig]),
);

/** A setting that a client gives. */
export interface GivenSetting {
  readonly name: string;
  readonly value: string | null;
}

/**
 * What a client gives, by our names; nothing for what is so anyway.
 *
 * @throws LakehouseError INVALID_CONFIG
 */
export function configOf(given: readonly GivenSetting[]): Partial<TopicConfig> {
  const config: Partial<Record<keyof TopicConfig, unknown>> = {};
  for (const { name, value } of given) {
    if (value === null)
      throw invalidConfig(name, `The setting ${name} has no value.`, "Give one, or leave the setting out.");
    const ours = settingNamed(name, value);
    if (ours !== undefined) config[ours] = SETTINGS[ours].parse(value, name);
  }
  return config as Partial<TopicConfig>;
}

/** What a setting is where nobody gives it. @throws LakehouseError INVALID_CONFIG */
export function defaultOf(name: string): Partial<TopicConfig> {
  const ours = settingNamed(name, FIXED.get(name));
  return ours === undefined ? {} : { [ours]: DEFAULT_CONFIG[ours] };
}

/** Settings that a topic has, once these are given and all others are not. @throws LakehouseError INVALID_CONFIG */
export function onlyThese(given: readonly GivenSetting[]): TopicConfig {
  return topicConfig(configOf(given));
}

/** @returns nothing for one that cannot be another way, and is not wanted so. */
function settingNamed(name: string, value: string | undefined): keyof TopicConfig | undefined {
  const ours = BY_NAME.get(name);
  if (ours !== undefined) return ours;
  const fixed = FIXED.get(name);
  if (fixed !== undefined && fixed === value) return undefined;
  throw fixed === undefined
    ? invalidConfig(name, `A topic has no setting ${name} here.`, `Leave it out. There are ${allNames()}.`)
    : invalidConfig(name, `A topic's ${name} is always ${fixed} here.`, "Leave it out.");
}

function allNames(): string {
  return [...BY_NAME.keys()].join(", ");
}

/** Whether a setting is a list, to which something can be added, and from which something can be taken. */
export function isList(name: string): boolean {
  const ours = BY_NAME.get(name);
  return ours !== undefined && SETTINGS[ours].type === TYPE.LIST;
}

/** What a setting is in that configuration, by Kafka's name. @throws LakehouseError INVALID_CONFIG */
export function settingOf(config: TopicConfig, name: string): string {
  const ours = settingNamed(name, FIXED.get(name));
  return ours === undefined ? (FIXED.get(name) as string) : String(config[ours]);
}

/** All settings of a topic. */
export function settingsOf(config: TopicConfig): DescribedSetting[] {
  const own = Object.entries(SETTINGS).map(([key, { name, type, about }]) => {
    const ours = key as keyof TopicConfig;
    const isDefault = config[ours] === DEFAULT_CONFIG[ours];
    const defaultValue = String(DEFAULT_CONFIG[ours]);
    return {
      ...{ name, value: String(config[ours]), isDefault, defaultValue, readOnly: false, type },
      documentation: about,
    };
  });
  const fixed = Array.from(FIXED, ([name, value]) => ({
    ...{ name, value, isDefault: true, defaultValue: value, readOnly: true },
    type: /^\d+$/.test(value) ? TYPE.INT : value === "false" ? TYPE.BOOLEAN : TYPE.STRING,
    documentation: "It cannot be another way here.",
  }));
  return [...own, ...fixed];
}

function whole(name: string, type: number, about: string): Setting<number> {
  return { name, type, parse: toNumber, about };
}

function toNumber(text: string, name: string): number {
  // More is said of numbers by who takes them.
  if (/^-?\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  const unit = name.endsWith(".ms") ? " of milliseconds" : name.endsWith(".bytes") ? " of bytes" : "";
  throw invalidConfig(name, `A topic's ${name} cannot be ${JSON.stringify(text)}.`, `Give a number${unit}.`);
}

/** A list, in any order. */
function toPolicy(text: string): CleanupPolicy {
  const parts = text.split(",").map((part) => part.trim());
  return [...new Set(parts)].sort().join(",") as CleanupPolicy;
}
