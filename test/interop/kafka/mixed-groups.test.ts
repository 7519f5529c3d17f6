import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assignmentOf } from "../../../lib/lakehouse/log/groups/consumer-protocol.js";
import { type KafkaServer, Log, serveKafka } from "../../../lib/lakehouse/log/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { Engine } from "../engine.js";
import { javaOptions } from "./clients/engine-clients.js";

const ALL = [0, 1, 2, 3];

/** A group that Java's consumers are in, and readers of the library: whichever leads assigns to all. */
describe.each([3, 4] as const)("with Java's client of generation %i", (generation) => {
  let log: Log;
  let server: KafkaServer;
  let java: Engine;
  const folder = mkdtempSync(join(tmpdir(), "slh-mixed-groups-"));
  beforeAll(async () => {
    log = new Log({ store: new LocalStore(join(folder, "warehouse")), folder: join(folder, "log") });
    server = await serveKafka(log, { port: 0 });
    java = new Engine("KafkaClient.java", javaOptions(generation));
  });
  afterAll(async () => {
    await java.close();
    await server.stop();
    await log.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (name: string, topic: string, group: string, assignor: string) =>
    java.call("openConsumer", {
      ...{ name, topic, group, bootstrap: `${server.host}:${server.port}` },
      settings: {
        "group.id": group,
        "partition.assignment.strategy": `org.apache.kafka.clients.consumer.${assignor}`,
        "session.timeout.ms": "6000",
        "heartbeat.interval.ms": "200",
        "auto.offset.reset": "earliest",
      },
    });
  const poll = async (name: string) =>
    (await java.call<{ assigned: number[] }>("poll", { name, ms: 100 })).assigned;
  /** Each look after a rest: without one, a condition that waits for nothing keeps the servers from going on. */
  const until = async (done: () => Promise<boolean>) => {
    while (!(await done())) await sleep(20);
  };
  /** What readers of the library have. */
  const ours = async (group: string) =>
    (await log.groups.describe(group)).members
      .filter(({ clientId }) => clientId === "sololakehouse")
      .flatMap(({ assignment }) => [...(assignmentOf(assignment)?.values() ?? [])].flat());

  test("sticky leaves each what it had, whoever leads", async () => {
    const topic = await log.createTopic("sticky", { partitions: 4 });
    await open("first", topic.name, "sticky", "StickyAssignor");
    await until(async () => (await poll("first")).length === 4);
    const stop = new AbortController();
    const reading = (async () => {
      const options = { group: "sticky", assignor: "sticky", sessionTimeoutMs: 6_000 } as const;
      for await (const batch of log.consume([topic.name], { ...options, signal: stop.signal }))
        expect(batch.topic).toBe(topic.name);
    })();
    let left: number[] = [];
    await until(async () => {
      left = await poll("first");
      return left.length === 2 && (await ours("sticky")).length === 2;
    });
    const had = await ours("sticky");
    expect([...left, ...had].sort()).toEqual(ALL);
    await open("second", topic.name, "sticky", "StickyAssignor");
    let comer: number[] = [];
    await until(async () => {
      left = await poll("first");
      comer = await poll("second");
      return comer.length > 0 && left.length + comer.length + (await ours("sticky")).length === 4;
    });
    for (const one of await ours("sticky")) expect(had).toContain(one);
    await java.call("closeConsumer", { name: "first" });
    // The library's leads now.
    await until(async () => {
      comer = await poll("second");
      return comer.length === 2 && (await ours("sticky")).length === 2;
    });
    expect([...comer, ...(await ours("sticky"))].sort()).toEqual(ALL);
    await java.call("closeConsumer", { name: "second" });
    stop.abort();
    await reading;
  });

  test("cooperative readers of both kinds take nothing from each other before it is given up", async () => {
    const topic = await log.createTopic("together", { partitions: 4 });
    await open("java", topic.name, "together", "CooperativeStickyAssignor");
    await until(async () => (await poll("java")).length === 4);
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      const options = { group: "together", assignor: "cooperative-sticky", sessionTimeoutMs: 6_000 } as const;
      for await (const { partition } of log.consume([topic.name], { ...options, signal: stop.signal }))
        seen.push(String(partition));
    })();
    let theirs: number[] = [];
    // Java's leads.
    await until(async () => {
      theirs = await poll("java");
      expect(theirs.length).toBeGreaterThanOrEqual(2);
      return theirs.length === 2 && (await ours("together")).length === 2;
    });
    const had = await ours("together");
    expect([...theirs, ...had].sort()).toEqual(ALL);
    await topic.append([{ value: "v" }], { partition: had[0] });
    await until(async () => seen.length === 1);
    await java.call("closeConsumer", { name: "java" });
    // The library's leads now, and Java's comes to it.
    await until(async () => (await ours("together")).length === 4);
    await open("again", topic.name, "together", "CooperativeStickyAssignor");
    await until(async () => {
      theirs = await poll("again");
      return theirs.length === 2 && (await ours("together")).length === 2;
    });
    expect([...theirs, ...(await ours("together"))].sort()).toEqual(ALL);
    await java.call("closeConsumer", { name: "again" });
    stop.abort();
    await reading;
  });

  test("cooperative readers go on while partitions move", async () => {
    const topic = await log.createTopic("cooperative", { partitions: 4 });
    await open("one", topic.name, "cooperative", "CooperativeStickyAssignor");
    await until(async () => (await poll("one")).length === 4);
    await open("two", topic.name, "cooperative", "CooperativeStickyAssignor");
    let one: number[] = [];
    let two: number[] = [];
    await until(async () => {
      one = await poll("one");
      two = await poll("two");
      expect(one.length).toBeGreaterThanOrEqual(2);
      return two.length === 2;
    });
    expect([...one, ...two].sort()).toEqual(ALL);
    for (const name of ["one", "two"]) await java.call("closeConsumer", { name });
  });
});
