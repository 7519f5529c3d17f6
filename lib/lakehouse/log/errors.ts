import { errorKind } from "../errors.js";

/** A segment that is torn, cut short or changed. The message says which offsets it should have held. */
export const corruptSegment = errorKind("CORRUPT_SEGMENT");
/** A write-ahead log whose acknowledged entries are damaged. */
export const corruptWal = errorKind("CORRUPT_WAL");
/** A record batch that is not what the format wants: damaged on the way, or made wrongly. */
export const corruptBatch = errorKind("CORRUPT_RECORD_BATCH");
/** A record batch that no producer may send: one that ends a transaction, or names its producer by halves. */
export const invalidRecord = errorKind("INVALID_RECORD");
/** A batch that does not follow its producer's last: one in between is missing, or it is an old one. */
export const outOfOrderSequence = errorKind("OUT_OF_ORDER_SEQUENCE");
/** A producer in whose place a newer one has come, or whose transaction took too long. */
export const producerFenced = errorKind("PRODUCER_FENCED");
/** What a transaction does not allow as it stands. */
export const invalidTxnState = errorKind("INVALID_TXN_STATE");
/** A producer that speaks for a transactional id which is not its own, or was forgotten. */
export const invalidProducerIdMapping = errorKind("INVALID_PRODUCER_ID_MAPPING");
/** A time that a transaction cannot be given. */
export const invalidTransactionTimeout = errorKind("INVALID_TRANSACTION_TIMEOUT");
/** Records in a format from before Kafka's version 2. */
export const oldMessageFormat = errorKind("OLD_MESSAGE_FORMAT");
/** A record that is larger than its topic allows. */
export const recordTooLarge = errorKind("RECORD_TOO_LARGE");
export const topicExists = errorKind("TOPIC_EXISTS");
export const noSuchTopic = errorKind("NO_SUCH_TOPIC");
/** A topic's description was changed by others, again and again, while it was to be changed here. */
export const conflict = errorKind("TOPIC_CONFLICT");
/** What no topic can be named. */
export const invalidTopic = errorKind("INVALID_TOPIC");
/** A change to a topic that is the log's own. */
export const internalTopic = errorKind("INTERNAL_TOPIC");
/** A number of partitions that a topic cannot have. */
export const invalidPartitions = errorKind("INVALID_PARTITIONS");
/** A message of Kafka's protocol that cannot be read. */
export const malformedRequest = errorKind("MALFORMED_REQUEST");
export const noSuchPartition = errorKind("NO_SUCH_PARTITION");
/** An offset before the first record that is kept, or after the last. */
export const offsetOutOfRange = errorKind("OFFSET_OUT_OF_RANGE");
/** What a topic's settings do not allow to its clients. */
export const policyViolation = errorKind("POLICY_VIOLATION");
/** Another process has the log's write-ahead log open. */
export const logInUse = errorKind("LOG_IN_USE");
/** Another writer has taken the partition over: this one's records can no longer become part of it. */
export const fenced = errorKind("FENCED");
/** A partition that another server leads, or none for the moment. */
export const notLeader = errorKind("NOT_LEADER");
/** A client that knows an earlier leadership of a partition, or a later one than its leader does. */
export const fencedLeaderEpoch = errorKind("FENCED_LEADER_EPOCH");
export const unknownLeaderEpoch = errorKind("UNKNOWN_LEADER_EPOCH");
/** The metadata does not know what the objects or the write-ahead log have: it was lost, or is an old copy. */
export const metadataLost = errorKind("LOG_METADATA_LOST");
/** A record of the log's own state that cannot be understood. */
export const corruptState = errorKind("CORRUPT_STATE");
/** Nothing says any more how far a table has taken in its topic. */
export const positionsLost = errorKind("POSITIONS_LOST");
/** A text that is no schema of its type. */
export const invalidRecordSchema = errorKind("INVALID_RECORD_SCHEMA");
/** A schema that readers or writers of an earlier one could not live with. */
export const incompatibleSchema = errorKind("INCOMPATIBLE_SCHEMA");
export const noSuchSubject = errorKind("NO_SUCH_SUBJECT");
export const noSuchSchemaVersion = errorKind("NO_SUCH_SCHEMA_VERSION");
export const noSuchSchema = errorKind("NO_SUCH_SCHEMA");
/** What is to be deleted has been, softly: to delete it for good has to be said. */
export const subjectDeleted = errorKind("SUBJECT_DELETED");
export const schemaVersionDeleted = errorKind("SCHEMA_VERSION_DELETED");
/** What is to be deleted for good has to be deleted softly before. */
export const subjectNotDeleted = errorKind("SUBJECT_NOT_DELETED");
export const schemaVersionNotDeleted = errorKind("SCHEMA_VERSION_NOT_DELETED");
/** A schema that others refer to. */
export const schemaInUse = errorKind("SCHEMA_IN_USE");
/** What consumer groups refuse, by Kafka's names. The subject is the group, if it is not said to be something else. */
export const invalidGroupId = errorKind("INVALID_GROUP_ID");
export const groupNotFound = errorKind("GROUP_ID_NOT_FOUND");
export const groupNotEmpty = errorKind("NON_EMPTY_GROUP");
export const groupFull = errorKind("GROUP_MAX_SIZE_REACHED");
/** A group that is being deleted, or whose coordinator is ending: it is asked for again. */
export const coordinatorGone = errorKind("COORDINATOR_NOT_AVAILABLE");
export const unknownMember = errorKind("UNKNOWN_MEMBER_ID");
/** A new member is to join again, by the id that is the error's subject. */
export const memberIdRequired = errorKind("MEMBER_ID_REQUIRED");
export const fencedInstance = errorKind("FENCED_INSTANCE_ID");
export const illegalGeneration = errorKind("ILLEGAL_GENERATION");
export const rebalanceInProgress = errorKind("REBALANCE_IN_PROGRESS");
export const inconsistentProtocol = errorKind("INCONSISTENT_GROUP_PROTOCOL");
export const invalidSessionTimeout = errorKind("INVALID_SESSION_TIMEOUT");
/** The subject is the topic and partition. */
export const offsetMetadataTooLarge = errorKind("OFFSET_METADATA_TOO_LARGE");
/** A transaction holds offsets of the partition, and has not ended. The subject is the topic and partition. */
export const unstableOffset = errorKind("UNSTABLE_OFFSET_COMMIT");
/** The subject is the topic. */
export const groupSubscribed = errorKind("GROUP_SUBSCRIBED_TO_TOPIC");

