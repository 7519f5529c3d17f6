import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { defineSchema, type FormatVersion, long } from "../../../lib/lakehouse/iceberg/index.js";
import { openQueryEngine } from "../../../lib/lakehouse/query/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { type ChildProgram, childProgram } from "../../storage/child.js";
import { runs } from "../../support/runs.js";

/** How much each writer does. */
const OPERATIONS = runs(12);
const WRITERS = 8;

/**
 * A writer that does at random what writers do, so many times, and prints which of its rows should be there.
 * It touches rows of its own only; compaction moves everybody's. What is a conflict had no effect, and that is all
 * that it knows of the other writers.
 */
const PROGRAM = `
import { writeDataFiles } from "../../lib/lakehouse/iceberg/files/data/writer.js";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
const [directory, writer, wanted] = args;
const { isIn } = iceberg;
const store = new storage.LocalStore(directory + "/warehouse", { durable: false });
const lakeCatalog = await catalog.openCatalog({ backend: directory + "/catalog.db", store });
const engine = await query.openQueryEngine({ resolve: async () => undefined, threads: 1, memoryLimit: "200MB" });
let table = (await lakeCatalog.loadTable("n.t")).withEngine(engine);
const live = new Map();
const counts = { commits: 0, conflicts: 0 };
let next = Number(writer) * 1_000_000;
const pick = (n) => [...live.keys()].sort(() => Math.random() - 0.5).slice(0, n);
const chance = (p) => Math.random() < p;
const mode = () => (chance(0.5) ? "copy-on-write" : "merge-on-read");
const fresh = (n) => Array.from({ length: n }, () => ({ id: BigInt(next++), n: BigInt(Math.floor(Math.random() * 100)) }));
const take = (rows) => { for (const row of rows) live.set(row.id, row.n); };

/** Each gives what has changed once it is known that it was committed. */
const operations = {
  async append() {
    const rows = fresh(1 + Math.floor(Math.random() * 20));
    table = await table.append(rows, { fast: chance(0.5) });
    return () => take(rows);
  },
  async delete() {
    const ids = pick(5);
    if (ids.length === 0) return;
    table = await table.deleteRows(isIn("id", ids), { mode: mode() });
    return () => ids.forEach((id) => live.delete(id));
  },
  async overwrite() {
    const ids = pick(5);
    if (ids.length === 0) return;
    const rows = fresh(3);
    table = await table.overwrite(rows, { where: isIn("id", ids) });
    return () => { ids.forEach((id) => live.delete(id)); take(rows); };
  },
  async update() {
    const ids = pick(5);
    if (ids.length === 0) return;
    table = await table.updateRows(isIn("id", ids), { n: { sql: "n + 1" } }, { mode: mode() });
    return () => ids.forEach((id) => live.set(id, live.get(id) + 1n));
  },
  async upsert() {
    const rows = [...pick(3).map((id) => ({ id, n: live.get(id) + 7n })), ...fresh(2)];
    table = await table.upsert(rows, { on: ["id"], mode: mode() });
    return () => take(rows);
  },
  async compact() {
    const now = await table.refresh();
    const { tasks } = await now.scan().planAll();
    const some = tasks.sort(() => Math.random() - 0.5).slice(0, 8);
    if (some.length < 2) return;
    const { metadata, schema } = now;
    const where = { type: "false" };
    const rows = engine.remainingRows({ store, metadata, tasks: some, where, schema });
    const lineage = metadata.formatVersion < 3 ? [] : [iceberg.ROW_ID, iceberg.LAST_UPDATED_SEQUENCE_NUMBER];
    const written = { ...schema, fields: [...schema.fields, ...lineage] };
    const addedDataFiles = await writeDataFiles(store, metadata, rows, { schema: written });
    const validateFrom = now.currentSnapshot.snapshotId;
    const removedDataFiles = some.map((task) => task.dataFile);
    table = await now.rewriteFiles({ removedDataFiles, addedDataFiles }, { validateFrom });
    return () => {};
  },
};
const names = ["append", "append", "append", "delete", "overwrite", "update", "upsert", "compact"];

console.log("started");
// All begin together: a writer that came late would have the table for itself.
while (!existsSync(directory + "/go")) await sleep(2);
while (counts.commits + counts.conflicts < Number(wanted)) {
  try {
    const done = await operations[names[Math.floor(Math.random() * names.length)]]();
    if (done === undefined) continue;
    done();
    counts.commits += 1;
  } catch (error) {
    if (error.code !== "COMMIT_CONFLICT") throw error;
    counts.conflicts += 1;
    table = await table.refresh();
  }
}
console.log(JSON.stringify({ ...counts, live: [...live].map(([id, n]) => id + " " + n) }));
await engine.close();
await lakeCatalog.close();
`;

