/** What servers say in etcd, and under which keys. */
import { partitionKey } from "../wal/wal.js";
import type { Endpoints } from "./cluster.js";
import type { TopicPartition } from "./share.js";

/** What a broker says of itself: `broker/<id>`, which ends with its lease. */
export interface BrokerEntry extends Endpoints {
  /** Its lease: another time that it comes has another. */
  readonly session: string;
  readonly home: string;
}

/** Who led a partition last: `leader/<topic>/<partition>`. It does so while its session lives. */
export interface LeaderEntry {
  /** 0 where it was given up. */
  readonly broker: number;
  readonly session: string;
  readonly home: string;
  /** Larger where another home leads than before; the same where one comes back, and nobody has led meanwhile. */
  readonly epoch: number;
}

const BROKER = /^broker\/(\d+)$/;
const LEADER = /^leader\/([^/]+)\/(\d+)$/;

export function brokerKey(id: number): string {
  return `broker/${id}`;
}

/** Of the broker whose key it is. */
export function idOf(key: string): number | undefined {
  const [, id] = BROKER.exec(key) ?? [];
  return id === undefined ? undefined : Number(id);
}

export function leaderKey({ topicId, partition }: TopicPartition): string {
  return `leader/${partitionKey(topicId, partition)}`;
}

/** The partition whose key it is. */
export function placeOf(key: string): TopicPartition | undefined {
  const [, topicId, partition] = LEADER.exec(key) ?? [];
  return topicId === undefined ? undefined : { topicId, partition: Number(partition) };
}
