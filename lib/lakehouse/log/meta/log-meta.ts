/** What is known of the log without reading its objects: topics, and where each offset is. */
import type { Manifest } from "../manifest/manifest.js";
import type { StoredSegment } from "../segment/layout.js";
import type { TopicConfig } from "./topic-config.js";

export interface TopicRecord {
  /** A UUID: a topic that is made again under its name is another. */
  readonly id: string;
  readonly name: string;
  /** How many: 0 to this, less one. */
  readonly partitions: number;
  readonly config: TopicConfig;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Counts up with each change: of two descriptions, the one with the larger number is the later. */
  readonly version: number;
  /** Where the metadata was made again from the objects: no leader before had a larger epoch, and those after it do. */
  readonly epoch?: number | undefined;
}

/** What is known of a partition's manifest. */
export interface KnownManifest {
  readonly revision: number;
  readonly start: bigint;
  readonly next: number;
  readonly cleaned: bigint;
}

/** What a partition has in the object store. */
export interface PartitionSize {
  readonly partition: number;
  readonly segments: number;
  readonly bytes: number;
}

/** What a writer puts into each of its segments. */
export interface Writing {
  /** Larger than any before. */
  readonly epoch: number;
  /** Of 64 bits. */
  readonly writerId: bigint;
}

/**
 * The metadata. It can be made again from the objects alone (`recover`), so it is never ahead of them: an object is put
 * first, and known afterwards.
 */
export interface LogMeta {
  /** @throws LakehouseError TOPIC_EXISTS */
  createTopic(topic: TopicRecord): Promise<void>;
  /** Knows what a topic is now, unless it knows something later. One that is not known stays so. */
  changeTopic(topic: TopicRecord): Promise<void>;
  topic(name: string): Promise<TopicRecord | undefined>;
  topicOf(id: string): Promise<TopicRecord | undefined>;
  /** By name. */
  topics(): Promise<TopicRecord[]>;
  /** With all that is known of its segments. */
  deleteTopic(id: string): Promise<void>;
  /**
   * For who begins to write. The id is random and of this beginning alone, so that two who go on with copies of one
   * metadata do not take each other's segments for their own.
   */
  beginWriting(): Promise<Writing>;
  /** Whether somebody with that id has begun to write with this metadata. */
  hasWritten(writerId: bigint): Promise<boolean>;
  /** Knows a segment. One that is known already stays as it is. */
  addSegments(segments: readonly StoredSegment[]): Promise<void>;
  /** Knows a partition as its manifest has it: segments below `next` are those alone. An older one than is known changes nothing. */
  setManifest(topicId: string, partition: number, manifest: Manifest): Promise<void>;
  manifest(topicId: string, partition: number): Promise<KnownManifest | undefined>;
  /** In their order. */
  segments(topicId: string, partition: number): Promise<StoredSegment[]>;
  /** Of the partitions that have segments, by number. */
  sizes(topicId: string): Promise<PartitionSize[]>;
  lastSegment(topicId: string, partition: number): Promise<StoredSegment | undefined>;
  /** The segment that has the offset, in O(log segments). */
  segmentOf(topicId: string, partition: number, offset: bigint): Promise<StoredSegment | undefined>;
  /** The first segment with a record of this time or later. */
  segmentSince(topicId: string, partition: number, timestamp: bigint): Promise<StoredSegment | undefined>;
  close(): Promise<void>;
}
