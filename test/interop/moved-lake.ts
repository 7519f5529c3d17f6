import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { serveRestCatalog } from "../../lib/lakehouse/catalog/index.js";
import {
  defineSchema,
  eq,
  type Lakehouse,
  type LakehouseCatalog,
  long,
  string,
  type Table,
} from "../../lib/lakehouse/index.js";

const run = promisify(execFile);
const python = process.env.SLH_INTEROP_PYTHON ?? "python3";
const script = fileURLToPath(new URL("python/relocated.py", import.meta.url));

const schema = defineSchema({ k: long(), v: string() });
const rowOf = (k: number) => ({ k: BigInt(k), v: `v${k}` });

/** What PyIceberg appends to `ns.t`: it writes no v3. */
export const appendedTo = (formatVersion: 2 | 3) => (formatVersion === 2 ? [20] : []);

/** Makes `ns.t`: its first snapshot has 1 to 6, then 7 and 8 came, and 1 was deleted by a file of deletes. */
export async function fillMoved(lake: Lakehouse, formatVersion: 2 | 3): Promise<void> {
  let table = (await lake.createTable("ns.t", { schema, formatVersion })) as unknown as Table;
  table = await table.append([1, 2, 3, 4, 5, 6].map(rowOf));
  table = await table.append([7, 8].map(rowOf));
  await deleteKey(table, 1n);
}

export async function deleteKey(table: Table, k: bigint): Promise<void> {
  await table.deleteRows(eq("k", k), { mode: "merge-on-read" });
}

/** PyIceberg, which follows every location by itself, reads `ns.t` less 1 and 7 and as it was, and appends 20. */
export async function expectFollowed(
  served: LakehouseCatalog,
  root: string,
  formatVersion: 2 | 3,
): Promise<void> {
  const server = await serveRestCatalog({ ...served, port: 0 });
  const { stdout } = await run(python, [script, server.uri, "20"]);
  await server.close();
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({
    before: [2, 3, 4, 5, 6, 8],
    past: [1, 2, 3, 4, 5, 6],
    after: [2, 3, 4, 5, 6, 8, ...appendedTo(formatVersion)],
  });
  for (const file of found.files) expect(file).toContain(root);
}
