import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCatalog } from "../../lib/lakehouse/catalog/index.js";
import { EtcdBackend } from "../../lib/lakehouse/catalog/store/backends/etcd-backend.js";
import { openLakehouse } from "../../lib/lakehouse/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";
import { backendConformance } from "../catalog/support/backend-conformance.js";
import { type BranchingFixture, branchingConformance } from "../catalog/support/branching-conformance.js";
import { catalogConformance } from "../catalog/support/catalog-conformance.js";
import { records, schema } from "../catalog/support/contents.js";
import { evolutionConformance } from "../catalog/support/evolution-conformance.js";
import { viewConformance } from "../catalog/support/view-conformance.js";
import { type EtcdCluster, findEtcd, needsEtcd, startEtcd } from "./etcd-cluster.js";

const binary = findEtcd();

describe("etcd", needsEtcd, () => {
  let cluster: EtcdCluster;
  let places = 0;
  beforeAll(async () => {
    cluster = await startEtcd(binary as string);
  });
  afterAll(() => cluster?.dispose());

  test("keeps the catalog of a lakehouse whose profile names it", async () => {
    const root = await mkdtemp(join(tmpdir(), "lake-etcd-"));
    const catalog = `${cluster.uri}/lake`;
    const lake = await openLakehouse({ root, catalog });
    const table = await lake.createTable("ns.t", { schema });
    await table.append(records(1, 2));
    await lake.branch("etl");
    await lake.close();
    const again = await openLakehouse({ root, catalog });
    expect(await (await again.sql("select count(*)::int as n from ns.t@etl")).rows()).toEqual([{ n: 2 }]);
    expect(existsSync(join(root, "catalog.db"))).toBe(false);
    await again.close();
    await rm(root, { recursive: true, force: true });
  });

  async function catalogPlace(): Promise<BranchingFixture> {
    const directory = await mkdtemp(join(tmpdir(), "catalog-etcd-"));
    const backend = `${cluster.uri}/catalog-${places++}`;
    return {
      open: () => openCatalog({ backend, store: new LocalStore(directory), author: "ada" }),
      dispose: () => rm(directory, { recursive: true, force: true }),
    };
  }
  for (const conformance of [
    catalogConformance,
    evolutionConformance,
    viewConformance,
    branchingConformance,
  ]) {
    conformance("etcd", catalogPlace);
  }

  backendConformance("etcd", async () => {
    const uri = `${cluster.uri}/place-${places++}`;
    return { open: async () => new EtcdBackend(uri), dispose: async () => {} };
  });
});
