import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  Connection,
  endTxnV3,
  fetchV12,
  findCoordinatorV4,
  heartbeatV4,
  initProducerIdV4,
  joinGroupV9,
  leaveGroupV5,
  listOffsetsV6,
  offsetCommitV8,
  type ProtocolError,
  produceV7,
  ResponseError,
  syncGroupV5,
} from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKERS, type Clients, startClients } from "./brokers.js";
import { createTopic } from "./topics.js";

/** What clients are told, by the requests themselves: @platformatic/kafka exports the protocol. */
describe.each(Object.entries(BROKERS))("%s", (_, start) => {
  let clients: Clients;
  let connection: Connection;
  beforeAll(async () => {
    clients = await startClients(start);
    const [host = "", port] = clients.broker.address.split(":");
    connection = new Connection("suite");
    await connection.connect(host, Number(port));
    await createTopic(clients.broker, "errors");
    // Kafka makes its coordinators when they are first asked for, of groups and of transactions.
    for (const keyType of [0, 1] as const)
      await errorsOf(findCoordinatorV4.api.async(connection, keyType, ["errors"]));
    const isReady = async () =>
      (await errorsOf(heartbeatV4.api.async(connection, "nobody", 1, "stranger"))).includes(
        "UNKNOWN_MEMBER_ID",
      ) && (await errorsOf(initProducerIdV4.api.async(connection, "errors", 10_000, -1n, -1))).length === 0;
    while (!(await isReady())) await sleep(100);
  });
  afterAll(async () => {
    await connection?.close();
    await clients?.close();
  });

  /** The names of the errors that the answer has. */
  async function errorsOf(call: Promise<unknown>): Promise<string[]> {
    try {
      await call;
      return [];
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error;
      return error.errors.map((each) => String((each as ProtocolError).apiId));
    }
  }

  test("who is no member of a group is told so", async () => {
    const topics = [
      { name: "errors", partitions: [{ partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: -1 }] },
    ];
    // Nobody is in this group: offsets are committed without a member, as tools do it.
    expect(await errorsOf(offsetCommitV8.api.async(connection, "nobody", -1, "", null, topics))).toEqual([]);
    expect(
      await errorsOf(offsetCommitV8.api.async(connection, "nobody", 3, "stranger", null, topics)),
    ).toEqual(["UNKNOWN_MEMBER_ID"]);
    expect(await errorsOf(heartbeatV4.api.async(connection, "nobody", 1, "stranger"))).toEqual([
      "UNKNOWN_MEMBER_ID",
    ]);
    expect(
      await errorsOf(
        syncGroupV5.api.async(connection, "nobody", 1, "stranger", null, "consumer", "range", []),
      ),
    ).toEqual(["UNKNOWN_MEMBER_ID"]);
    expect(await errorsOf(leaveGroupV5.api.async(connection, "nobody", [{ memberId: "stranger" }]))).toEqual([
      "UNKNOWN_MEMBER_ID",
    ]);
  });

  test("a member joins in two steps, and is told when its generation is over", async () => {
    const group = "generations";
    const protocols = [{ name: "range", metadata: Buffer.alloc(0) }];
    const join = (memberId: string) =>
      joinGroupV9.api.async(connection, group, 10_000, 10_000, memberId, null, "consumer", protocols);
    // It gets an id first, with which it joins (KIP-394).
    const first = (await join("").catch((error: ResponseError) => error.response)) as { memberId: string };
    expect(first.memberId).not.toBe("");
    const { memberId, generationId, leader } = await join(first.memberId);
    expect(memberId).toBe(first.memberId);
    expect(leader).toBe(memberId);
    const beat = (generation: number) =>
      errorsOf(heartbeatV4.api.async(connection, group, generation, first.memberId));
    const assignments = [{ memberId: first.memberId, assignment: Buffer.from("mine") }];
    const sync = (generation: number, name = "range") =>
      syncGroupV5.api.async(
        connection,
        group,
        generation,
        first.memberId,
        null,
        "consumer",
        name,
        assignments,
      );
    expect(await errorsOf(sync(generationId + 1))).toEqual(["ILLEGAL_GENERATION"]);
    expect(await errorsOf(sync(generationId, "another"))).toEqual(["INCONSISTENT_GROUP_PROTOCOL"]);
    expect((await sync(generationId)).assignment.toString()).toBe("mine");
    expect(await beat(generationId)).toEqual([]);
    expect(await beat(generationId - 1)).toEqual(["ILLEGAL_GENERATION"]);
    const others = joinGroupV9.api.async(connection, group, 10_000, 10_000, "", null, "consumer", [
      { name: "none of theirs", metadata: Buffer.alloc(0) },
    ]);
    expect(await errorsOf(others)).toEqual(["INCONSISTENT_GROUP_PROTOCOL"]);
    const short = joinGroupV9.api.async(connection, group, 1, 10_000, "", null, "consumer", protocols);
    expect(await errorsOf(short)).toEqual(["INVALID_SESSION_TIMEOUT"]);
    expect(await errorsOf(leaveGroupV5.api.async(connection, group, [{ memberId: first.memberId }]))).toEqual(
      [],
    );
    const nameless = joinGroupV9.api.async(connection, "", 10_000, 10_000, "", null, "consumer", protocols);
    expect(await errorsOf(nameless)).toEqual(["INVALID_GROUP_ID"]);
  });

  test("topics, partitions, offsets and acknowledgements that there are not", async () => {
    const offsets = (name: string, partitionIndex: number) =>
      errorsOf(
        listOffsetsV6.api.async(connection, -1, 0, [
          { name, partitions: [{ partitionIndex, currentLeaderEpoch: -1, timestamp: -1n }] },
        ]),
      );
    expect(await offsets("errors", 0)).toEqual([]);
    expect(await offsets("errors", 7)).toEqual(["UNKNOWN_TOPIC_OR_PARTITION"]);
    expect(await offsets("missing", 0)).toEqual(["UNKNOWN_TOPIC_OR_PARTITION"]);
    const produce = (topic: string, acks: number) =>
      errorsOf(
        produceV7.api.async(connection, acks, 1_000, [{ topic, partition: 0, value: Buffer.from("v") }], {
          compression: "none",
        } as never),
      );
    expect(await produce("errors", 1)).toEqual([]);
    expect(await produce("missing", 1)).toEqual(["UNKNOWN_TOPIC_OR_PARTITION"]);
    expect(await produce("errors", 2)).toEqual(["INVALID_REQUIRED_ACKS"]);
    const fetch = (topicId: string, fetchOffset: bigint) =>
      errorsOf(
        fetchV12.api.async(
          connection,
          0,
          1,
          1_000,
          0,
          0,
          -1,
          [
            {
              topicId,
              partitions: [
                {
                  partition: 0,
                  currentLeaderEpoch: -1,
                  fetchOffset,
                  lastFetchedEpoch: -1,
                  partitionMaxBytes: 1_000,
                },
              ],
            },
          ],
          [],
          "",
        ),
      );
    expect(await fetch("errors", 0n)).toEqual([]);
    expect(await fetch("errors", 77n)).toEqual(["OFFSET_OUT_OF_RANGE"]);
    expect(await fetch("missing", 0n)).toEqual(["UNKNOWN_TOPIC_OR_PARTITION"]);
  });

  test("producers of another epoch, and transactions that there are not", async () => {
    const { producerId, producerEpoch } = await initProducerIdV4.api.async(
      connection,
      "errors",
      10_000,
      -1n,
      -1,
    );
    expect(await errorsOf(endTxnV3.api.async(connection, "errors", producerId, producerEpoch, true))).toEqual(
      ["INVALID_TXN_STATE"],
    );
    expect(
      await errorsOf(endTxnV3.api.async(connection, "another", producerId, producerEpoch, true)),
    ).toEqual(["INVALID_PRODUCER_ID_MAPPING"]);
    const second = await initProducerIdV4.api.async(connection, "errors", 10_000, -1n, -1);
    expect(second).toMatchObject({ producerId, producerEpoch: producerEpoch + 1 });
    expect(await errorsOf(endTxnV3.api.async(connection, "errors", producerId, producerEpoch, true))).toEqual(
      ["PRODUCER_FENCED"],
    );
    expect(await errorsOf(initProducerIdV4.api.async(connection, "errors", 10_000_000, -1n, -1))).toEqual([
      "INVALID_TRANSACTION_TIMEOUT",
    ]);
    expect(await errorsOf(initProducerIdV4.api.async(connection, "", 10_000, -1n, -1))).toEqual([
      "INVALID_REQUEST",
    ]);
  });

  /** Sends bytes on a connection of their own, and gives what comes until it is closed, or until there is an answer. */
  function exchange(bytes: Buffer): Promise<Buffer | "closed"> {
    const [host, port] = clients.broker.address.split(":");
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), host);
      socket.once("data", (answer) => {
        resolve(answer);
        socket.destroy();
      });
      socket.once("close", () => resolve("closed"));
      socket.once("error", (error: NodeJS.ErrnoException) =>
        error.code === "ECONNRESET" ? resolve("closed") : reject(error),
      );
      socket.write(bytes);
    });
  }

  const request = (api: number, version: number, body: Buffer = Buffer.alloc(0)) => {
    const header = Buffer.alloc(14);
    header.writeInt32BE(10 + body.length, 0);
    header.writeInt16BE(api, 4);
    header.writeInt16BE(version, 6);
    header.writeInt32BE(4_711, 8);
    header.writeInt16BE(-1, 12);
    return Buffer.concat([header, body]);
  };

  test("a version of ApiVersions that is not known is answered in the first", async () => {
    const answer = (await exchange(request(18, 99, Buffer.from([0])))) as Buffer;
    expect(answer.readInt32BE(4)).toBe(4_711);
    // UNSUPPORTED_VERSION, and then at least ApiVersions itself.
    expect(answer.readInt16BE(8)).toBe(35);
    expect(answer.readInt32BE(10)).toBeGreaterThan(0);
  });

  test.each([
    ["a version that is not known", () => request(3, 99)],
    ["an API that is not known", () => request(9_999, 0)],
    ["a length that is too large", () => Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0])],
    ["a length that is none", () => Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0])],
    ["a request that ends early", () => request(3, 1, Buffer.from([0, 0, 0, 5, 0, 3]))],
    ["an HTTP request", () => Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
  ])("%s ends the connection, and no other", async (_case, bytes) => {
    expect(await exchange(bytes())).toBe("closed");
    expect(await errorsOf(heartbeatV4.api.async(connection, "nobody", 1, "stranger"))).toEqual([
      "UNKNOWN_MEMBER_ID",
    ]);
  });
});
