/** What is known of the log without reading its objects: topics, and where each offset is. */
import type { SegmentSummary } from "../segment/layout.js";
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
  addSegments(segments: readonly SegmentSummary[]): Promise<void>;
  lastSegment(topicId: string, partition: number): Promise<SegmentSummary | undefined>;
  firstSegment(topicId: string, partition: number): Promise<SegmentSummary | undefined>;
  /** The segment that has the offset, in O(log segments). */
  segmentOf(topicId: string, partition: number, offset: bigint): Promise<SegmentSummary | undefined>;
  /** The first segment with a record of this time or later. */
  segmentSince(topicId: string, partition: number, timestamp: bigint): Promise<SegmentSummary | undefined>;
  close(): Promise<void>;
}
