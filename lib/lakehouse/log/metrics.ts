import { eventChannel, metric } from "../observability/index.js";

/** Record batches that a reader got. */
export interface LogRead {
  /** From the writer's memory, from the cache of blocks, or from the object store. */
  readonly source: "memory" | "cache" | "store";
  readonly bytes: number;
}

export const logReads = eventChannel<LogRead>("log.read");

/** A record batch that a client has appended, and that was acknowledged. */
export interface LogAppend {
  readonly ack: "wal" | "stored";
  readonly bytes: number;
  /** From when it was appended to when it was acknowledged. */
  readonly milliseconds: number;
}

export const logAppends = eventChannel<LogAppend>("log.append");

/** Records of a topic that a commit has taken into a table. */
export interface TopicTableCommit {
  readonly rows: number;
  readonly deadLetters: number;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const topicTables = eventChannel<TopicTableCommit>("log.table", { level: "info" });

/** A topic gets into its table no more, until somebody begins anew: an error has ended it. */
export interface TopicTableStop {
  readonly topic: string;
  readonly table: string;
  /** The code of the error. */
  readonly outcome: string;
}

export const topicTableStops = eventChannel<TopicTableStop>("log.table.stop", { level: "warn" });

/** Members of a group have joined, and it has a new generation. */
export interface LogRebalance {
  /** From when the group began to wait for them, in milliseconds. */
  readonly ms: number;
  readonly members: number;
}

export const logRebalances = eventChannel<LogRebalance>("log.rebalance");

/** Offsets that a group has committed. */
export interface LogCommit {
  readonly partitions: number;
}

export const logCommits = eventChannel<LogCommit>("log.commit");

/** Records that were acknowledged as `wal` alone, and that another server did not find when it took the partition over. */
export interface LogLost {
  /** Its topic, and its number. */
  readonly partition: string;
  readonly records: number;
  /** The first of their offsets: others have them, or will. */
  readonly from: bigint;
}

export const logLost = eventChannel<LogLost>("log.lost", { level: "warn" });

/** What servers agree by could not be asked, or did not do it. It is tried again. */
export const logClusterFailures = eventChannel<{ readonly error: unknown }>("log.cluster.failure", {
  level: "warn",
});

/** What upkeep has done. */
export interface LogUpkeep {
  readonly what: "expire" | "merge" | "compact" | "forget" | "delete";
  readonly objects: number;
  /** Of the objects, where they are known. */
  readonly bytes: number;
}

export const logUpkeep = eventChannel<LogUpkeep>("log.upkeep", { level: "info" });

/** Upkeep that failed: it is tried again. */
export const logUpkeepFailures = eventChannel<{ readonly count: number }>("log.upkeep.failure", {
  level: "warn",
});

/** Somebody has logged in, or could not. Who it was is not told: what stands in a field for names may be a password. */
export interface LogAuthentication {
  readonly mechanism: string;
  readonly outcome: "ok" | "failed";
}

export const authentications = eventChannel<LogAuthentication>("log.authentication");

/** A user wanted what he may not do. */
export interface LogRefusal {
  readonly operation: string;
  readonly resource: string;
}

export const accessRefusals = eventChannel<LogRefusal>("log.refusal");

/** A user appended or read faster than he may, and waits. */
export interface LogThrottle {
  readonly kind: "produce" | "fetch";
  readonly ms: number;
}

export const throttles = eventChannel<LogThrottle>("log.throttle");

/** The users of the log could not be read again: those that were read last count. */
export const policyFailures = eventChannel<{ readonly error: unknown }>("log.security.failure", {
  level: "warn",
});

/** A call by gRPC that this process has answered; of one that streams, its beginning. */
export interface LogCall {
  /** The method's name. */
  readonly call: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const logCalls = eventChannel<LogCall>("log.call");

/** A request of a Kafka client that was answered. */
export interface KafkaRequest {
  /** By Kafka's name, such as `Fetch`. */
  readonly api: string;
  /** `ok`, or the code of what ended the connection: errors that are part of an answer are `ok`. */
  readonly outcome: string;
  readonly milliseconds: number;
}

export const kafkaRequests = eventChannel<KafkaRequest>("log.kafka.request");

/** A request that failed for a reason that its client can do nothing about, or a connection that broke. */
export interface KafkaFailure {
  readonly error: unknown;
}

export const kafkaFailures = eventChannel<KafkaFailure>("log.kafka.failure", { level: "warn" });

export const metrics = [
  metric(
    kafkaFailures,
    {
      name: "log.kafka.failures",
      kind: "counter",
      unit: "1",
      help: "Requests of Kafka's clients that failed by no fault of theirs, and connections that broke.",
    },
    { value: () => 1 },
  ),
  metric(
    logCalls,
    {
      name: "log.call.duration",
      kind: "histogram",
      unit: "ms",
      help: "Calls by gRPC that were answered; of those that stream, until they began.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ call, outcome }) => ({ call, outcome }) },
  ),
  metric(
    kafkaRequests,
    {
      name: "log.kafka.request.duration",
      kind: "histogram",
      unit: "ms",
      help: "Requests of Kafka's clients that were answered, by API; those that wait for records or members, with their wait.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ api, outcome }) => ({ api, outcome }) },
  ),
  metric(
    authentications,
    {
      name: "log.authentications",
      kind: "counter",
      unit: "1",
      help: "Attempts to log in at the log's servers, by how and with what outcome.",
    },
    { value: () => 1, labels: ({ mechanism, outcome }) => ({ mechanism, outcome }) },
  ),
  metric(
    accessRefusals,
    {
      name: "log.refusals",
      kind: "counter",
      unit: "1",
      help: "What users of the log wanted and may not do, by operation and kind of resource.",
    },
    { value: () => 1, labels: ({ operation, resource }) => ({ operation, resource }) },
  ),
  metric(
    throttles,
    {
      name: "log.throttle.duration",
      kind: "histogram",
      unit: "ms",
      help: "How long users of the log were made to wait who were faster than they may be.",
    },
    { value: ({ ms }) => ms, labels: ({ kind }) => ({ kind }) },
  ),
  metric(
    policyFailures,
    {
      name: "log.security.failures",
      kind: "counter",
      unit: "1",
      help: "Times that the log's users could not be read again.",
    },
    { value: () => 1 },
  ),
  metric(
    logClusterFailures,
    {
      name: "log.cluster.failures",
      kind: "counter",
      unit: "1",
      help: "Requests to the etcd that servers of the log agree by, which failed: they are tried again.",
    },
    { value: () => 1 },
  ),
  metric(
    logLost,
    {
      name: "log.lost.records",
      kind: "counter",
      unit: "1",
      help: "Records that were acknowledged on one server's disk alone, and are lost because another took the partition over.",
    },
    { value: ({ records }) => records },
  ),
  metric(
    logUpkeep,
    {
      name: "log.upkeep.objects",
      kind: "counter",
      unit: "1",
      help: "Objects of the log that upkeep has expired, merged, compacted, forgotten or deleted.",
    },
    { value: ({ objects }) => objects, labels: ({ what }) => ({ what }) },
  ),
  metric(
    logUpkeepFailures,
    {
      name: "log.upkeep.failures",
      kind: "counter",
      unit: "1",
      help: "Runs of upkeep in which something failed: what it is for is tried again.",
    },
    { value: ({ count }) => count },
  ),
  metric(
    topicTables,
    { name: "log.table.rows", kind: "counter", unit: "1", help: "Rows of topics that tables have taken in." },
    { value: ({ rows, outcome }) => (outcome === "ok" ? rows : undefined) },
  ),
  metric(
    topicTables,
    {
      name: "log.table.dead-letters",
      kind: "counter",
      unit: "1",
      help: "Records of topics that became no row, and are in the topic of dead letters.",
    },
    { value: ({ deadLetters, outcome }) => (outcome === "ok" ? deadLetters : undefined) },
  ),
  metric(
    topicTables,
    {
      name: "log.table.commit.duration",
      kind: "histogram",
      unit: "ms",
      help: "Commits of topics into tables, by how long they took.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ outcome }) => ({ outcome }) },
  ),
  metric(
    topicTables,
    {
      name: "log.table.failures",
      kind: "counter",
      unit: "1",
      help: "Commits of topics into tables that failed: they are tried again.",
    },
    { value: ({ outcome }) => (outcome === "ok" ? undefined : 1) },
  ),
  metric(
    topicTableStops,
    {
      name: "log.table.stops",
      kind: "counter",
      unit: "1",
      help: "Times that an error ended a topic's way into its table: nothing more of it gets in until somebody begins anew.",
    },
    { value: () => 1 },
  ),
  metric(
    logReads,
    {
      name: "log.read.bytes",
      kind: "counter",
      unit: "By",
      help: "Bytes of record batches that were read, by where they came from.",
    },
    { value: ({ bytes }) => bytes, labels: ({ source }) => ({ source }) },
  ),
  metric(
    logAppends,
    {
      name: "log.append.bytes",
      kind: "counter",
      unit: "By",
      help: "Bytes of record batches that clients have appended, by how they were acknowledged.",
    },
    { value: ({ bytes }) => bytes, labels: ({ ack }) => ({ ack }) },
  ),
  metric(
    logAppends,
    {
      name: "log.append.duration",
      kind: "histogram",
      unit: "ms",
      help: "Record batches that clients have appended, by how long it took until they were acknowledged.",
    },
    { value: ({ milliseconds }) => milliseconds, labels: ({ ack }) => ({ ack }) },
  ),
  metric(
    logRebalances,
    {
      name: "log.group.rebalance.duration",
      kind: "histogram",
      unit: "ms",
      help: "How long groups took to get all members to join.",
    },
    { value: ({ ms }) => ms },
  ),
  metric(
    logCommits,
    {
      name: "log.group.commits",
      kind: "counter",
      unit: "1",
      help: "Offsets of partitions that groups have committed.",
    },
    { value: ({ partitions }) => partitions },
  ),
];
