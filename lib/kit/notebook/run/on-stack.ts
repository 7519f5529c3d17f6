import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { catalogUnavailable } from "sololakehouse/catalog";
import { EtcdClient, parseEtcdUri, rangeOf } from "sololakehouse/etcd";
import { openStore, s3OptionsFromEnv } from "sololakehouse/storage";
import type { Project } from "../../milestones/index.js";
import { environmentOf, SERVICES, StackHome, stackUnready, statusOf } from "../../stack/index.js";

/** A lakehouse on the stack that one run of a notebook has for itself. */
export interface StackLake {
  /** The variables by which cells work on it. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it stands on: versions of services, by their names. */
  readonly services: Readonly<Record<string, string>>;
  /** Deletes all that the run has left in it. */
  dispose(): Promise<void>;
}

/** What keeps a lakehouse's tables and its catalog. */
const BELOW = ["seaweedfs", "etcd"] as const;

/** Objects that are deleted in one go. */
const BATCH = 1_000;

/**
 * A place on the stack where there is no table yet: a run finds what it found the last time, and meets nobody's tables.
 *
 * @throws LakehouseError STACK_UNREADY where the stack is not up.
 */
export async function stackLake(project: Project, id: string): Promise<StackLake> {
  const home = new StackHome();
  const shared = environmentOf(home);
  for (const name of BELOW) await mustBeUp(home, name);
  const name = `${id.replace(/[^\w-]/g, "-")}-${randomBytes(4).toString("hex")}`;
  const root = join(project.lake, "stack", name);
  const { endpoints } = parseEtcdUri(shared.SLH_CATALOG ?? "");
  const etcd = `etcd://${endpoints.map((endpoint) => new URL(endpoint).host).join()}/notebooks/${name}`;
  const warehouse = new URL(`/notebooks/${name}`, shared.SLH_WAREHOUSE).href;
  const environment = {
    ...shared,
    SLH_LAKE: root,
    SLH_WAREHOUSE: warehouse,
    SLH_CATALOG: `${etcd}/catalog`,
    SLH_LOG: `${etcd}/log`,
    // What the caller's own environment says of them is not meant.
    SLH_NESSIE_URI: "",
    SLH_ETCD_URI: "",
    SLH_EXPERIMENTS: "",
  };
  return {
    environment,
    services: Object.fromEntries(BELOW.map((each) => [each, home.started(each)?.version ?? ""])),
    dispose: async () => {
      const client = new EtcdClient(endpoints, { owner: "notebook", unavailable: catalogUnavailable });
      await client.transact({ success: [{ request_delete_range: rangeOf(`notebooks/${name}/`) }] });
      client.close();
      const store = openStore(warehouse, { s3: s3OptionsFromEnv(environment) });
      let uris: string[] = [];
      for await (const { uri } of store.list(warehouse)) {
        uris.push(uri);
        if (uris.length < BATCH) continue;
        await store.delete(uris);
        uris = [];
      }
      await store.delete(uris);
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function mustBeUp(home: StackHome, name: (typeof BELOW)[number]): Promise<void> {
  const service = SERVICES[name];
  const { state } = await statusOf(service, home);
  if (state === "up") return;
  throw stackUnready(
    name,
    `A notebook on the stack needs ${service.title}, and it is ${state}.`,
    "Run slh stack up, then this again.",
  );
}
