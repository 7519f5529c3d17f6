import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { etcdOptions, programOf, SERVICES } from "../../lib/kit/stack/index.js";
import { needs } from "../support/needs.js";

/** The etcd that scripts/interop.mjs installed, or one on the path; `undefined` where there is none. */
export function findEtcd(): string | undefined {
  const [binary = "etcd"] = programOf("etcd", SERVICES.etcd.packages);
  const { status } = spawnSync(binary, ["--version"], { stdio: "ignore" });
  return status === 0 ? binary : undefined;
}

export const needsEtcd = needs(findEtcd() !== undefined, "etcd (Debian: etcd-server)");

export interface EtcdMember {
  /** `host:port` */
  readonly address: string;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  /** Stops it in the middle of whatever it does; it does not know that time passes. */
  pause(): void;
  resume(): void;
  /** On the data that it had. */
  start(): void;
}

export interface EtcdCluster {
  /** `etcd://host:port,host:port,host:port` */
  readonly uri: string;
  readonly members: readonly EtcdMember[];
  /** Who leads now, as the members say; waits until one does. */
  leader(): Promise<EtcdMember>;
  dispose(): Promise<void>;
}

/** Where each member runs: on this machine's loopback interface, unless a test has its own network. */
export interface Host {
  readonly ip: string;
  /** Goes before the command. */
  readonly within: readonly string[];
}

const LOCAL: Host = { ip: "127.0.0.1", within: [] };

/** Starts a cluster of three, each member a process with a folder of its own. */
export async function startEtcd(
  binary: string,
  hosts: readonly Host[] = [LOCAL, LOCAL, LOCAL],
): Promise<EtcdCluster> {
  const directory = await mkdtemp(join(tmpdir(), "etcd-"));
  const ports = await freePorts(hosts.length * 2);
  const peers = hosts.map(({ ip }, index) => `n${index}=http://${ip}:${ports[index * 2 + 1]}`).join(",");
  const members = hosts.map(({ ip, within }, index) => {
    const client = `http://${ip}:${ports[index * 2]}`;
    const peer = `http://${ip}:${ports[index * 2 + 1]}`;
    const options = etcdOptions({
      name: `n${index}`,
      data: join(directory, `n${index}`),
      listenClient: client,
      client,
      listenPeer: peer,
      peer,
      cluster: peers,
      token: directory,
    });
    const args = [...options, "--log-level", "error"];
    return new Member(`${ip}:${ports[index * 2]}`, [...within, binary, ...args]);
  });
  const cluster: EtcdCluster = {
    uri: `etcd://${members.map(({ address }) => address).join(",")}`,
    members,
    leader: () => leaderOf(members),
    dispose: async () => {
      await Promise.all(members.map((member) => member.kill()));
      await rm(directory, { recursive: true, force: true });
    },
  };
  await cluster.leader();
  return cluster;
}

class Member implements EtcdMember {
  readonly address: string;
  readonly #command: readonly string[];
  #process: ChildProcess | undefined;

  constructor(address: string, command: readonly string[]) {
    this.address = address;
    this.#command = command;
    this.start();
  }

  start(): void {
    const [command = "", ...args] = this.#command;
    // Without the variables that etcd takes for options.
    this.#process = spawn(command, args, { stdio: "ignore", env: { PATH: process.env.PATH ?? "" } });
  }

  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }
}

/** The member that the others too take for the leader. */
async function leaderOf(members: readonly Member[]): Promise<Member> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const statuses = await Promise.all(members.map(statusOf));
    const votes = statuses.map((status) => status?.leader).filter((leader) => (leader ?? "0") !== "0");
    for (const [index, status] of statuses.entries()) {
      const id = status?.header.member_id;
      if (id !== undefined && votes.filter((leader) => leader === id).length > members.length / 2) {
        return members[index] as Member;
      }
    }
    await sleep(100);
  }
  throw new Error("The etcd cluster has no leader after half a minute.");
}

async function statusOf({
  address,
}: EtcdMember): Promise<{ header: { member_id: string }; leader?: string } | undefined> {
  try {
    const response = await fetch(`http://${address}/v3/maintenance/status`, {
      method: "POST",
      body: "{}",
      signal: AbortSignal.timeout(1000),
    });
    return (await response.json()) as { header: { member_id: string }; leader?: string };
  } catch {
    return undefined;
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
