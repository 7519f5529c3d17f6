import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type BranchingCatalog, openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { defineSchema, long } from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { type ChildProgram, childProgram } from "../../storage/child.js";

/** Appends rows to ns.t one by one, each named by the writer, and prints each when it is acknowledged. */
const PROGRAM = `
const [directory, writer, count] = args;
const store = new storage.LocalStore(directory + "/warehouse");
const lake = await catalog.openCatalog({ backend: directory + "/catalog.db", store });
let table = await lake.loadTable("ns.t");
for (let n = 0; n < Number(count); n++) {
  table = await table.append([{ id: BigInt(n) }], { message: writer + " " + n });
  console.log(writer + " " + n);
}
await lake.close();
`;

let program: ChildProgram;
beforeAll(async () => {
  program = await childProgram(PROGRAM, ["storage", "parquet", "iceberg", "catalog"]);
});
afterAll(() => program.dispose());

let directory: string;
let catalog: BranchingCatalog;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "catalog-processes-"));
  const store = new LocalStore(join(directory, "warehouse"));
  catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
  await catalog.createNamespace("ns");
  await catalog.createTable("ns.t", {
    schema: defineSchema({ id: long() }),
    // Every snapshot is counted, and a fast machine makes more than a table keeps by itself.
    properties: { "history.expire.max-snapshots": "0" },
  });
});
afterEach(async () => {
  await catalog.close();
  await rm(directory, { recursive: true, force: true });
});

const appends = async () => {
  const { items } = await catalog.log({
    pageSize: 10_000,
    matches: (commit) => /^\w+ \d+$/.test(commit.message),
  });
  return items.map(({ message }) => message);
};

test("processes that append to one table at once lose nothing", async () => {
  const writers = ["a", "b", "c"];
  const printed = await Promise.all(writers.map((writer) => program.start(directory, writer, "15").done));
  const acknowledged = printed.flatMap((output) => output.trim().split("\n"));
  expect(acknowledged).toHaveLength(45);
  expect((await appends()).sort()).toEqual(acknowledged.sort());
  const table = await catalog.loadTable("ns.t");
  expect(table.metadata.snapshots).toHaveLength(45);
  expect(table.currentSnapshot?.summary).toMatchObject({ "total-records": "45" });
});

test("a process killed at any moment loses no commit that it acknowledged, and leaves none half done", async () => {
  const acknowledged: string[] = [];
  for (let kill = 0; kill < 12; kill++) {
    const child = program.start(directory, `w${kill}`, "1000");
    await child.printed(`w${kill} 1`);
    await sleep(Math.random() * 80);
    child.process.kill("SIGKILL");
    await child.done.catch(() => undefined);
    acknowledged.push(
      ...child
        .output()
        .split("\n")
        .filter((line) => /^w\d+ \d+$/.test(line)),
    );
    const table = await catalog.loadTable("ns.t");
    const messages = await appends();
    for (const message of acknowledged) expect(messages).toContain(message);
    expect(table.metadata.snapshots).toHaveLength(messages.length);
    expect(table.currentSnapshot?.summary).toMatchObject({ "total-records": String(messages.length) });
  }
  const table = await catalog.loadTable("ns.t");
  expect(table.metadata.snapshots.length).toBeGreaterThan(12);
});
