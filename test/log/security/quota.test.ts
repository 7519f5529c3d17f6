import fc from "fast-check";
import { expect, test } from "vitest";
import { fetch } from "../../../lib/lakehouse/log/kafka/protocol/messages/fetch.js";
import { produce } from "../../../lib/lakehouse/log/kafka/protocol/messages/produce.js";
import { RateLimit } from "../../../lib/lakehouse/log/security/quota.js";
import { runs } from "../../support/runs.js";
import { serve } from "../support/kafka-client.js";
import { openLog, testFolder } from "../support/lake-log.js";
import { batchOf } from "../support/records.js";
import { loggedIn, PASSWORD } from "../support/sasl-client.js";

test("who waits as he is told is never faster than he may be, but for a second's worth", () => {
  const steps = fc.array(fc.record({ bytes: fc.nat(5_000), idle: fc.nat(3_000) }), { maxLength: 50 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 500, max: 10_000 }), (all, rate) => {
      const limit = new RateLimit(0);
      let now = 0;
      let sent = 0;
      for (const { bytes, idle } of all) {
        now += idle;
        sent += bytes;
        let wait = limit.use(bytes, rate, now);
        // The longest is cut short: it is told again.
        for (; wait > 0; wait = limit.use(0, rate, now)) now += wait;
        expect(sent).toBeLessThanOrEqual(rate + (rate * now) / 1000 + 1);
      }
    }),
    { numRuns: runs(300) },
  );
});

test("who is slow enough never waits", () => {
  const limit = new RateLimit(0);
  for (let now = 0; now < 100_000; now += 500) expect(limit.use(400, 1_000, now)).toBe(0);
});

test("a user who appends or reads too fast is told to wait, and is not read from meanwhile; others are", async () => {
  const log = openLog(testFolder());
  await log.createTopic("t", { compression: "none" });
  await log.security.setUser("fast", { password: PASSWORD, isAdmin: true, produceBytesPerSecond: 100_000 });
  await log.security.setUser("reader", { password: PASSWORD, isAdmin: true, fetchBytesPerSecond: 100_000 });
  const { server } = await serve({}, log);
  const request = async (bytes: number) => ({
    acks: 1,
    timeoutMs: 1_000,
    topicData: [
      {
        name: "t",
        partitionData: [{ index: 0, records: [await batchOf([{ value: "x".repeat(bytes) }])] }],
      },
    ],
  });
  const [fast, again] = [await loggedIn(server, "fast"), await loggedIn(server, "fast")];
  const since = performance.now();
  const first = await fast.ask(produce, 7, await request(150_000));
  expect(first.throttleTimeMs).toBeGreaterThan(0);
  expect(first.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  const [mine, other] = [
    fast.ask(produce, 7, await request(150_000)),
    again.ask(produce, 7, await request(900_000)),
  ];
  // By another connection he is told of all that he has sent.
  expect((await other).throttleTimeMs).toBeGreaterThan(first.throttleTimeMs);
  await mine;
  expect(performance.now() - since).toBeGreaterThan(first.throttleTimeMs);
  const reader = await loggedIn(server, "reader");
  const topics = [
    { topic: "t", partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1 << 20 }] },
  ];
  const read = () => reader.ask(fetch, 11, { maxWaitMs: 0, minBytes: 1, topics, forgottenTopicsData: [] });
  const { throttleTimeMs, responses } = await read();
  expect(throttleTimeMs).toBeGreaterThan(0);
  expect(responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(150_000);
});
