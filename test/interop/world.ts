import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BranchingCatalog,
  type CreateTableOptions,
  openCatalog,
} from "../../lib/lakehouse/catalog/index.js";
import { openTableAt, type Table, type TypedSchema } from "../../lib/lakehouse/iceberg/index.js";
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
    init: Omit<CreateTableOptions<Row>, "location" | "schema"> & { schema: TypedSchema<Row> },
  ): Promise<Table<Row>>;
  /** A table that another engine has written to, to go on with: `theirs.<name>`. */
  takeOver(name: string, metadataLocation: string): Promise<Table>;
  /** Puts a table's metadata where a Hadoop catalog looks for it, as its newest version. */
  publish(table: Table): Promise<void>;
  /** The newest version of a table in the Hadoop catalog, taken over. */
  published(name: string): Promise<Table>;
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
  const takeOver: World["takeOver"] = async (name, metadataLocation) => {
    const table = await catalog.registerTable(`theirs.${name}`, metadataLocation, { overwrite: true });
    return table.withEngine(engine);
  };
  return {
    folder,
    store,
    catalog,
    engine,
    create: async (name, init) => {
      const location = `${store.root}/warehouse/ours/${name}`;
      return (await catalog.createTable(`ours.${name}`, { ...init, location })).withEngine(engine);
    },
    takeOver,
    publish: async (table) => {
      const metadata = `${table.location}/metadata`;
      const hint = `${metadata}/version-hint.text`;
      const version = (await store.head(hint))
        ? Number(Buffer.from(await store.read(hint)).toString()) + 1
        : 1;
      const extension = table.metadataLocation.endsWith(".gz.metadata.json")
        ? "gz.metadata.json"
        : "metadata.json";
      await store.put(`${metadata}/v${version}.${extension}`, await store.read(table.metadataLocation));
      await store.put(hint, Buffer.from(String(version)));
    },
    published: async (name) => {
      const folder = `${store.root}/warehouse/${name.replace(".", "/")}`;
      return takeOver(name.replace(".", "_"), (await openTableAt(store, folder)).metadataLocation);
    },
    close: async () => {
      await engine.close();
      await catalog.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
