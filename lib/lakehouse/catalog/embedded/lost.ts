import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { LakehouseError } from "../../errors.js";
import { fileUri, type ObjectStore, pathOfFile } from "../../storage/index.js";
import { noSuchLake } from "../errors.js";
import { pathBelow, realPath } from "./located.js";

/**
 * Refuses to take a lake for a new one whose catalog's file is gone, while its tables' files are there: an empty catalog
 * would show none of them, and what is written to it would have to be brought together with the old one later.
 *
 * Where the warehouse lies elsewhere than in the catalog's folder, other catalogs may have their tables in it: then nothing
 * is refused.
 *
 * @param file path of a catalog's SQLite file.
 * @throws LakehouseError NO_SUCH_LAKE
 */
export async function checkNotLost(file: string, store: ObjectStore): Promise<void> {
  if (existsSync(file) || !store.root.startsWith("file://")) return;
  if (pathBelow(fileUri(realPath(resolve(file))), store.root) === undefined) return;
  // Made meanwhile, by another process: then its tables are those of the lake.
  if ((await hasTables(store)) && !existsSync(file)) throw lost(file, pathOfFile(store.root));
}

async function hasTables(store: ObjectStore): Promise<boolean> {
  for await (const { uri } of store.list(`${store.root}/`)) if (uri.endsWith(".metadata.json")) return true;
  return false;
}

function lost(file: string, warehouse: string): LakehouseError {
  return noSuchLake(
    file,
    `The catalog ${file} is not there, while ${warehouse} has files of tables: a new catalog would have none of them.`,
    `Put the catalog's file back, or restore the lakehouse from a backup ("slh restore"). For a new lakehouse, take another folder, or move ${warehouse} away first.`,
  );
}
