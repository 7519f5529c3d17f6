import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BranchingCatalog, openCatalog } from "../../lib/lakehouse/catalog/index.js";
import type { NewTable, Table, TypedSchema } from "../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine, type QueryEngine } from "../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../lib/lakehouse/storage/index.js";

/** A folder with a catalog of ours in it, in which other engines read and write too. */
export interface World {
  readonly folder: string;
  readonly store: LocalStore;
  readonly catalog: BranchingCatalog;
  readonly engine: QueryEngine;
  /** A new table `ours.<name>`; its folder is where a Hadoop catalog of Spark's looks for it. */
  create<Row>(
    name: string,
    init: Omit<NewTable, "location" | "schema"> & { schema: TypedSchema<Row> },
  ): Promise<Table<Row>>;
  /** A table that another engine has written to, to go on with: `theirs.<name>`. */
  takeOver(name: string, metadataLocation: string): Promise<Table>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "slh-interop-"));
  await mkdir(join(folder, "warehouse"));
  const store = new LocalStore(folder, { durable: false });
  const catalog = await openCatalog({ backend: ":memory:", store });
  const engine = await openQueryEngine({ resolve: async () => undefined });
  await catalog.createNamespace("ours");
  await catalog.createNamespace("theirs");
  return {
    folder,
    store,
    catalog,
    engine,
    create: async (name, init) => {
      const location = `${store.root}/warehouse/ours/${name}`;
      return (await catalog.createTable(`ours.${name}`, { ...init, location })).withEngine(engine);
    },
    takeOver: async (name, metadataLocation) =>
      (await catalog.registerTable(`theirs.${name}`, metadataLocation, { overwrite: true })).withEngine(
        engine,
      ),
    close: async () => {
      await engine.close();
      await catalog.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
