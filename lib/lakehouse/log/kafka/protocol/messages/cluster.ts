/** What a client asks first: which versions, which brokers, which topics. */
import { api } from "../api.js";
import { array, boolean, int8, int16, int32, int64, NO_ID, string, struct, uuid } from "../fields.js";

export const apiVersions = api({
  name: "ApiVersions",
  key: 18,
  versions: "0-3",
  flexible: "3+",
  request: {
    clientSoftwareName: string("3+"),
    clientSoftwareVersion: string("3+"),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32("1+").or(0),
    supportedFeatures: array(
      {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      },
      "3+",
    ).tag(0),
    finalizedFeaturesEpoch: int64("3+").tag(1).or(-1n),
    finalizedFeatures: array(
      {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      },
      "3+",
    ).tag(2),
    zkMigrationReady: boolean("3+").tag(3).or(false),
  },
});

export const metadata = api({
  name: "Metadata",
  key: 3,
  versions: "0-12",
  flexible: "9+",
  request: {
    topics: array({
      topicId: uuid("10+").or(NO_ID),
      name: string().nullable("10+"),
    }).nullable("1+"),
    allowAutoTopicCreation: boolean("4+").or(true),
    includeClusterAuthorizedOperations: boolean("8-10").or(false),
    includeTopicAuthorizedOperations: boolean("8+").or(false),
  },
  response: {
    throttleTimeMs: int32("3+").or(0),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string("1+").nullable().or(null),
    }),
    clusterId: string("2+").nullable().or(null),
    controllerId: int32("1+").or(-1),
    topics: array({
      errorCode: int16(),
      name: string().nullable("12+"),
      topicId: uuid("10+").or(NO_ID),
      isInternal: boolean("1+").or(false),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32("7+").or(-1),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), "5+"),
      }),
      topicAuthorizedOperations: int32("8+").or(-2147483648),
    }),
    clusterAuthorizedOperations: int32("8-10").or(-2147483648),
  },
});

export const describeTopicPartitions = api({
  name: "DescribeTopicPartitions",
  key: 75,
  versions: "0",
  flexible: "0+",
  request: {
    topics: array({
      name: string(),
    }),
    responsePartitionLimit: int32().or(2000),
    cursor: struct({
      topicName: string(),
      partitionIndex: int32(),
    })
      .nullable()
      .or(null),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      errorCode: int16(),
      name: string().nullable(),
      topicId: uuid(),
      isInternal: boolean(),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32().or(-1),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: array(int32()).nullable().or(null),
        lastKnownElr: array(int32()).nullable().or(null),
        offlineReplicas: array(int32()),
      }),
      topicAuthorizedOperations: int32().or(-2147483648),
    }),
    nextCursor: struct({
      topicName: string(),
      partitionIndex: int32(),
    })
      .nullable()
      .or(null),
  },
});

export const describeLogDirs = api({
  name: "DescribeLogDirs",
  key: 35,
  versions: "0-4",
  flexible: "2+",
  request: {
    topics: array({
      topic: string(),
      partitions: array(int32()),
    })
      .nullable()
      .or(null),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16("3+").or(0),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: boolean(),
        }),
      }),
      totalBytes: int64("4+").or(-1n),
      usableBytes: int64("4+").or(-1n),
    }),
  },
});

export const describeCluster = api({
  name: "DescribeCluster",
  key: 60,
  versions: "0-1",
  flexible: "0+",
  request: {
    includeClusterAuthorizedOperations: boolean().or(false),
    endpointType: int8("1+").or(1),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    errorMessage: string().nullable().or(null),
    endpointType: int8("1+").or(1),
    clusterId: string(),
    controllerId: int32().or(-1),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string().nullable().or(null),
    }),
    clusterAuthorizedOperations: int32().or(-2147483648),
  },
});
