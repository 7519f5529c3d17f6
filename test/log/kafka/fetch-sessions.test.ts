import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ERROR } from "../../../lib/lakehouse/log/kafka/protocol/error-codes.js";
import { NO_ID } from "../../../lib/lakehouse/log/kafka/protocol/fields.js";
import { fetch } from "../../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import {
  type Fetching,
  FetchSessions,
  type WantedPartition,
} from "../../../lib/lakehouse/log/kafka/server/fetch-sessions.js";
import { runs } from "../../support/runs.js";
import { Client, serve } from "../support/kafka-client.js";

const FIRST = 0;
const LAST = -1;

function wanted(index: number, from = 0n): WantedPartition {
  return { topic: "t", topicId: NO_ID, index, from, maxBytes: 1_000, leaderEpoch: -1, lastEpoch: -1 };
}

function begin(
  sessions: FetchSessions,
  sessionId: number,
  sessionEpoch: number,
  indexes: readonly number[],
  options: { forgotten?: readonly number[]; now?: number; byId?: boolean; user?: string } = {},
) {
  const { forgotten = [], now = 0, byId = false, user } = options;
  return sessions.begin(
    {
      ...{ sessionId, sessionEpoch, byId, user },
      wanted: indexes.map((index) => wanted(index)),
      forgotten: forgotten.map((index) => wanted(index)),
    },
    now,
  );
}

const opened = (answer: Fetching | number): Fetching => {
  if (typeof answer === "number") throw new Error(`refused: ${answer}`);
  return answer;
};

/** What happens to partitions 0 to 3: one gets a record, or cannot be read; the client wants it, or no longer does. */
const anyStep = fc.record({
  what: fc.constantFrom("append", "fail", "mend", "want", "forget", "anew"),
  index: fc.nat({ max: 3 }),
});

test("a client that goes by what it is told knows of all that it wants, as if it had asked in full", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const sessions = new FetchSessions();
      const truth = Array.from({ length: 4 }, () => ({ highWatermark: 0n, errorCode: 0 }));
      const known = new Map<number, { highWatermark: bigint; errorCode: number }>();
      const wants = new Set<number>();
      let id = 0;
      let epoch = FIRST;
      const read = new Map<number, bigint>();
      for (const { what, index } of steps) {
        const partition = truth[index] as (typeof truth)[number];
        if (what === "append") partition.highWatermark++;
        if (what === "fail") partition.errorCode = 1;
        if (what === "mend") partition.errorCode = 0;
        const isMore = what === "want" && !wants.has(index);
        const isLess = what === "forget" && wants.has(index);
        if (isMore) wants.add(index);
        if (isLess) wants.delete(index);
        if (isLess) known.delete(index);
        if (what === "anew" || wants.size === 0) epoch = FIRST;
        const asked = epoch === FIRST ? [...wants] : isMore ? [index] : [];
        const answer = opened(begin(sessions, id, epoch, asked, { forgotten: isLess ? [index] : [] }));
        expect(new Set(answer.wanted.map((one) => one.index))).toEqual(wants);
        const found = answer.wanted.map((one) => {
          const { highWatermark, errorCode } = truth[one.index] as (typeof truth)[number];
          const isRead =
            errorCode === 0 && (read.get(one.index) ?? 0n) < highWatermark && highWatermark % 2n === 0n;
          if (isRead) read.set(one.index, highWatermark);
          const response = { errorCode, highWatermark: errorCode === 0 ? highWatermark : -1n };
          return { ...one, bytes: isRead ? 10 : 0, response };
        });
        for (const { index, response } of answer.tell(found)) known.set(index, response);
        expect(new Set(known.keys())).toEqual(wants);
        for (const index of wants) {
          const { errorCode, highWatermark } = truth[index] as (typeof truth)[number];
          expect(known.get(index)?.errorCode).toBe(errorCode);
          if (errorCode === 0) expect(known.get(index)?.highWatermark).toBe(highWatermark);
        }
        id = answer.sessionId;
        epoch = id === 0 ? FIRST : epoch + 1;
      }
    }),
    { numRuns: runs(300) },
  );
});

