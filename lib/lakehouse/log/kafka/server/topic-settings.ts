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
}

interface Setting<Value> {
  /** Kafka's, where Kafka has one. */
  readonly name: string;
  readonly type: number;
  readonly parse: (text: string, name: string) => Value;
}

const TYPE = { STRING: 2, LONG: 5, DOUBLE: 6, LIST: 7 } as const;

/** By our names. What values are taken, `topicConfig` says. */
const SETTINGS: { readonly [Name in keyof TopicConfig]: Setting<TopicConfig[Name]> } = {
  compression: { name: "producer.compression", type: TYPE.STRING, parse: (text) => text as Compression },
  segmentBytes: whole("segment.bytes"),
  segmentMs: whole("segment.ms"),
  storedLingerMs: whole("stored.linger.ms"),
  maxBatchBytes: whole("max.message.bytes"),
  timestampType: {
    name: "message.timestamp.type",
    type: TYPE.STRING,
    parse: (text) => text as TimestampType,
  },
  cleanupPolicy: { name: "cleanup.policy", type: TYPE.LIST, parse: toPolicy },
  retentionMs: whole("retention.ms"),
  retentionBytes: whole("retention.bytes"),
  deleteRetentionMs: whole("delete.retention.ms"),
  minCompactionLagMs: whole("min.compaction.lag.ms"),
  minCleanableDirtyRatio: { name: "min.cleanable.dirty.ratio", type: TYPE.DOUBLE, parse: toNumber },
  fileDeleteDelayMs: whole("file.delete.delay.ms"),
};

/** Settings of Kafka's that cannot be another way here. */
const FIXED: ReadonlyMap<string, string> = new Map([["compression.type", "producer"]]);

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

/** All settings of a topic. */
export function settingsOf(config: TopicConfig): DescribedSetting[] {
  const own = Object.entries(SETTINGS).map(([key, { name, type }]) => {
    const ours = key as keyof TopicConfig;
    const isDefault = config[ours] === DEFAULT_CONFIG[ours];
    return { name, value: String(config[ours]), isDefault, readOnly: false, type };
  });
  const fixed = Array.from(FIXED, ([name, value]) => ({
    name,
    value,
    isDefault: true,
    readOnly: true,
    type: TYPE.STRING,
  }));
  return [...own, ...fixed];
}

function whole(name: string): Setting<number> {
  return { name, type: TYPE.LONG, parse: toNumber };
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
