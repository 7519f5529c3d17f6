/** Who answers which API. */
import type { Api, RequestOf, ResponseTo } from "../protocol/api.js";
import { APIS, type ApiName } from "../protocol/apis.js";
import { ERROR } from "../protocol/error-codes.js";
import type { apiVersions } from "../protocol/messages/cluster.js";
import type { Context } from "./context.js";
import { answerCreateAcls, answerDeleteAcls, answerDescribeAcls } from "./handlers/acls.js";
import { answerDescribeCluster, answerDescribeTopicPartitions, answerMetadata } from "./handlers/cluster.js";
import {
  answerAlterConfigs,
  answerDescribeConfigs,
  answerIncrementalAlterConfigs,
} from "./handlers/configs.js";
import { answerFetch } from "./handlers/fetch.js";
import {
  answerOffsetCommit,
  answerOffsetDelete,
  answerOffsetFetch,
  answerTxnOffsetCommit,
} from "./handlers/group-offsets.js";
import {
  answerDeleteGroups,
  answerDescribeGroups,
  answerFindCoordinator,
  answerHeartbeat,
  answerJoinGroup,
  answerLeaveGroup,
  answerListGroups,
  answerSyncGroup,
} from "./handlers/groups.js";
import { answerOffsetForLeaderEpoch } from "./handlers/leader-epochs.js";
import { answerListOffsets } from "./handlers/list-offsets.js";
import { answerDescribeLogDirs } from "./handlers/log-dirs.js";
import { answerProduce } from "./handlers/produce.js";
import { answerAlterClientQuotas, answerDescribeClientQuotas } from "./handlers/quotas.js";
import {
  answerCreatePartitions,
  answerCreateTopics,
  answerDeleteRecords,
  answerDeleteTopics,
} from "./handlers/topics.js";
import {
  answerDescribeProducers,
  answerDescribeTransactions,
  answerListTransactions,
  answerWriteTxnMarkers,
} from "./handlers/transaction-admin.js";
import {
  answerAddOffsetsToTxn,
  answerAddPartitionsToTxn,
  answerEndTxn,
  answerInitProducerId,
} from "./handlers/transactions.js";
import { answerAlterUserScramCredentials, answerDescribeUserScramCredentials } from "./handlers/users.js";

/** @returns the answer; nothing where the client wants none. */
export type Handler<A> = (request: RequestOf<A>, context: Context) => Promise<ResponseTo<A> | undefined>;

const HANDLERS: { readonly [Name in ApiName]?: Handler<(typeof APIS)[Name]> } = {
  produce: answerProduce,
  fetch: answerFetch,
  listOffsets: answerListOffsets,
  metadata: answerMetadata,
  offsetCommit: answerOffsetCommit,
  offsetFetch: answerOffsetFetch,
  findCoordinator: answerFindCoordinator,
  joinGroup: answerJoinGroup,
  heartbeat: answerHeartbeat,
  leaveGroup: answerLeaveGroup,
  syncGroup: answerSyncGroup,
  describeGroups: answerDescribeGroups,
  listGroups: answerListGroups,
  deleteGroups: answerDeleteGroups,
  apiVersions: async () => ({ errorCode: ERROR.NONE, ...versions() }),
  createTopics: answerCreateTopics,
  deleteTopics: answerDeleteTopics,
  createPartitions: answerCreatePartitions,
  deleteRecords: answerDeleteRecords,
  initProducerId: answerInitProducerId,
  offsetForLeaderEpoch: answerOffsetForLeaderEpoch,
  addPartitionsToTxn: answerAddPartitionsToTxn,
  addOffsetsToTxn: answerAddOffsetsToTxn,
  txnOffsetCommit: answerTxnOffsetCommit,
  endTxn: answerEndTxn,
  describeConfigs: answerDescribeConfigs,
  alterConfigs: answerAlterConfigs,
  incrementalAlterConfigs: answerIncrementalAlterConfigs,
  offsetDelete: answerOffsetDelete,
  describeLogDirs: answerDescribeLogDirs,
  describeTopicPartitions: answerDescribeTopicPartitions,
  describeProducers: answerDescribeProducers,
  describeTransactions: answerDescribeTransactions,
  listTransactions: answerListTransactions,
  writeTxnMarkers: answerWriteTxnMarkers,
  describeCluster: answerDescribeCluster,
  saslHandshake: async (request, { authentication, header }) =>
    authentication.handshake(request, header.version),
  saslAuthenticate: (request, { authentication }) => authentication.authenticate(request),
  describeAcls: answerDescribeAcls,
  createAcls: answerCreateAcls,
  deleteAcls: answerDeleteAcls,
  describeClientQuotas: answerDescribeClientQuotas,
  alterClientQuotas: answerAlterClientQuotas,
  describeUserScramCredentials: answerDescribeUserScramCredentials,
  alterUserScramCredentials: answerAlterUserScramCredentials,
};

/** Requests whose order is fixed before they are answered: the connection's next begins then. */
const PIPELINED: ReadonlySet<ApiName> = new Set<ApiName>(["produce"]);

interface Found {
  readonly api: Api;
  readonly handle: (request: unknown, context: Context) => Promise<unknown>;
  readonly isPipelined: boolean;
}

const BY_KEY: ReadonlyMap<number, Found> = new Map(
  Object.entries(HANDLERS).map(([name, handle]) => {
    const api = APIS[name as ApiName] as unknown as Api;
    const isPipelined = PIPELINED.has(name as ApiName);
    return [api.key, { api, handle: handle as Found["handle"], isPipelined }];
  }),
);

export function handlerOf(key: number): Found | undefined {
  return BY_KEY.get(key);
}

function versions() {
  return {
    apiKeys: [...BY_KEY.values()].map(({ api }) => ({
      apiKey: api.key,
      minVersion: api.least,
      maxVersion: api.most,
    })),
  };
}

/** What who asks for ApiVersions in a version that is not spoken is told, in the first one (KIP-511). */
export function oldestVersions(): ResponseTo<typeof apiVersions> {
  return { errorCode: ERROR.UNSUPPORTED_VERSION, ...versions() };
}
