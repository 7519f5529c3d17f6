import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BROKERS, type Clients, startClients } from "./brokers.js";
import { CLIENTS } from "./clients/clients.js";
import type { Member } from "./member.js";
import { createTopic, produceMany } from "./topics.js";

const PARTITIONS = 6;

describe.each(Object.entries(BROKERS))("%s", (_, start) => {
  let clients: Clients;
  const members: Member[] = [];
  beforeAll(async () => {
    clients = await startClients(start);
  });
  afterAll(async () => {
    await Promise.all(members.map((member) => member.kill()));
    await clients?.close();
  });

  const join = (client: string, group: string, topic: string) => {
    const member = clients.client(client).member(group, topic);
    members.push(member);
    return member;
  };
  const each = [0, 1, 2, 3, 4, 5];

  /** Until all of them together have each partition once, and each of them as many as that. */
  async function share(some: readonly Member[], count: number): Promise<void> {
    const isShared = () =>
      some.every(({ assigned }) => assigned.length === count) &&
      new Set(some.flatMap(({ assigned }) => assigned)).size === PARTITIONS;
    for (const member of some) await member.until(isShared);
  }

  for (const [name, { needs = {}, repeats = false }] of Object.entries(CLIENTS))
    test(`three of ${name} share a topic, and two when one is killed`, needs, async () => {
      const topic = `group-${name.replaceAll(/[^a-zA-Z0-9]/g, "-")}`;
      await createTopic(clients.broker, topic, PARTITIONS);
      const three = [1, 2, 3].map(() => join(name, topic, topic));
      await share(three, 2);

      await produceMany(clients.broker, topic, 300);
      const received = (some: readonly Member[]) => new Set(some.flatMap((member) => member.received));
      await expect.poll(() => received(three).size, { timeout: 60_000 }).toBe(300);
      if (!repeats) expect(three.flatMap((member) => member.received).length).toBe(300);

      const [killed, ...two] = three as [Member, Member, Member];
      await killed.kill();
      await share(two, 3);
      await produceMany(clients.broker, topic, 300);
      await expect.poll(() => received([killed, ...two]).size, { timeout: 60_000 }).toBe(600);

      // Who leaves has committed: another goes on where they were.
      await Promise.all(two.map((member) => member.stop()));
      const alone = join(name, topic, topic);
      await alone.until(({ assigned }) => assigned.length === PARTITIONS);
      await produceMany(clients.broker, topic, 30);
      await expect.poll(() => received([killed, ...two, alone]).size, { timeout: 60_000 }).toBe(630);
      if (!repeats) expect(alone.received.length).toBe(30);
      await alone.stop();
    });

  test("clients of three kinds are members of one group", CLIENTS.kcat!.needs ?? {}, async () => {
    await createTopic(clients.broker, "mixed", PARTITIONS);
    // Each offers an assignment by range.
    const kinds = ["Java 3.9", "kafka-python", "kcat"];
    const three = kinds.map((kind) => join(kind, "mixed", "mixed"));
    await share(three, 2);
    const described = await clients.java<{ state: string; assignor: string; members: number[][] }>(
      4,
      "admin",
      {
        step: "group",
        group: "mixed",
      },
    );
    expect(described.state).toBe("Stable");
    expect(described.assignor).toBe("range");
    expect(described.members.flat().sort((a, b) => a - b)).toEqual(each);
    await Promise.all(three.map((member) => member.stop()));
  });
});
