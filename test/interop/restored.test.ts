import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import {
  type LakehouseCatalog,
  openLakehouse,
  openLakehouseCatalog,
  restoreLakehouse,
  type Table,
} from "../../lib/lakehouse/index.js";
import { deleteKey, expectFollowed, fillMoved } from "./moved-lake.js";

describe.each([2, 3] as const)("a lake of v%s tables that was restored elsewhere", (formatVersion) => {
  let directory: string;
  let served: LakehouseCatalog;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "restored-"));
    const old = { root: join(directory, "old"), profile: "embedded" as const };
    const place = { root: join(directory, "new"), profile: "embedded" as const };
    const lake = await openLakehouse(old);
    await fillMoved(lake, formatVersion);
    await deleteKey((await lake.table("ns.t")) as Table, 7n);
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

  test("is read by PyIceberg with its deletes and its past, and written to", () =>
    expectFollowed(served, join(directory, "new"), formatVersion));
});
