/** All APIs that are spoken here, by the name of their table. */
import {
  apiVersions,
  describeCluster,
  describeLogDirs,
  describeTopicPartitions,
  metadata,
} from "./messages/cluster.js";
import { alterConfigs, describeConfigs, incrementalAlterConfigs } from "./messages/configs.js";
import { fetch, listOffsets, offsetForLeaderEpoch } from "./messages/fetch.js";
import { offsetCommit, offsetDelete, offsetFetch } from "./messages/group-offsets.js";
import {
  deleteGroups,
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  syncGroup,
} from "./messages/groups.js";
import { produce } from "./messages/produce.js";
import { alterClientQuotas, describeClientQuotas } from "./messages/quotas.js";
import { saslAuthenticate, saslHandshake } from "./messages/sasl.js";
import {
  alterUserScramCredentials,
  createAcls,
  deleteAcls,
  describeAcls,
  describeUserScramCredentials,
} from "./messages/security.js";
import { createPartitions, createTopics, deleteRecords, deleteTopics } from "./messages/topics.js";
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  endTxn,
  initProducerId,
  listTransactions,
  txnOffsetCommit,
  writeTxnMarkers,
} from "./messages/transactions.js";

export const APIS = {
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  txnOffsetCommit,
  describeConfigs,
  alterConfigs,
  saslAuthenticate,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
  offsetDelete,
  describeLogDirs,
  describeTopicPartitions,
  describeProducers,
  describeTransactions,
  listTransactions,
  writeTxnMarkers,
  describeCluster,
  describeAcls,
  createAcls,
  deleteAcls,
  describeClientQuotas,
  alterClientQuotas,
  describeUserScramCredentials,
  alterUserScramCredentials,
} as const;

export type ApiName = keyof typeof APIS;
