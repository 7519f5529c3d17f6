/** Which server a client has to ask. */
import type { Endpoint } from "../../cluster/cluster.js";
import { fencedLeaderEpoch, ledElsewhere, unknownLeaderEpoch } from "../../errors.js";
import type { TopicRecord } from "../../meta/log-meta.js";
import type { Broker } from "./context.js";

/** A server, as Kafka's clients are told of it. */
export interface ToldBroker extends Endpoint {
  readonly nodeId: number;
}

const NO_EPOCH = -1;

/** Those that Kafka's clients reach, by id; this one always is. */
export function brokersOf({ cluster, host, port }: Broker): ToldBroker[] {
  const others = cluster
    .brokers()
    .flatMap(({ id, kafka }) =>
      kafka === undefined || id === cluster.self ? [] : [{ nodeId: id, host: kafka.host, port: kafka.port }],
    );
  return [...others, { nodeId: cluster.self, host, port }].sort((a, b) => a.nodeId - b.nodeId);
}

/** Who leads a partition, and since when; nobody where clients cannot reach him. */
export function leaderOf(
  broker: Broker,
  topicId: string,
  partition: number,
): (ToldBroker & { readonly leaderEpoch: number }) | undefined {
  const { cluster } = broker;
  const leader = cluster.leader(topicId, partition);
  // One whose lease is over does not know who leads by now: others do.
  if (leader?.broker === cluster.self && !cluster.leads(topicId, partition)) return undefined;
  const told = brokersOf(broker).find(({ nodeId }) => nodeId === leader?.broker);
  return leader && told && { ...told, leaderEpoch: leader.epoch };
}

/**
 * Refuses what only the partition's leader answers, and clients that know another leadership.
 *
 * @param known the epoch of the leader whom the client knows; -1 where it knows none.
 * @throws LakehouseError NOT_LEADER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH
 */
export function checkLeader({ cluster }: Broker, topic: TopicRecord, partition: number, known: number): void {
  const name = `${topic.name}/${partition}`;
  if (!cluster.leads(topic.id, partition)) throw ledElsewhere(name);
  const epoch = cluster.epoch(topic.id, partition);
  if (known === NO_EPOCH || known === epoch) return;
  if (known < epoch) throw fencedLeaderEpoch(name, `A client knows ${name} as it was led before.`);
  throw unknownLeaderEpoch(
    name,
    `A client knows a later leadership of ${name} than this server.`,
    "Try again.",
  );
}
