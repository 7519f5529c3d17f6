import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { kafkaServerProgram } from "../../log/support/kafka-server.js";
import { Engine } from "../engine.js";
import { findEtcd, startEtcd } from "../etcd-cluster.js";
import { startLogServers } from "../log-servers.js";
import type { Client } from "./clients/client.js";
import { CLIENTS } from "./clients/clients.js";
import { javaOptions } from "./clients/engine-clients.js";

export interface Broker {
  /** `host:port` */
  readonly address: string;
  stop(): Promise<void>;
}

/** Kafka's own. */
export async function startKafka(): Promise<Broker> {
  const script = fileURLToPath(new URL("../../../scripts/kafka.mjs", import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-5_000);
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const first = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (first.done) throw new Error(`Kafka did not start:\n${said}`);
  return {
    address: first.value,
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}

async function startOurs(): Promise<Broker> {
  const root = await mkdtemp(join(tmpdir(), "slh-interop-kafka-"));
  const program = await kafkaServerProgram();
  const server = await program.start(root);
  return {
    address: server.address,
    stop: async () => {
      await server.stop();
      await program.dispose();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Two servers of one log; clients are told of one. */
export async function startTwo(): Promise<Broker> {
  const etcd = await startEtcd(findEtcd() as string);
  const log = await startLogServers(etcd, 2);
  return {
    address: log.addresses[0] as string,
    stop: async () => {
      await log.dispose();
      await etcd.dispose();
    },
  };
}

/**
 * With SLH_KAFKA_SERVERS=2 the suite is run on two of our servers, too, which takes as long again.
 *
 * With SLH_KAFKA_CONTROL=1 Kafka's own broker goes first: what the suite wants of ours is what Kafka does. It takes four
 * minutes, and cannot change unless a test does.
 */
export const BROKERS: Readonly<Record<string, () => Promise<Broker>>> = {
  ...(process.env.SLH_KAFKA_CONTROL && { Kafka: startKafka }),
  ours: startOurs,
  ...(process.env.SLH_KAFKA_SERVERS && { "two of ours": startTwo }),
};

/** A broker with a client of each kind at it. */
export interface Clients {
  readonly broker: Broker;
  client(name: string): Client;
  /** A function of java/KafkaClient.java, with Kafka's client of that generation. */
  java<Result>(version: 3 | 4, name: string, args: Readonly<Record<string, unknown>>): Promise<Result>;
  close(): Promise<void>;
}

export async function startClients(start: () => Promise<Broker>): Promise<Clients> {
  const broker = await start();
  const opened = new Map<string, Client>();
  const engines = new Map<3 | 4, Engine>();
  return {
    broker,
    // Each when it is first asked for: not every test has to do with all.
    client: (name) => {
      const client = opened.get(name) ?? CLIENTS[name]!.open(broker.address);
      opened.set(name, client);
      return client;
    },
    java: (version, name, args) => {
      const engine = engines.get(version) ?? new Engine("KafkaClient.java", javaOptions(version));
      engines.set(version, engine);
      return engine.call(name, { bootstrap: broker.address, ...args });
    },
    close: async () => {
      await Promise.all([...opened.values(), ...engines.values()].map((client) => client.close()));
      await broker.stop();
    },
  };
}
