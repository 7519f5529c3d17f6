import { spawnSync } from "node:child_process";
import type { Host } from "./etcd-cluster.js";

/** Hosts of a network of their own, each in a namespace, and a bridge by which this machine reaches them. */
export interface Network {
  readonly hosts: readonly Host[];
  /** What a host sends to others goes nowhere, and nobody is told; this machine still reaches it. */
  cut(host: number, others: readonly number[]): void;
  mend(host: number, others: readonly number[]): void;
  remove(): void;
}

/** Whether there can be one. It needs root, on Linux. */
export function canAddNetwork(): boolean {
  const network = addNetwork("slh-probe", "10.231.96", 0);
  network?.remove();
  return network !== undefined;
}

/**
 * @param name of the bridge: no other test of this machine has one of it at the same time.
 * @param prefix the first three numbers of its addresses.
 */
export function addNetwork(name: string, prefix: string, count: number): Network | undefined {
  if (!run(["ip", "link", "add", name, "type", "bridge"])) return undefined;
  run(["ip", "addr", "add", `${prefix}.254/24`, "dev", name]);
  run(["ip", "link", "set", name, "up"]);
  const namespaces = Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);
  const hosts = namespaces.map((namespace, i) => ({
    ip: `${prefix}.${i + 1}`,
    within: ["ip", "netns", "exec", namespace],
  }));
  for (const [i, { ip, within }] of hosts.entries()) {
    const [namespace, outside] = [`${name}-${i + 1}`, `${name}-v${i + 1}`];
    run(["ip", "netns", "add", namespace]);
    run(["ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace]);
    run(["ip", "link", "set", outside, "master", name, "up"]);
    run([...within, "ip", "addr", "add", `${ip}/24`, "dev", "eth0"]);
    run([...within, "ip", "link", "set", "lo", "up"]);
    run([...within, "ip", "link", "set", "eth0", "up"]);
  }
  const route = (what: "add" | "del", host: number, others: readonly number[]) => {
    for (const other of others)
      run([...(hosts[host]?.within ?? []), "ip", "route", what, "blackhole", `${hosts[other]?.ip}/32`]);
  };
  return {
    hosts,
    cut: (host, others) => route("add", host, others),
    mend: (host, others) => route("del", host, others),
    remove: () => {
      for (const namespace of namespaces) run(["ip", "netns", "del", namespace]);
      run(["ip", "link", "del", name]);
    },
  };
}

function run([command = "", ...args]: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}
