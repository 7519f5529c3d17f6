import { execFileSync } from "node:child_process";
import { chmod, cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineSchema, eq, type Lakehouse, long, openLakehouse, string } from "sololakehouse";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Child, type ChildProgram, canBeNobody, canUnshare, childProgram } from "../storage/child.js";

/** Uses the lake in a folder in all ways, and prints what came of each. */
const PROGRAM = `
const [root, how] = args;
if (how === "mount") {
  const { execFileSync } = await import("node:child_process");
  execFileSync("mount", ["--bind", root, root]);
  execFileSync("mount", ["-o", "remount,ro,bind", root]);
}
const { eq, openLakehouse, relocateLakehouse } = lakehouse;
const code = (promise) => promise.then(() => "done", (error) => error.code ?? String(error));
const lake = await openLakehouse({ root, profile: "embedded" });
const keys = async (from) => (await (await lake.sql("select k::int as k from " + from + " order by k")).rows()).map(({ k }) => k);
const table = await lake.table("s.t");
const found = {
  now: await keys("s.t"),
  before: await keys("s.t for version as of " + table.metadata.snapshots[0].snapshotId),
  commits: (await lake.commits()).length,
  garbage: (await lake.gc({ dryRun: true })).files.length,
  append: await code(table.append([{ k: 9n, v: "v" }])),
  delete: await code(table.deleteRows(eq("k", 2n))),
  properties: await code(lake.catalog.updateNamespace("s", { set: { a: "b" } })),
  branch: await code(lake.branch("etl")),
  create: await code(lake.createTable("s.u", { schema: table.schema })),
  gc: await code(lake.gc({ gracePeriodMs: 0 })),
  relocate: await code(relocateLakehouse({ root, profile: "embedded" })),
  after: await keys("s.t"),
};
await lake.close();
console.log(JSON.stringify(found));
`;

const schema = defineSchema({ k: long(), v: string() });

let program: ChildProgram;
let folder: string;
let open: Lakehouse[];

beforeAll(async () => {
  program = await childProgram(PROGRAM, ["lakehouse"]);
});
afterAll(() => program.dispose());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "read-only-"));
  await chmod(folder, 0o755);
  open = [];
});
afterEach(async () => {
  for (const lake of open) await lake.close();
  execFileSync("chmod", ["-R", "u+w", folder]);
  await rm(folder, { recursive: true, force: true });
});

/** A lake that stays open when it is made. */
async function make(): Promise<string> {
  const root = join(folder, "lake");
  const lake = await openLakehouse({ root, profile: "embedded" });
  open.push(lake);
  const table = await lake.createTable("s.t", { schema });
  await (await table.append([1, 2, 3].map((k) => ({ k: BigInt(k), v: "v" })))).deleteRows(eq("k", 1n), {
    mode: "merge-on-read",
  });
  return root;
}

async function settled(): Promise<void> {
  for (const lake of open.splice(0)) await lake.close();
}

const isRoot = process.getuid?.() === 0;
const ways: readonly { readonly way: string; readonly can: boolean; start(root: string): Child }[] = [
  {
    way: "whose modes forbid to write",
    can: !isRoot || canBeNobody(),
    start: (root) => {
      execFileSync("chmod", ["-R", "a-w,a+rX", root]);
      return isRoot ? program.startAsNobody(root, "modes") : program.start(root, "modes");
    },
  },
  {
    way: "on a mount that is read-only",
    can: canUnshare(),
    start: (root) => program.startUnshared(root, "mount"),
  },
];

for (const { way, can } of ways) {
  if (!can) console.warn(`SKIPPED: a lake in a folder ${way}: this machine lets nobody try it.`);
}

const READ = { now: [2, 3], before: [1, 2, 3], garbage: 0, after: [2, 3] };
const REFUSED = { properties: "READ_ONLY", branch: "READ_ONLY", gc: "READ_ONLY", relocate: "READ_ONLY" };

describe.each(ways)("a lake in a folder $way", ({ can, start }) => {
  test.runIf(can)("is read, and says of each change that it cannot be made", async () => {
    const root = await make();
    await settled();
    const names = await readdir(root, { recursive: true });
    expect(names.some((name) => name.endsWith("-wal"))).toBe(false);
    const found = JSON.parse(await start(root).done);
    expect(found).toMatchObject({ ...READ, ...REFUSED });
    for (const change of ["append", "delete", "create"])
      expect(found[change]).toMatch(/^(READ_ONLY|STORAGE_FAILED)$/);
    expect(await readdir(root, { recursive: true })).toEqual(names);
  });

  test.runIf(can)("is read while another process writes to it, and after one was killed", async () => {
    const root = await make();
    const killed = join(folder, "killed");
    await cp(root, killed, { recursive: true });
    expect((await readdir(killed)).includes("catalog.db-wal")).toBe(true);
    await rm(join(killed, "catalog.db-shm"), { force: true });
    for (const place of [root, killed]) {
      expect(JSON.parse(await start(place).done)).toMatchObject({ ...READ, ...REFUSED });
    }
  });
});
