/** What is kept of groups, as the records of the topic `__groups` have it. */
import type { StateFields } from "../state/state-fields.js";
import type { StateFormat } from "../state/state-topic.js";
import type { MemberIdentity } from "./members.js";

/** A group without its offsets. With members it is stable, without any it is empty. */
export interface GroupRecord {
  /** The last that anybody may have heard of. */
  readonly generation: number;
  readonly protocolType: string;
  readonly protocol: string | undefined;
  readonly leader: string | undefined;
  /** When it came into its state, in milliseconds since the epoch. */
  readonly since: number;
  readonly members: readonly MemberRecord[];
}

export interface MemberRecord extends MemberIdentity {
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** What it says with the group's protocol. */
  readonly metadata: Uint8Array;
  readonly assignment: Uint8Array;
}

/** An offset as it is committed: where a reader goes on. */
export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** -1 where it was not said. */
  readonly leaderEpoch: number;
  /** The reader's own. */
  readonly metadata: string;
}

export interface OffsetRecord extends CommittedOffset {
  /** Of the topic: one that was made again under its name has other records at its offsets. */
  readonly topicId: string;
  /** When it was committed, in milliseconds since the epoch. */
  readonly committedAt: number;
  /** Counts commits: of two for one partition, the later one stays. */
  readonly commit: number;
}

/** Offsets that become the group's when a transaction is committed. */
export interface HeldRecord {
  readonly producerId: bigint;
  readonly epoch: number;
  /** As those of its offsets. */
  readonly commit: number;
  readonly offsets: readonly OffsetRecord[];
}

export type GroupValue = { readonly group: string } & (
  | { readonly kind: "group"; readonly record: GroupRecord }
  | { readonly kind: "offset"; readonly record: OffsetRecord }
  | { readonly kind: "held"; readonly record: HeldRecord }
);

export function groupKey(group: string): string {
  return JSON.stringify(["group", group]);
}

export function offsetKey(group: string, topic: string, partition: number): string {
  return JSON.stringify(["offset", group, topic, partition]);
}

export function heldKey(group: string, producerId: bigint, commit: number): string {
  return JSON.stringify(["held", group, String(producerId), commit]);
}

export const GROUP_FORMAT: StateFormat<GroupValue> = {
  version: 1,
  write: (value) => ({ ...value, record: written(value) }),
  read: (fields) => {
    const group = fields.text("group");
    const kind = fields.kind("kind", READERS);
    return { group, kind, record: READERS[kind](fields.fields("record")) } as GroupValue;
  },
};

const READERS: { readonly [Kind in GroupValue["kind"]]: (fields: StateFields) => object } = {
  group: readGroup,
  offset: readOffset,
  held: (fields) =>
    ({
      producerId: fields.bigint("producerId"),
      epoch: fields.integer("epoch"),
      commit: fields.integer("commit"),
      offsets: fields.list("offsets", readOffset),
    }) satisfies HeldRecord,
};

function readGroup(fields: StateFields): GroupRecord {
  const text = (name: string) => fields.text(name);
  return {
    generation: fields.integer("generation"),
    protocolType: fields.text("protocolType"),
    protocol: fields.optional("protocol", text),
    leader: fields.optional("leader", text),
    since: fields.integer("since"),
    members: fields.list("members", (member) => ({
      memberId: member.text("memberId"),
      instanceId: member.optional("instanceId", (name) => member.text(name)),
      clientId: member.text("clientId"),
      clientHost: member.text("clientHost"),
      sessionTimeoutMs: member.integer("sessionTimeoutMs"),
      rebalanceTimeoutMs: member.integer("rebalanceTimeoutMs"),
      metadata: member.bytes("metadata"),
      assignment: member.bytes("assignment"),
    })),
  };
}

function readOffset(fields: StateFields): OffsetRecord {
  return {
    topic: fields.text("topic"),
    topicId: fields.text("topicId"),
    partition: fields.integer("partition"),
    offset: fields.bigint("offset"),
    leaderEpoch: fields.integer("leaderEpoch", -1),
    metadata: fields.text("metadata"),
    committedAt: fields.integer("committedAt"),
    commit: fields.integer("commit"),
  };
}

function written(value: GroupValue): object {
  switch (value.kind) {
    case "group":
      return {
        ...value.record,
        members: value.record.members.map(({ metadata, assignment, ...member }) => ({
          ...member,
          metadata: base64(metadata),
          assignment: base64(assignment),
        })),
      };
    case "offset":
      return writtenOffset(value.record);
    case "held": {
      const { producerId, offsets } = value.record;
      return { ...value.record, producerId: String(producerId), offsets: offsets.map(writtenOffset) };
    }
  }
}

function writtenOffset(record: OffsetRecord): object {
  return { ...record, offset: String(record.offset) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
