import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ObjectStoreBackend } from "../../../lib/lakehouse/catalog/store/backends/object-store-backend.js";
import { SqliteBackend } from "../../../lib/lakehouse/catalog/store/backends/sqlite-backend.js";
import { LocalStore, S3Store, serveS3 } from "../../../lib/lakehouse/storage/index.js";
import { backendConformance } from "../support/backend-conformance.js";

const temporary = () => mkdtemp(join(tmpdir(), "catalog-backend-"));
const remove = (directory: string) => rm(directory, { recursive: true, force: true });

backendConformance("SQLite", async () => {
  const directory = await temporary();
  return {
    open: async () => new SqliteBackend(join(directory, "deep", "catalog.db")),
    dispose: () => remove(directory),
  };
});

backendConformance("object store (local)", async () => {
  const directory = await temporary();
  return {
    open: async () => {
      const store = new LocalStore(directory);
      return new ObjectStoreBackend(store, `${store.root}/catalog`);
    },
    dispose: () => remove(directory),
  };
});

backendConformance("object store (S3)", async () => {
  const directory = await temporary();
  const gateway = await serveS3(new LocalStore(directory));
  return {
    open: async () => {
      const store = new S3Store(`s3://${gateway.bucket}`, gateway);
      return new ObjectStoreBackend(store, `${store.root}/catalog`);
    },
    dispose: async () => {
      await gateway.stop();
      await remove(directory);
    },
  };
});
