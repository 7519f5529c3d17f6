/** Offsets of groups. */
import { api } from "../api.js";
import { array, boolean, int16, int32, int64, string } from "../fields.js";

export const offsetCommit = api({
  name: "OffsetCommit",
  key: 8,
  versions: "0-8",
  flexible: "8+",
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32("1+").or(-1),
    memberId: string("1+").or(""),
    groupInstanceId: string("7+").nullable().or(null),
    retentionTimeMs: int64("2-4").or(-1n),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32("6+").or(-1),
        commitTimestamp: int64("1").or(-1n),
        committedMetadata: string().nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("3+").or(0),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});

export const offsetDelete = api({
  name: "OffsetDelete",
  key: 47,
  versions: "0",
  request: {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
  response: {
    errorCode: int16(),
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

export const offsetFetch = api({
  name: "OffsetFetch",
  key: 9,
  versions: "0-8",
  flexible: "6+",
  request: {
    groupId: string("0-7").or(""),
    topics: array(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      "0-7",
    )
      .nullable("2+")
      .or([]),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string(),
          partitionIndexes: array(int32()),
        }).nullable(),
      },
      "8+",
    ).or([]),
    requireStable: boolean("7+").or(false),
  },
  response: {
    throttleTimeMs: int32("3+").or(0),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32("5+").or(-1),
          metadata: string().nullable(),
          errorCode: int16(),
        }),
      },
      "0-7",
    ).or([]),
    errorCode: int16("2-7").or(0),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string(),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32().or(-1),
            metadata: string().nullable(),
            errorCode: int16(),
          }),
        }),
        errorCode: int16().or(0),
      },
      "8+",
    ).or([]),
  },
});
