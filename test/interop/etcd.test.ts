import { afterAll, beforeAll, describe } from "vitest";
import { EtcdBackend } from "../../lib/lakehouse/catalog/versioned/etcd-backend.js";
import { backendConformance } from "../catalog/backend-conformance.js";
import { type EtcdCluster, findEtcd, startEtcd } from "./etcd-cluster.js";

const binary = findEtcd();
if (binary === undefined) {
  console.warn("SKIPPED: no etcd here, neither in .cache/interop nor on the path (Debian: etcd-server).");
}

describe.skipIf(binary === undefined)("etcd", () => {
  let cluster: EtcdCluster;
  let places = 0;
  beforeAll(async () => {
    cluster = await startEtcd(binary as string);
  });
  afterAll(() => cluster?.dispose());

  backendConformance("etcd", async () => {
    const uri = `${cluster.uri}/place-${places++}`;
    return { open: async () => new EtcdBackend(uri), dispose: async () => {} };
  });
});
