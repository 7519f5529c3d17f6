/** Records are produced. */
import { api } from "../api.js";
import { array, int16, int32, int64, records, string, struct } from "../fields.js";

export const produce = api({
  name: "Produce",
  key: 0,
  versions: "0-11",
  flexible: "9+",
  request: {
    transactionalId: string("3+").nullable().or(null),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string(),
      partitionData: array({
        index: int32(),
        records: records().nullable(),
      }),
    }),
  },
  response: {
    responses: array({
      name: string(),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64("2+").or(-1n),
        logStartOffset: int64("5+").or(-1n),
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: string().nullable().or(null),
          },
          "8+",
        ),
        errorMessage: string("8+").nullable().or(null),
        currentLeader: struct(
          {
            leaderId: int32().or(-1),
            leaderEpoch: int32().or(-1),
          },
          "10+",
        ).tag(0),
      }),
    }),
    throttleTimeMs: int32("1+").or(0),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string().nullable().or(null),
      },
      "10+",
    ).tag(0),
  },
});
