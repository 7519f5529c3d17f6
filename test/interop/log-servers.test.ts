import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type Acknowledged,
  checkHistory,
  checkTransactions,
  produceOn,
  transactOn,
} from "../log/support/kafka-load.js";
import { needs } from "../support/needs.js";
import { runs } from "../support/runs.js";
import { type EtcdCluster, findEtcd, needsEtcd, startEtcd } from "./etcd-cluster.js";
import { type LogServer, type LogServers, startLogServers } from "./log-servers.js";
import { addNetwork, canAddNetwork, type Network } from "./networks.js";

// Servers of one log, over real etcd, under clients that were not made for it, while one after the other fails:
// SLH_SOAK=20 node scripts/interop.mjs test/interop/log-servers.test.ts

const binary = findEtcd();
const canCut = binary !== undefined && canAddNetwork();
const TIMES = runs(2);
const PARTITIONS = 4;
/** Longer than its lease. */
const AWAY_MS = 8_000;

interface Load {
  /** Resolves when each partition has taken more. */
  hasMore(): Promise<void>;
  end(): Promise<void>;
}

interface Fault {
  readonly server: LogServer;
  /** Of the clients that know both. */
  readonly load: Load;
  /** Clients that come later, and ask the other server. */
  readonly others: () => Promise<Load>;
}

/** What happens to a server, whose partitions others lead meanwhile. */
const FAULTS: Readonly<Record<string, (fault: Fault) => Promise<void>>> = {
  "is killed": async ({ server, load }) => {
    await server.kill();
    await load.hasMore();
    await server.start();
  },
  "is cut off from etcd": async ({ server, load }) => {
    server.wire.cut();
    await sleep(AWAY_MS);
    await load.hasMore();
    server.wire.mend();
  },
  "is paused, and wakes up as if nothing had been": async ({ server, others }) => {
    server.pause();
    await sleep(AWAY_MS);
    // Those that wait for the server that is paused wait until it wakes: kafkajs does.
    const load = await others();
    await load.hasMore();
    server.resume();
    await load.end();
  },
};

