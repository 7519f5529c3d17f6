import { SERVICES } from "../../../../lib/kit/stack/index.js";

const { seaweedfs, etcd, catalog, nessie, trino, "trino-worker-1": one, "trino-worker-2": two } = SERVICES;

/** What Trino needs, and Trino: not the log. */
export const ENGINES = [seaweedfs, etcd, catalog, nessie, trino, one, two] as const;