/** A server of the log does not answer, or is none. */
export const logUnavailable = errorKind("LOG_UNAVAILABLE");

export function thereIsOne(name: string, cause?: unknown) {
  return topicExists(name, `There is a topic ${name} already.`, "Use it, or choose another name.", cause);
}

export function topicDeleted(name: string) {
  return noSuchTopic(name, `The topic ${name} was deleted.`);
}

/** @param name of the partition. */
export function ledElsewhere(name: string) {
  return notLeader(
    name,
    `This process does not lead ${name}, or not for sure any more.`,
    "Ask who leads it, and append there; where nobody does, somebody will in a few seconds.",
  );
}

/** @param name of what has the groups, the transactions or the schemas that were asked for. */
export function coordinatedElsewhere(name: string) {
  return notLeader(
    name,
    `This process does not coordinate what is in ${name}, or not for sure any more.`,
    "Try again: clients of Kafka's protocol and of connectLog find who does. Where nobody does, somebody will in a few seconds.",
  );
}

export function topicConflict(name: string) {
  return conflict(name, `Others kept changing the topic ${name} at the same time.`, "Try again.");
}

export function invalidTopicName(name: unknown) {
  return invalidTopic(
    String(name),
    `A topic cannot be named ${JSON.stringify(name)}.`,
    "Use 1 to 249 letters, digits, dots, underscores and hyphens.",
  );
}

/** Somebody who is not who he says, or does not say it. Why is not told. */
export const authenticationFailed = errorKind("AUTHENTICATION_FAILED");
/** What a user may not do, by Kafka's names. The subject is the topic, group, id or cluster. */
export const topicDenied = errorKind("TOPIC_AUTHORIZATION_FAILED");
export const groupDenied = errorKind("GROUP_AUTHORIZATION_FAILED");
export const transactionalIdDenied = errorKind("TRANSACTIONAL_ID_AUTHORIZATION_FAILED");
export const clusterDenied = errorKind("CLUSTER_AUTHORIZATION_FAILED");
export const noSuchUser = errorKind("NO_SUCH_USER");
/** A way of logging in that is not offered. */
export const unsupportedMechanism = errorKind("UNSUPPORTED_SASL_MECHANISM");

/** The same whether there is such a user or not. */
export function badCredentials() {
  return authenticationFailed(
    "credentials",
    "Authentication failed: there is no user of that name with that password.",
    "Check both, and look for spaces and line breaks around them.",
  );
}

export function policyConflict() {
  return conflict("users", "Others kept changing the users of the log at the same time.", "Try again.");
}