describe("servers of a log on etcd", needsEtcd, () => {
  let etcd: EtcdCluster;
  let log: LogServers;
  beforeAll(async () => {
    etcd = await startEtcd(binary as string);
  });
  afterAll(() => etcd?.dispose());
  afterEach(() => log?.dispose());

  function client(brokers: string[]): kafkajs.Kafka {
    return new kafkajs.Kafka({
      brokers,
      logLevel: kafkajs.logLevel.NOTHING,
      // One that says nothing is given up for the other.
      requestTimeout: 3_000,
      connectionTimeout: 1_000,
      retry: { initialRetryTime: 20, maxRetryTime: 300, retries: 100_000 },
    });
  }

  async function createTopic(kafka: kafkajs.Kafka, topic: string, numPartitions: number): Promise<void> {
    const admin = kafka.admin();
    await admin.connect();
    const configEntries = [{ name: "segment.bytes", value: "16384" }];
    await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] });
    await admin.disconnect();
  }

  /** A producer for each partition, who sends batch after batch. @param first number of the producers. */
  async function produce(kafka: kafkajs.Kafka, first: number, history: Acknowledged[]): Promise<Load> {
    let hasEnded = false;
    const producers = Array.from({ length: PARTITIONS }, () =>
      kafka.producer({ idempotent: true, maxInFlightRequests: 1 }),
    );
    await Promise.all(producers.map((producer) => producer.connect()));
    const own: Acknowledged[] = [];
    const producing = Promise.all(
      producers.map((producer, number) =>
        produceOn(producer, {
          number: first + number,
          partitions: PARTITIONS,
          history: own,
          hasEnded: () => hasEnded,
        }),
      ),
    );
    producing.catch(() => undefined);
    return {
      hasMore: async () => {
        const since = own.length;
        const isEach = () => new Set(own.slice(since).map(({ partition }) => partition)).size === PARTITIONS;
        while (!isEach()) await Promise.race([sleep(20), producing]);
      },
      end: async () => {
        hasEnded = true;
        await producing;
        await Promise.all(producers.map((producer) => producer.disconnect()));
        history.push(...own);
      },
    };
  }

  test.each(Object.keys(FAULTS))(
    "what was acknowledged is there once, in order, though a server %s",
    async (fault) => {
      log = await startLogServers(etcd, 2);
      const kafka = client(log.addresses);
      await createTopic(kafka, "flights", PARTITIONS);
      const history: Acknowledged[] = [];
      const load = await produce(kafka, 0, history);
      for (let time = 1; time <= TIMES; time++) {
        await load.hasMore();
        const [server, other] = time % 2 === 1 ? log.servers : log.servers.toReversed();
        const others = () => produce(client([(other as LogServer).address]), time * PARTITIONS, history);
        await FAULTS[fault]?.({ server: server as LogServer, load, others });
      }
      await load.hasMore();
      await load.end();
      await checkHistory(log.open().topic("flights"), PARTITIONS, history);
    },
  );

  test(
    "what was acknowledged is there once, in order, though the network between a server and etcd is cut",
    needs(canCut, "network namespaces (they need root)"),
    async () => {
      const network = addNetwork("slh-log", "10.231.98", 5) as Network;
      const apart = await startEtcd(binary as string, network.hosts.slice(0, 3));
      try {
        log = await startLogServers(apart, 2, network);
        const kafka = client(log.addresses);
        await createTopic(kafka, "flights", PARTITIONS);
        const history: Acknowledged[] = [];
        const load = await produce(kafka, 0, history);
        const brokersOf = async ({ address }: LogServer) => {
          const admin = client([address]).admin();
          await admin.connect();
          const { brokers } = await admin.describeCluster();
          await admin.disconnect();
          return brokers.length;
        };
        for (const server of log.servers.slice(0, runs(1))) {
          const [other] = log.servers.filter((one) => one !== server);
          await load.hasMore();
          server.wire.cut();
          await sleep(AWAY_MS);
          expect(await brokersOf(other as LogServer), "it is taken for gone").toBe(1);
          await load.hasMore();
          server.wire.mend();
          await expect.poll(() => brokersOf(other as LogServer), { timeout: 30_000 }).toBe(2);
        }
        await load.hasMore();
        await load.end();
        await checkHistory(log.open().topic("flights"), PARTITIONS, history);
      } finally {
        await log.dispose();
        await apart.dispose();
        network.remove();
      }
    },
  );

  test("transactions are there in all of their partitions or in none, though their coordinator is killed", async () => {
    log = await startLogServers(etcd, 2);
    const kafka = client(log.addresses);
    await createTopic(kafka, "moves", 2);
    const committed: string[] = [];
    let hasEnded = false;
    const moving = Promise.all(
      [0, 1, 2, 3].map((id) => transactOn(kafka, { id, committed, hasEnded: () => hasEnded })),
    );
    moving.catch(() => undefined);
    const hasMore = async () => {
      for (const before = committed.length; committed.length < before + 10; )
        await Promise.race([sleep(20), moving]);
    };
    for (let number = 0; number < TIMES; number++) {
      await hasMore();
      const server = log.servers[number % 2] as LogServer;
      await server.kill();
      await hasMore();
      await server.start();
    }
    await hasMore();
    hasEnded = true;
    await moving;
    await checkTransactions(log.open().topic("moves"), committed);
  });

  test("a group reads on behind what it has committed, though its coordinator is killed", async () => {
    log = await startLogServers(etcd, 2);
    const kafka = client(log.addresses);
    await createTopic(kafka, "flights", PARTITIONS);
    const producer = kafka.producer();
    await producer.connect();
    let sent = 0;
    const send = async (count: number) => {
      const messages = Array.from({ length: count }, () => ({
        value: String(sent++),
        partition: sent % PARTITIONS,
      }));
      await producer.send({ topic: "flights", acks: -1, messages });
    };
    const seen = new Map<string, number>();
    // Of one group each server coordinates: whichever dies, one of them has to move.
    const groups = Array.from({ length: 4 }, (_, n) => `readers-${n}`);
    const consumers = groups.map((groupId) =>
      kafka.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 500 }),
    );
    for (const [n, consumer] of consumers.entries()) {
      await consumer.connect();
      await consumer.subscribe({ topics: ["flights"], fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message: { value } }) => {
          const key = `${n} ${value}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        },
      });
    }
    const allSeen = async () => {
      while (seen.size < sent * groups.length) await sleep(20);
    };
    await send(200);
    await allSeen();
    for (const server of log.servers) {
      await server.kill();
      await send(200);
      await allSeen();
      await server.start();
      await send(200);
      await allSeen();
    }
    await Promise.all(consumers.map((consumer) => consumer.disconnect()));
    await producer.disconnect();
    const admin = kafka.admin();
    await admin.connect();
    for (const groupId of groups) {
      const [{ partitions } = { partitions: [] }] = await admin.fetchOffsets({
        groupId,
        topics: ["flights"],
      });
      const total = partitions.reduce((sum, { offset }) => sum + Number(offset), 0);
      expect(total, groupId).toBe(sent);
    }
    await admin.disconnect();
  });
});
