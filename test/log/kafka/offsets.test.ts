import { expect, test } from "vitest";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import { offsetCommit } from "../../../lib/lakehouse/log/kafka/protocol/messages/group-offsets.js";
import { Client, serve } from "../support/kafka-client.js";

test("more offsets than one record batch holds are refused as too many of them", async () => {
  const { log, server } = await serve();
  await log.createTopic("t", { partitions: 5_000 });
  const client = await Client.to(server);
  const { topics } = await client.ask(offsetCommit, 8, {
    groupId: "readers",
    memberId: "",
    topics: [
      {
        name: "t",
        partitions: Array.from({ length: 5_000 }, (_, partitionIndex) => ({
          partitionIndex,
          committedOffset: 0n,
          committedMetadata: "x".repeat(4_000),
        })),
      },
    ],
  });
  const codes = topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
  expect(new Set(codes)).toEqual(new Set([ERROR.INVALID_COMMIT_OFFSET_SIZE]));
  expect(codes).toHaveLength(5_000);
});
