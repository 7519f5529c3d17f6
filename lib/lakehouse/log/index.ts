/**
 * The streaming log: topics whose only durable home is the object store. Records are kept in Kafka's record batches, in
 * segments with an index (`segment/layout.ts` has them byte by byte); what is appended is flushed to this machine's disk
 * first (`wal/layout.ts`). One process writes, or several that share the metadata; it can be made again from the objects.
 */
export type { LogOptions } from "./core.js";
export type { AssignorName } from "./groups/assignors.js";
export type { ConsumeOptions } from "./groups/consume-options.js";
export type { GroupsConfig } from "./groups/coordinator.js";
export type { GroupBatch } from "./groups/group-reader.js";
export type { CommittedOffset } from "./groups/group-records.js";
export type {
  GroupDescription,
  GroupState,
  MemberDescription,
} from "./groups/group-types.js";
export type { GroupFilter } from "./groups/groups.js";
export type { GroupDetails, GroupLag, LogGroups, ResetGroupOptions } from "./groups/log-groups.js";
export type { AppendedTo } from "./into-batches.js";
export { serveKafka } from "./kafka/serve.js";
export type { KafkaServer } from "./kafka/server/server.js";
export type { KafkaOptions } from "./kafka/server/settings.js";
export { Log } from "./log.js";
export type { PartitionSize, TopicRecord } from "./meta/log-meta.js";
export type { CleanupPolicy, TimestampType, TopicConfig } from "./meta/topic-config.js";
export type { Ack, Appended, Isolation } from "./partition/partition.js";
export type { PartitionOffsets } from "./partition/partition-reader.js";
export type { Producer, ProducerOptions } from "./producer.js";
export type { NewRecord, RecordHeader } from "./records/batch-builder.js";
export type { Compression } from "./records/compression.js";
export type { LogRecord, ReadHeader } from "./records/read-records.js";
export type { Recovered } from "./recover.js";
export { type ConnectLogOptions, connectLog, type LogCredentials } from "./rpc/connect-log.js";
export type { RemoteGroups } from "./rpc/remote-groups.js";
export type { RemoteLog } from "./rpc/remote-log.js";
export type { RemoteProducer } from "./rpc/remote-producer.js";
export type { RemoteSchemas } from "./rpc/remote-schemas.js";
export type { RemoteTopic } from "./rpc/remote-topic.js";
export type { RemoteTypedTopic } from "./rpc/remote-typed-topic.js";
export { type GrpcServer, type ServeGrpcOptions, serveGrpc } from "./rpc/serve-grpc.js";
export type {
  Compatibility,
  RegistryMode,
} from "./schemas/entries.js";
export type { RegisteredSchema, SchemaVersion, VersionNumber } from "./schemas/lookups.js";
export type { ImportSchemaOptions } from "./schemas/registering.js";
export type { DeleteSchemaOptions, SchemaRegistry, WithDeleted } from "./schemas/registry.js";
export type { NewSchema, SchemaReference, SchemaType } from "./schemas/schema.js";
export {
  type SchemaServer,
  type SchemaServerOptions,
  serveSchemaRegistry,
} from "./schemas/server/serve.js";
export type { Acl, Operation, Pattern, Permission, Resource } from "./security/acl.js";
export type { LogSecurity, NewAcl, UserDescription, UserOptions } from "./security/log-security.js";
export type { TokenOptions } from "./security/tokens.js";
export type { OnIncompatible, RecordColumns } from "./tables/link.js";
export type { JudgeRows, ToTableOptions } from "./tables/options.js";
export type { Positions } from "./tables/positions.js";
export { readTail } from "./tables/read-tail.js";
export type { TableStream } from "./tables/table-stream.js";
export type { TableTail } from "./tables/tail.js";
export type {
  AppendRecordsOptions,
  DeleteRecordsOptions,
  LogBatch,
  ReadFrom,
  ReadTopicOptions,
  Topic,
} from "./topic.js";
export type { NewTopicOptions } from "./topics.js";
export type { AppendByProducerOptions, Transaction, TransactionOffset } from "./transaction.js";
export type {
  AppendRowsOptions,
  NewTypedTopicOptions,
  PlacedRow,
  TypedTopic,
  TypedTopicOptions,
} from "./typed-topic.js";
export type { UpkeepAction, UpkeepOptions } from "./upkeep/upkeep.js";
