import { expect, test } from "vitest";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import {
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  initProducerId,
  listTransactions,
  writeTxnMarkers,
} from "../../../lib/lakehouse/log/kafka/protocol/messages/transactions.js";
import { Client, serve } from "../support/kafka-client.js";
import { readAll, texts } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";

async function opened() {
  const { log, server } = await serve();
  const topic = await log.createTopic("t", { partitions: 2 });
  const client = await Client.to(server);
  const { producerId, producerEpoch } = await client.ask(initProducerId, 4, {
    transactionalId: "mover",
    transactionTimeoutMs: 60_000,
  });
  const owner = { transactionalId: "mover", producerId, producerEpoch };
  const abort = async (producerId: bigint, transactionResult = false) => {
    const { markers } = await client.ask(writeTxnMarkers, 1, {
      markers: [
        {
          ...{ producerId, producerEpoch: 0, transactionResult, coordinatorEpoch: 0 },
          topics: [{ name: "t", partitionIndexes: [0] }],
        },
      ],
    });
    return markers[0]?.topics[0]?.partitions.map(({ errorCode }) => errorCode);
  };
  const partition = await log.core.writing(await log.core.topic("t"), 0);
  const appendTo = async (producerId: bigint) =>
    partition.append(
      await batchOf([{ value: "open" }], "none", 0n, {
        ...{ producerId, producerEpoch: 0, baseSequence: 0, kind: "transactional" },
      }),
      "wal",
    );
  return { log, topic, client, owner, abort, partition, appendTo };
}

test("transactions are listed and described, with what they have", async () => {
  const { client, owner, abort } = await opened();
  const { producerId } = owner;
  const list = async (
    given: { stateFilters?: string[]; producerIdFilters?: bigint[]; durationFilter?: bigint } = {},
  ) => {
    const answer = await client.ask(listTransactions, 1, {
      stateFilters: [],
      producerIdFilters: [],
      ...given,
    });
    return { states: answer.transactionStates, unknown: answer.unknownStateFilters };
  };
  const one = { transactionalId: "mover", producerId, transactionState: "Empty" };
  expect(await list()).toEqual({ states: [one], unknown: [] });
  await client.ask(addPartitionsToTxn, 3, { ...owner, topics: [{ name: "t", partitions: [0, 1] }] });
  const ongoing = { ...one, transactionState: "Ongoing" };
  expect((await list({ stateFilters: ["Ongoing"] })).states).toEqual([ongoing]);
  expect(await list({ stateFilters: ["Empty", "Dead", "Odd"] })).toEqual({ states: [], unknown: ["Odd"] });
  expect((await list({ producerIdFilters: [producerId + 1n] })).states).toEqual([]);
  expect((await list({ durationFilter: 3_600_000n })).states).toEqual([]);
  const { transactionStates } = await client.ask(describeTransactions, 0, {
    transactionalIds: ["mover", "nobody", "mover"],
  });
  expect(transactionStates).toMatchObject([
    {
      ...{ errorCode: 0, transactionalId: "mover", transactionState: "Ongoing", producerId },
      transactionTimeoutMs: 60_000,
      topics: [{ topic: "t", partitions: [0, 1] }],
    },
    { errorCode: ERROR.TRANSACTIONAL_ID_NOT_FOUND, transactionalId: "nobody" },
  ]);
  // It is its coordinator's to end, which goes on with it.
  expect(await abort(producerId)).toEqual([ERROR.INVALID_TXN_STATE]);
});

test("a transaction that hangs is seen at its partition, and aborted", async () => {
  const { topic, client, abort, partition, appendTo } = await opened();
  const stranger = 1_000_008n;
  await partition.transactions.learn({ producerId: stranger, epoch: 0 }, async () => 1);
  await appendTo(stranger);
  await topic.append({ value: "behind it" }, { partition: 0 });
  const committed = async () => texts(await readAll(topic, { partition: 0, isolation: "read_committed" }));
  expect(await committed()).toEqual([]);
  const producers = async () => {
    const { topics } = await client.ask(describeProducers, 0, {
      topics: [{ name: "t", partitionIndexes: [0, 0, 7] }],
    });
    return topics[0]?.partitions;
  };
  expect(await producers()).toMatchObject([
    {
      partitionIndex: 0,
      activeProducers: [
        { producerId: stranger, producerEpoch: 0, lastSequence: 0, currentTxnStartOffset: 0n },
      ],
    },
    { partitionIndex: 7, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION },
  ]);
  expect(await abort(stranger, true)).toEqual([ERROR.INVALID_REQUEST]);
  expect(await committed()).toEqual([]);
  expect(await abort(stranger)).toEqual([ERROR.NONE]);
  expect(await abort(stranger)).toEqual([ERROR.NONE]);
  expect(await committed()).toEqual(["behind it"]);
  expect(await producers()).toMatchObject([{ activeProducers: [{ currentTxnStartOffset: -1n }] }, {}]);
});
