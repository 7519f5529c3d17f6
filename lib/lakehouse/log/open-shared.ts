/** Opens what servers of one log agree by. */
import { join } from "node:path";
import { EtcdClient, parseEtcdUri } from "../etcd/index.js";
import { storageFailed } from "../storage/index.js";
import { EtcdCluster } from "./cluster/etcd-cluster.js";
import { homeAt, rememberHome } from "./cluster/home.js";
import { EtcdMeta } from "./meta/etcd-meta.js";
import { EtcdMirror } from "./meta/mirror.js";
import { SqliteMeta } from "./meta/sqlite-meta.js";
import { logClusterFailures } from "./metrics.js";
import { sleep, systemClock } from "./partition/clock.js";

export interface SharedLog {
  readonly meta: EtcdMeta;
  readonly cluster: EtcdCluster;
  /** After all else. */
  close(): Promise<void>;
}

/**
 * @param uri `etcd://host:2379,host:2379/prefix`
 * @param folder of this server alone.
 * @throws LakehouseError INVALID_CONFIG, STORAGE_FAILED
 */
export async function openShared(uri: string, folder: string): Promise<SharedLog> {
  const { endpoints, prefix } = parseEtcdUri(uri);
  const etcd = new EtcdClient(endpoints, { owner: "log", unavailable: storageFailed });
  const onFailure = (error: unknown) => logClusterFailures.publish({ error });
  const mirror = new EtcdMirror({
    etcd,
    prefix: `${prefix}log/`,
    sleep: (ms, signal) => sleep(systemClock, ms, signal),
    onFailure,
  });
  const meta = new EtcdMeta(mirror, new SqliteMeta(join(folder, "meta.db")));
  const home = homeAt(folder);
  const cluster = new EtcdCluster({
    etcd,
    mirror,
    clock: systemClock,
    elapsed: () => performance.now(),
    home,
    onBroker: (broker) => rememberHome(folder, { ...home, broker }),
    topics: () => meta.topics(),
    onFailure,
  });
  const close = async () => {
    await meta.close();
    etcd.close();
  };
  try {
    await meta.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { meta, cluster, close };
}
