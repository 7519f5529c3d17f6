/** Producers that are idempotent, and their transactions. */
import { api } from "../api.js";
import { array, boolean, int16, int32, int64, string } from "../fields.js";

export const initProducerId = api({
  name: "InitProducerId",
  key: 22,
  versions: "0-4",
  flexible: "2+",
  request: {
    transactionalId: string().nullable(),
    transactionTimeoutMs: int32(),
    producerId: int64("3+").or(-1n),
    producerEpoch: int16("3+").or(-1),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    producerId: int64().or(-1n),
    producerEpoch: int16(),
  },
});

export const addPartitionsToTxn = api({
  name: "AddPartitionsToTxn",
  key: 24,
  versions: "0-3",
  flexible: "3+",
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    topics: array({
      name: string(),
      partitions: array(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});

export const addOffsetsToTxn = api({
  name: "AddOffsetsToTxn",
  key: 25,
  versions: "0-3",
  flexible: "3+",
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
  },
});

export const endTxn = api({
  name: "EndTxn",
  key: 26,
  versions: "0-3",
  flexible: "3+",
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: boolean(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
  },
});

export const txnOffsetCommit = api({
  name: "TxnOffsetCommit",
  key: 28,
  versions: "0-3",
  flexible: "3+",
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32("3+").or(-1),
    memberId: string("3+").or(""),
    groupInstanceId: string("3+").nullable().or(null),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32("2+").or(-1),
        committedMetadata: string().nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});
