/** Several servers of one log, each with etcd behind a wire that can be cut. */
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Log } from "../../lib/lakehouse/log/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { kafkaServerProgram, type ServerProcess } from "../log/support/kafka-server.js";
import type { EtcdCluster, Host } from "./etcd-cluster.js";
import type { Network } from "./networks.js";

/** What a server reaches etcd by. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(target: string) {
    const [host, port] = target.split(":");
    this.#server = createServer((near) => {
      const far = connect({ host, port: Number(port) });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        // What is cut says nothing, and hears nothing: nobody is told.
        one.on("data", (chunk: Buffer) => this.#isCut || other.write(chunk));
        one.on("error", () => undefined);
        one.on("close", () => {
          this.#sockets.delete(one);
          if (!this.#isCut) other.destroy();
        });
      }
    });
  }

  static async to(target: string): Promise<Wire> {
    const wire = new Wire(target);
    await new Promise<void>((resolve) => wire.#server.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
  }

  /** Connections that were cut are gone. */
  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.mend();
  }
}

export interface LogServer {
  /** `host:port` of its Kafka listener, which it keeps. */
  readonly address: string;
  readonly wire: Pick<Wire, "cut" | "mend">;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  pause(): void;
  resume(): void;
}

export interface LogServers {
  readonly servers: readonly LogServer[];
  /** Of all of them, for clients. */
  readonly addresses: string[];
  /** The log, for who only reads it. */
  open(): Log;
  dispose(): Promise<void>;
}

let places = 0;

/**
 * @param etcd may have others' logs, too.
 * @param network where etcd has the first hosts and the servers the next; on this machine, each behind a wire, where not given.
 */
export async function startLogServers(
  etcd: EtcdCluster,
  count: number,
  network?: Network,
): Promise<LogServers> {
  const root = await mkdtemp(join(tmpdir(), "slh-log-servers-"));
  const program = await kafkaServerProgram();
  const prefix = `servers-${process.pid}-${places++}`;
  const wires: Wire[] = [];
  const processes: ServerProcess[] = [];
  const servers: LogServer[] = [];
  /** Each asks another member first, and can be cut off from all: they are behind one wire. */
  const wired = async (number: number) => {
    const wire = await Wire.to((etcd.members[number % etcd.members.length] as { address: string }).address);
    wires.push(wire);
    return { wire, meta: `etcd://${wire.address}/${prefix}` };
  };
  const hosted = (network: Network, number: number) => {
    const members = [...etcd.members.keys()];
    const own = members.length + number;
    const wire = { cut: () => network.cut(own, members), mend: () => network.mend(own, members) };
    const at = network.hosts[own] as Host;
    return { wire, meta: `${etcd.uri}/${prefix}`, at };
  };
  for (let number = 0; number < count; number++) {
    const { wire, ...place } = network === undefined ? await wired(number) : hosted(network, number);
    const options = { folder: `log-${number}`, ...place };
    const first = await program.start(root, options);
    processes[number] = first;
    const port = Number(first.address.split(":")[1]);
    const now = () => processes[number] as ServerProcess;
    servers.push({
      address: first.address,
      wire,
      kill: () => now().kill(),
      stop: () => now().stop(),
      pause: () => now().pause(),
      resume: () => now().resume(),
      start: async () => {
        processes[number] = await program.start(root, { ...options, port });
      },
    });
  }
  const logs: Log[] = [];
  return {
    servers,
    addresses: servers.map(({ address }) => address),
    open: () => {
      const log = new Log({
        store: new LocalStore(join(root, "warehouse")),
        folder: join(root, `reader-${logs.length}`),
        meta: `${etcd.uri}/${prefix}`,
      });
      logs.push(log);
      return log;
    },
    dispose: async () => {
      await Promise.all(logs.map((log) => log.close()));
      for (const one of processes) one.resume();
      await Promise.all(processes.map((one) => one.kill()));
      for (const wire of wires) wire.close();
      await program.dispose();
      await rm(root, { recursive: true, force: true });
    },
  };
}