let program: ChildProgram;
beforeAll(async () => {
  program = await childProgram(PROGRAM, ["storage", "parquet", "iceberg", "catalog", "query"]);
});
afterAll(() => program.dispose());

test.each<FormatVersion>([2, 3])(
  "eight processes append, overwrite, delete, update, merge and compact one v%i table: every row is accounted for",
  async (formatVersion) => {
    const directory = await mkdtemp(path.join(tmpdir(), "query-concurrency-"));
    const store = new LocalStore(path.join(directory, "warehouse"), { durable: false });
    const catalog = await openCatalog({ backend: path.join(directory, "catalog.db"), store });
    const engine = await openQueryEngine({ resolve: async () => undefined });
    try {
      await catalog.createNamespace("n");
      const schema = defineSchema({ id: long(), n: long() });
      // Few merges of manifests are wanted as well as many commits: both change what others have read.
      const properties = {
        "commit.manifest.min-count-to-merge": "20",
        "commit.retry.num-retries": "100",
        // Each commit is looked at.
        "history.expire.max-snapshots": "0",
      };
      await catalog.createTable("n.t", { schema, formatVersion, properties });
      const children = Array.from({ length: WRITERS }, (_, writer) =>
        program.start(directory, String(writer + 1), String(OPERATIONS)),
      );
      await Promise.all(children.map((child) => child.printed("started")));
      await writeFile(path.join(directory, "go"), "");
      // All of them, also when one fails: the others still write.
      const ends = await Promise.allSettled(children.map((child) => child.done));
      const outputs = ends.map((end) => {
        if (end.status === "rejected") throw end.reason;
        return end.value;
      });
      const reports = outputs.map(
        (output) =>
          JSON.parse(output.trim().split("\n").at(-1) ?? "") as {
            commits: number;
            conflicts: number;
            live: string[];
          },
      );
      const table = await catalog.loadTable("n.t");
      const found = await (await engine.scan(table, table.scan())).rows();
      const rows = found.map(({ id, n }) => `${id} ${n}`).sort();
      expect(rows).toEqual(reports.flatMap((report) => report.live).sort());
      // Each commit is one snapshot on the one before it.
      const { snapshots, snapshotLog } = table.metadata;
      const commits = reports.reduce((sum, report) => sum + report.commits, 0);
      expect(commits).toBeGreaterThan(WRITERS);
      expect(snapshots).toHaveLength(commits);
      expect(snapshots.map(({ parentSnapshotId }) => parentSnapshotId)).toEqual([
        undefined,
        ...snapshots.slice(0, -1).map(({ snapshotId }) => snapshotId),
      ]);
      expect(snapshots.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
        snapshots.map((_, i) => BigInt(i + 1)),
      );
      expect(snapshotLog.map(({ snapshotId }) => snapshotId)).toEqual(
        snapshots.map(({ snapshotId }) => snapshotId),
      );
      if (formatVersion === 3) {
        const lineage = await engine.scan(table, table.scan({ select: ["_row_id"] }));
        const ids = (await lineage.rows()).map((row) => row._row_id);
        expect(new Set(ids).size).toBe(ids.length);
      }
    } finally {
      await engine.close();
      await catalog.close();
      await rm(directory, { recursive: true });
    }
  },
);
