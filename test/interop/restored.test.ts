import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveRestCatalog } from "../../lib/lakehouse/catalog/index.js";
import {
  defineSchema,
  eq,
  type LakehouseCatalog,
  long,
  openLakehouse,
  openLakehouseCatalog,
  restoreLakehouse,
  string,
  type Table,
} from "../../lib/lakehouse/index.js";

const run = promisify(execFile);
const python = process.env.SLH_INTEROP_PYTHON ?? "python3";
const script = fileURLToPath(new URL("python/relocated.py", import.meta.url));

const schema = defineSchema({ k: long(), v: string() });
const MERGE_ON_READ = { mode: "merge-on-read" } as const;

/** PyIceberg follows every location by itself, on a lake that was restored to another place while the first one is gone. */
describe.each([2, 3] as const)("a lake of v%s tables that was restored elsewhere", (formatVersion) => {
  /** PyIceberg writes no v3. */
  const appended = formatVersion === 2 ? [20] : [];
  let directory: string;
  let served: LakehouseCatalog;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "restored-"));
    const old = { root: join(directory, "old"), profile: "embedded" as const };
    const place = { root: join(directory, "new"), profile: "embedded" as const };
    const lake = await openLakehouse(old);
    let table = (await lake.createTable("ns.t", { schema, formatVersion })) as unknown as Table;
    table = await table.append([1, 2, 3, 4, 5, 6].map((k) => ({ k: BigInt(k), v: `v${k}` })));
    table = await table.append([7, 8].map((k) => ({ k: BigInt(k), v: `v${k}` })));
    table = await table.deleteRows(eq("k", 1n), MERGE_ON_READ);
    await table.deleteRows(eq("k", 7n), MERGE_ON_READ);
    await lake.backup({ to: join(directory, "backups") });
    await lake.close();
    await rm(old.root, { recursive: true });
    await restoreLakehouse({ from: join(directory, "backups"), ...place });
    served = await openLakehouseCatalog(place);
  });
  afterAll(async () => {
    await served?.catalog.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("is read by PyIceberg with its deletes and its past, and written to", async () => {
    const server = await serveRestCatalog({ ...served, port: 0 });
    const { stdout } = await run(python, [script, server.uri, "20"]);
    await server.close();
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({
      before: [2, 3, 4, 5, 6, 8],
      past: [1, 2, 3, 4, 5, 6],
      after: [2, 3, 4, 5, 6, 8, ...appended],
    });
    for (const file of found.files) expect(file).toContain(join(directory, "new"));
  });
});