describe("a session", () => {
  test("that is not there, or is elsewhere in its course, is refused", () => {
    const sessions = new FetchSessions();
    expect(begin(sessions, 7, 1, [0])).toBe(ERROR.FETCH_SESSION_ID_NOT_FOUND);
    const { sessionId } = opened(begin(sessions, 0, FIRST, [0]));
    expect(sessionId).toBeGreaterThan(0);
    expect(begin(sessions, sessionId, 2, [])).toBe(ERROR.INVALID_FETCH_SESSION_EPOCH);
    expect(opened(begin(sessions, sessionId, 1, [])).sessionId).toBe(sessionId);
    expect(begin(sessions, sessionId, 1, [])).toBe(ERROR.INVALID_FETCH_SESSION_EPOCH);
    expect(begin(sessions, sessionId, 2, [1], { byId: true })).toBe(ERROR.FETCH_SESSION_TOPIC_ID_ERROR);
    expect(opened(begin(sessions, sessionId, LAST, [0])).sessionId).toBe(0);
    expect(begin(sessions, sessionId, 2, [])).toBe(ERROR.FETCH_SESSION_ID_NOT_FOUND);
  });

  test("is of one user, and of nobody else", () => {
    const sessions = new FetchSessions();
    const { sessionId } = opened(begin(sessions, 0, FIRST, [1], { user: "alice" }));
    expect(begin(sessions, sessionId, 1, [], { user: "bob" })).toBe(ERROR.FETCH_SESSION_ID_NOT_FOUND);
    begin(sessions, sessionId, LAST, [1], { user: "bob" });
    expect(opened(begin(sessions, sessionId, 1, [], { user: "alice" })).wanted).toHaveLength(1);
  });

  test("without partitions is none", () => {
    const sessions = new FetchSessions();
    expect(opened(begin(sessions, 0, FIRST, [])).sessionId).toBe(0);
    const { sessionId } = opened(begin(sessions, 0, FIRST, [0]));
    expect(opened(begin(sessions, sessionId, 1, [], { forgotten: [0] }))).toMatchObject({
      sessionId: 0,
      wanted: [],
    });
    expect(begin(sessions, sessionId, 2, [])).toBe(ERROR.FETCH_SESSION_ID_NOT_FOUND);
  });

  test("makes place for others when nobody has used it for a while, the one of long ago first", () => {
    const sessions = new FetchSessions();
    const ids = Array.from({ length: 1_000 }, () => opened(begin(sessions, 0, FIRST, [0])).sessionId);
    expect(opened(begin(sessions, 0, FIRST, [0], { now: 1_000 })).sessionId).toBe(0);
    const [first = 0, second = 0] = ids;
    opened(begin(sessions, first, 1, [], { now: 1_000 }));
    expect(opened(begin(sessions, 0, FIRST, [0], { now: 120_000 })).sessionId).toBeGreaterThan(0);
    expect(begin(sessions, second, 1, [], { now: 120_000 })).toBe(ERROR.FETCH_SESSION_ID_NOT_FOUND);
    expect(opened(begin(sessions, first, 2, [], { now: 120_000 })).sessionId).toBe(first);
  });

  test("remembers no name that is too long for a topic", () => {
    const sessions = new FetchSessions();
    const ask = (sessionId: number, sessionEpoch: number, topic: string) =>
      opened(
        sessions.begin(
          {
            ...{ sessionId, sessionEpoch, byId: false, user: undefined, forgotten: [] },
            wanted: [{ ...wanted(0), topic }],
          },
          0,
        ),
      );
    expect(ask(0, FIRST, "t".repeat(250)).sessionId).toBe(0);
    const { sessionId } = ask(0, FIRST, "t".repeat(249));
    expect(sessionId).toBeGreaterThan(0);
    expect(ask(sessionId, 1, "t".repeat(250))).toMatchObject({ sessionId: 0, wanted: [{}, {}] });
  });

  test("takes no more memory than there is for all", () => {
    const sessions = new FetchSessions();
    const many = Array.from({ length: 150_000 }, (_, index) => index);
    const { sessionId } = opened(begin(sessions, 0, FIRST, many));
    expect(sessionId).toBeGreaterThan(0);
    expect(opened(begin(sessions, 0, FIRST, many)).sessionId).toBe(0);
    const more = many.map((index) => index + many.length);
    // It is answered in full, and asked in full from then on.
    const answer = opened(begin(sessions, sessionId, 1, more));
    expect([answer.sessionId, answer.wanted.length]).toEqual([0, 300_000]);
    expect(opened(begin(sessions, 0, FIRST, many)).sessionId).toBeGreaterThan(0);
  });
});

test("a fetch in a session is told of partitions that have something new, and of no others", async () => {
  const { log, server } = await serve();
  const topic = await log.createTopic("t", { partitions: 100 });
  const client = await Client.to(server);
  const ask = async (
    session: readonly [id: number, epoch: number],
    indexes: readonly number[],
    fetchOffset = 0n,
    forgotten: readonly number[] = [],
  ) => {
    const [sessionId, sessionEpoch] = session;
    const partitions = indexes.map((partition) => ({ partition, fetchOffset, partitionMaxBytes: 1_000_000 }));
    const answer = await client.ask(fetch, 12, {
      ...{ maxWaitMs: 0, minBytes: 1, sessionId, sessionEpoch },
      topics: partitions.length === 0 ? [] : [{ topic: "t", partitions }],
      forgottenTopicsData: forgotten.length === 0 ? [] : [{ topic: "t", partitions: forgotten }],
    });
    const told = answer.responses.flatMap(({ partitions }) => partitions);
    return {
      id: answer.sessionId,
      code: answer.errorCode,
      told: told.map(({ partitionIndex, records }) => [partitionIndex, (records?.length ?? 0) > 0]),
    };
  };
  const all = Array.from({ length: 100 }, (_, index) => index);
  const { id, told } = await ask([0, 0], all);
  expect(told).toEqual(all.map((index) => [index, false]));
  expect((await ask([id, 1], [])).told).toEqual([]);
  await topic.append({ value: "v" }, { partition: 42 });
  expect((await ask([id, 2], [])).told).toEqual([[42, true]]);
  // It has not said that it goes on behind the record.
  expect((await ask([id, 3], [])).told).toEqual([[42, true]]);
  expect((await ask([id, 4], [42], 1n)).told).toEqual([]);
  await topic.append({ value: "v" }, { partition: 7 });
  expect((await ask([id, 5], [], 0n, [7])).told).toEqual([]);
  expect((await ask([id, 6], [99], 9n)).told).toEqual([[99, false]]);
  expect(await ask([id, 9], [])).toEqual({ id: 0, code: ERROR.INVALID_FETCH_SESSION_EPOCH, told: [] });
});
