import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canUnshare, childProgram } from "../storage/child.js";
import { needs } from "../support/needs.js";

/**
 * Makes each kind of change on a small file system of its own, with more and more room until there is enough. After each
 * failure it looks at the lakehouse by the one that failed, by one that is opened while the disk is full, and by one that is
 * opened when there is room again.
 */
const PROGRAM = `
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
const [directory] = args;
execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", directory]);
const root = directory + "/lake";
const backups = directory + "/backups";
const exported = directory + "/out.csv";
const { defineSchema, long, openLakehouse, string } = lakehouse;
const open = () => openLakehouse({ root, profile: "embedded" });
const schema = defineSchema({ id: long(), text: string() });
const rows = (from, count) =>
  Array.from({ length: count }, (_, i) => ({ id: BigInt(from + i), text: "row " + Math.sin(from + i) }));

/** All that readers see, and the files that there are. */
async function seen(lake) {
  const found = [];
  for (const { name: branch } of await lake.refs()) {
    const there = lake.on(branch);
    for (const { namespace, name } of await there.tables()) {
      const sum = "select count(*)::int n, sum(hash(t)) s from " + namespace + "." + name + " t";
      found.push([branch, name, ...(await there.sql(sum).rows()).map(({ n, s }) => n + " " + s)]);
    }
  }
  const made = await lake.backup.list({ from: backups });
  found.push(["backups", made.length]);
  if (existsSync(exported)) found.push(["lines", readFileSync(exported, "utf8").split("\\n").length]);
  const files = readdirSync(root + "/warehouse", { recursive: true, withFileTypes: true });
  found.push(["files", files.filter((file) => file.isFile() && !/\\.slh/.test(file.path ?? file.parentPath)).length]);
  return found.map(String).join("\\n");
}

const CHANGES = {
  create: (lake) => lake.createTable("n.created", { schema }),
  append: async (lake) => (await lake.table("n.t")).append(rows(10_000, 3000)),
  compaction: (lake) => lake.maintenance.compact("n.t", { targetFileSizeBytes: 2 ** 20 }),
  INSERT: async (lake) => (await lake.sql("insert into n.t select id + 100000, text from n.t")).rows(),
  UPDATE: async (lake) => (await lake.sql("update n.t set text = text || '!' where id % 7 = 0")).rows(),
  merge: (lake) => lake.merge("etl"),
  backup: (lake) => lake.backup({ to: backups }),
  export: (lake) => lake.sql("from n.t").toCsv(exported),
  drop: (lake) => lake.dropTable("n.t"),
};

let lake = await open();
let table = await lake.createTable("n.t", { schema });
for (let n = 0; n < 6; n++) table = await table.append(rows(n * 500, 500));
await lake.branch("etl");
await lake.on("etl").createTable("n.etl", { schema }, rows(0, 10));
await lake.backup({ to: backups });
const reports = [];
for (const [change, make] of Object.entries(CHANGES)) {
  const before = await seen(lake);
  const failures = [];
  for (let free = 0; ; free = free === 0 ? 12_288 : free * 3) {
    const { bavail, bsize } = statfsSync(directory);
    writeFileSync(directory + "/filler", new Uint8Array(bavail * bsize - free));
    const failure = await make(lake).then(() => undefined, (error) => error);
    const other = await open();
    const views = [await seen(lake), await seen(other)];
    await other.close();
    rmSync(directory + "/filler");
    await lake.close();
    lake = await open();
    views.push(await seen(lake));
    if (failure === undefined) {
      reports.push({ change, before, failures, after: views });
      break;
    }
    failures.push({ failure: (failure.code ?? failure.stack) + " " + failure.message, views });
  }
}
const [last] = await lake.backup.list({ from: backups });
const { corrupt } = await lake.backup.verify({ from: backups, asOf: last.id });
console.log(JSON.stringify({ reports, corrupt }));
await lake.close();
`;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "full-disk-"));
});
afterAll(() => rm(directory, { recursive: true }));

interface Found {
  readonly reports: readonly {
    readonly change: string;
    readonly before: string;
    readonly failures: readonly { readonly failure: string; readonly views: readonly string[] }[];
    /** What is seen after the change, by each. */
    readonly after: readonly string[];
  }[];
  readonly corrupt: readonly unknown[];
}

test(
  "on a disk that is full each change is an error that says so, and leaves all as it was; with room it happens",
  needs(canUnshare(), "Linux with user namespaces (unshare)"),
  async () => {
    const program = await childProgram(PROGRAM, ["lakehouse"]);
    try {
      const { reports, corrupt } = JSON.parse(await program.startUnshared(directory).done) as Found;
      expect(reports).toHaveLength(9);
      for (const { change, before, failures, after } of reports) {
        expect(failures.length, change).toBeGreaterThan(0);
        for (const { failure, views } of failures) {
          expect(failure, change).toMatch(
            /^(STORAGE_FAILED|CATALOG_UNAVAILABLE) .*the disk is full.* Free some space/,
          );
          expect(views, change).toEqual([before, before, before]);
        }
        expect(new Set(after).size, change).toBe(1);
        expect(after[0], change).not.toBe(before);
      }
      expect(corrupt).toEqual([]);
    } finally {
      await program.dispose();
    }
  },
);
