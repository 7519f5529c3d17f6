import { join } from "node:path";
import { type BranchingCatalog, openNessieCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { openQueryEngine, type QueryEngine } from "../../../lib/lakehouse/query/index.js";
import { S3Store } from "../../../lib/lakehouse/storage/index.js";
import type { OwnStack } from "./support.js";

/** Our reader, on what others have written on a stack. */
export interface Reader {
  readonly catalog: BranchingCatalog;
  readonly engine: QueryEngine;
  close(): Promise<void>;
}

/** By our catalog, or by Nessie: both speak Nessie's protocol, and a reader takes tables from either. */
export async function openReader({ home, s3 }: OwnStack, of: "lake" | "nessie"): Promise<Reader> {
  const isOurs = of === "lake";
  const port = home.port(isOurs ? "catalog" : "nessie", "http");
  const catalog = await openNessieCatalog({
    uri: `http://127.0.0.1:${port}/api/v2`,
    store: new S3Store(`s3://lakehouse/${isOurs ? "warehouse" : "nessie"}`, s3("S3")),
    token: isOurs ? home.place("catalog")?.secret("SLH_STACK_CATALOG_TOKEN") : undefined,
  });
  const engine = await openQueryEngine({
    resolve: (name) => catalog.loadTable(name.join(".")),
    cache: { dir: join(home.folder, "reader", of), maxBytes: 2 ** 30 },
  });
  return {
    catalog,
    engine,
    close: async () => {
      await engine.close();
      await catalog.close();
    },
  };
}
