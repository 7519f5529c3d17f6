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

export const describeProducers = api({
  name: "DescribeProducers",
  key: 61,
  versions: "0",
  flexible: "0+",
  request: {
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string().nullable().or(null),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32().or(-1),
          lastTimestamp: int64().or(-1n),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64().or(-1n),
        }),
      }),
    }),
  },
});

export const describeTransactions = api({
  name: "DescribeTransactions",
  key: 65,
  versions: "0",
  flexible: "0+",
  request: {
    transactionalIds: array(string()),
  },
  response: {
    throttleTimeMs: int32().or(0),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({
        topic: string(),
        partitions: array(int32()),
      }),
    }),
  },
});

export const listTransactions = api({
  name: "ListTransactions",
  key: 66,
  versions: "0-1",
  flexible: "0+",
  request: {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64("1+").or(-1n),
  },
  response: {
    throttleTimeMs: int32().or(0),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
});

export const writeTxnMarkers = api({
  name: "WriteTxnMarkers",
  key: 27,
  versions: "0-1",
  flexible: "1+",
  request: {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: boolean(),
      topics: array({
        name: string(),
        partitionIndexes: array(int32()),
      }),
      coordinatorEpoch: int32(),
    }),
  },
  response: {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
});
