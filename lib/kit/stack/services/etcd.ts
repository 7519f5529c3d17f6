import type { NativeService } from "../service.js";

/** One member of an etcd cluster, as its options: the stack's, and those of clusters that tests make. */
export function etcdOptions(member: {
  readonly name: string;
  readonly data: string;
  readonly listenClient: string;
  readonly client: string;
  readonly listenPeer: string;
  readonly peer: string;
  /** `name=peer,…` of all members. */
  readonly cluster: string;
  readonly token: string;
}): readonly string[] {
  const options = {
    name: member.name,
    "data-dir": member.data,
    "listen-client-urls": member.listenClient,
    "advertise-client-urls": member.client,
    "listen-peer-urls": member.listenPeer,
    "initial-advertise-peer-urls": member.peer,
    "initial-cluster": member.cluster,
    "initial-cluster-token": member.token,
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

export const etcd: NativeService = {
  name: "etcd",
  title: "etcd",
  about:
    "keeps the catalog's branches and the log's metadata; one member, since three on one machine fail together",
  version: "3.4.23",
  license: "Apache-2.0",
  profile: "core",
  needs: [],
  memoryMiB: 256,
  health: { port: "client", path: "/health" },
  settings: ({ listen, data, host, port }) => {
    const [client, peer] = [port("etcd", "client"), port("etcd", "peer")];
    return {
      args: [
        ...etcdOptions({
          name: "stack",
          data: `${data}/member`,
          listenClient: `http://${listen}:${client}`,
          client: `http://${host("etcd")}:${client}`,
          listenPeer: `http://${listen}:${peer}`,
          peer: `http://${host("etcd")}:${peer}`,
          cluster: `stack=http://${host("etcd")}:${peer}`,
          token: "sololakehouse",
        }),
        "--log-level",
        "warn",
      ],
    };
  },
  packages: { from: "debian", packages: ["etcd-server"], program: "etcd" },
  stopMs: 15_000,
  container: {
    image: "quay.io/coreos/etcd:v3.4.23",
    entrypoint: ["etcd"],
    health: ["CMD", "etcdctl", "endpoint", "health"],
    data: "/data",
    files: "/etc/sololakehouse",
    published: ["client"],
  },
};
