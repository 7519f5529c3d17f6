import { vi } from "vitest";
import { SERVICES } from "../../../../lib/kit/stack/index.js";
import type { TrinoClient } from "../../../interop/trino-client.js";

const { seaweedfs, etcd, catalog, nessie, trino, "trino-worker-1": one, "trino-worker-2": two } = SERVICES;

/** What Trino needs, and Trino: not the log. */
export const ENGINES = [seaweedfs, etcd, catalog, nessie, trino, one, two] as const;

/** Until the coordinator has both workers: a node is well before it is known to the others. */
export const untilAllNodesAreThere = (client: TrinoClient): Promise<unknown> =>
  vi.waitUntil(
    async () =>
      (await client.query("select 1 from system.runtime.nodes where state = 'active'")).length === 3,
    { timeout: 300_000, interval: 200 },
  );
