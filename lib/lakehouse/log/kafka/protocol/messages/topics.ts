/** Topics are made, deleted, given more partitions and cut. */
import { api } from "../api.js";
import { array, boolean, int8, int16, int32, int64, string, uuid } from "../fields.js";

export const createTopics = api({
  name: "CreateTopics",
  key: 19,
  versions: "0-7",
  flexible: "5+",
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }),
      configs: array({
        name: string(),
        value: string().nullable(),
      }),
    }),
    timeoutMs: int32().or(60000),
    validateOnly: boolean("1+").or(false),
  },
  response: {
    throttleTimeMs: int32("2+").or(0),
    topics: array({
      name: string(),
      topicId: uuid("7+"),
      errorCode: int16(),
      errorMessage: string("1+").nullable(),
      topicConfigErrorCode: int16("5+").tag(0),
      numPartitions: int32("5+").or(-1),
      replicationFactor: int16("5+").or(-1),
      configs: array(
        {
          name: string(),
          value: string().nullable(),
          readOnly: boolean(),
          configSource: int8().or(-1),
          isSensitive: boolean(),
        },
        "5+",
      ).nullable(),
    }),
  },
});

export const deleteTopics = api({
  name: "DeleteTopics",
  key: 20,
  versions: "0-6",
  flexible: "4+",
  request: {
    topics: array(
      {
        name: string().nullable().or(null),
        topicId: uuid(),
      },
      "6+",
    ),
    topicNames: array(string(), "0-5"),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32("1+").or(0),
    responses: array({
      name: string().nullable("6+"),
      topicId: uuid("6+"),
      errorCode: int16(),
      errorMessage: string("5+").nullable().or(null),
    }),
  },
});

export const createPartitions = api({
  name: "CreatePartitions",
  key: 37,
  versions: "0-3",
  flexible: "2+",
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({
        brokerIds: array(int32()),
      }).nullable(),
    }),
    timeoutMs: int32(),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string().nullable().or(null),
    }),
  },
});

export const deleteRecords = api({
  name: "DeleteRecords",
  key: 21,
  versions: "0-2",
  flexible: "2+",
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        offset: int64(),
      }),
    }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32().or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
});
