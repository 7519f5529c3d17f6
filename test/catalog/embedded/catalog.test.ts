import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ObjectStoreBackend, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { LocalStore, S3Store, serveS3 } from "../../../lib/lakehouse/storage/index.js";
import { type BranchingFixture, branchingConformance } from "../support/branching-conformance.js";
import { catalogConformance } from "../support/catalog-conformance.js";
import { evolutionConformance } from "../support/evolution-conformance.js";
import { viewConformance } from "../support/view-conformance.js";

const temporary = () => mkdtemp(join(tmpdir(), "catalog-"));
const remove = (directory: string) => rm(directory, { recursive: true, force: true });

async function embedded(): Promise<BranchingFixture> {
  const directory = await temporary();
  return {
    open: async () =>
      openCatalog({
        backend: join(directory, "catalog.db"),
        store: new LocalStore(join(directory, "warehouse")),
        author: "ada",
      }),
    dispose: () => remove(directory),
  };
}

async function serverless(): Promise<BranchingFixture> {
  const directory = await temporary();
  const gateway = await serveS3(new LocalStore(directory));
  return {
    open: async () => {
      const store = new S3Store(`s3://${gateway.bucket}`, gateway);
      const backend = new ObjectStoreBackend(store, `${store.root}/catalog`);
      return openCatalog({ backend, store, warehouse: `${store.root}/warehouse`, author: "ada" });
    },
    dispose: async () => {
      await gateway.stop();
      await remove(directory);
    },
  };
}

for (const conformance of [catalogConformance, evolutionConformance, viewConformance, branchingConformance]) {
  conformance("embedded (SQLite)", embedded);
  conformance("serverless (S3 alone)", serverless);
}
