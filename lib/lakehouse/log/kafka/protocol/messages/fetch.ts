/** Records are fetched, and offsets looked for. */
import { api } from "../api.js";
import { array, int8, int16, int32, int64, NO_ID, records, string, struct, uuid } from "../fields.js";

export const fetch = api({
  name: "Fetch",
  key: 1,
  versions: "4-17",
  flexible: "12+",
  request: {
    clusterId: string("12+").nullable().tag(0).or(null),
    replicaId: int32("0-14").or(-1),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32().or(2147483647),
    isolationLevel: int8().or(0),
    sessionId: int32("7+").or(0),
    sessionEpoch: int32("7+").or(-1),
    topics: array({
      topic: string("0-12").or(""),
      topicId: uuid("13+").or(NO_ID),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32("9+").or(-1),
        fetchOffset: int64(),
        lastFetchedEpoch: int32("12+").or(-1),
        logStartOffset: int64("5+").or(-1n),
        partitionMaxBytes: int32(),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string("0-12").or(""),
        topicId: uuid("13+").or(NO_ID),
        partitions: array(int32()),
      },
      "7+",
    ),
    rackId: string("11+").or(""),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16("7+"),
    sessionId: int32("7+").or(0),
    responses: array({
      topic: string("0-12").or(""),
      topicId: uuid("13+").or(NO_ID),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64().or(-1n),
        logStartOffset: int64("5+").or(-1n),
        divergingEpoch: struct(
          {
            epoch: int32().or(-1),
            endOffset: int64().or(-1n),
          },
          "12+",
        ).tag(0),
        currentLeader: struct(
          {
            leaderId: int32().or(-1),
            leaderEpoch: int32().or(-1),
          },
          "12+",
        ).tag(1),
        snapshotId: struct(
          {
            endOffset: int64().or(-1n),
            epoch: int32().or(-1),
          },
          "12+",
        ).tag(2),
        abortedTransactions: array({
          producerId: int64(),
          firstOffset: int64(),
        }).nullable(),
        preferredReadReplica: int32("11+").or(-1),
        records: records().nullable(),
      }),
    }),
  },
});

export const listOffsets = api({
  name: "ListOffsets",
  key: 2,
  versions: "0-11",
  flexible: "6+",
  request: {
    replicaId: int32(),
    isolationLevel: int8("2+").or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32("4+").or(-1),
        timestamp: int64(),
        maxNumOffsets: int32("0").or(1),
      }),
    }),
    timeoutMs: int32("10+").or(0),
  },
  response: {
    throttleTimeMs: int32("2+").or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        oldStyleOffsets: array(int64(), "0").or([]),
        timestamp: int64("1+").or(-1n),
        offset: int64("1+").or(-1n),
        leaderEpoch: int32("4+").or(-1),
      }),
    }),
  },
});

export const offsetForLeaderEpoch = api({
  name: "OffsetForLeaderEpoch",
  key: 23,
  versions: "0-4",
  flexible: "4+",
  request: {
    replicaId: int32("3+").or(-2),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32("2+").or(-1),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("2+").or(0),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32("1+").or(-1),
        endOffset: int64().or(-1n),
      }),
    }),
  },
});
