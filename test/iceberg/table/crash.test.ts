import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineSchema, int, string } from "../../../lib/lakehouse/iceberg/model/schema/builders.js";
import { Table } from "../../../lib/lakehouse/iceberg/table/table.js";
import { readFooter } from "../../../lib/lakehouse/parquet/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { type ChildProgram, childProgram } from "../../storage/child.js";
import { FileCommitter } from "../support/file-committer.js";
import { createTable, scratch } from "../support/tables.js";

/** Appends ten rows again and again until it is killed. Commits as `FileCommitter` does. */
const PROGRAM = `
const [directory, worker] = args;
const store = new storage.LocalStore(directory, { durable: false });
const location = store.root + "/db/t";
const pointer = location + "/pointer";
const load = async () => {
  const metadataLocation = Buffer.from(await store.read(pointer)).toString();
  return { metadata: await iceberg.readTableMetadata(store, metadataLocation), metadataLocation };
};
const conflict = () => Object.assign(Object.create(errors.LakehouseError.prototype), { code: "COMMIT_CONFLICT", message: "another was first" });
const committer = {
  load,
  async commit({ requirements, updates }) {
    const head = await store.head(pointer);
    const base = await load();
    iceberg.checkRequirements(base.metadata, requirements);
    const metadata = iceberg.applyUpdates(base.metadata, updates, { previousMetadataLocation: base.metadataLocation });
    const metadataLocation = await iceberg.writeTableMetadata(store, metadata, base.metadata.snapshots.length + 1);
    try {
      await store.put(pointer, Buffer.from(metadataLocation), { ifEtag: head.etag });
    } catch (error) {
      if (error.code === "PRECONDITION_FAILED") throw conflict();
      throw error;
    }
    return { metadata, metadataLocation };
  },
};
let table = new iceberg.Table({ identifier: { namespace: ["db"], name: "t" }, store, committer, ...(await load()) });
console.log("started");
for (let i = 0; ; i++) {
  const rows = Array.from({ length: 10 }, (_, n) => ({ n: i * 10 + n, worker }));
  table = await table.append(rows);
}
`;

describe("killed writers", () => {
  let program: ChildProgram;
  beforeAll(async () => {
    program = await childProgram(PROGRAM, ["storage", "parquet", "iceberg"]);
  });
  afterAll(() => program.dispose());

  test("fifty kills in the middle of appends: the table is always whole, at one snapshot or the next", () =>
    scratch(async (directory) => {
      const schema = defineSchema({ n: int(), worker: string() });
      const properties = {
        "commit.retry.num-retries": "1000",
        "commit.retry.min-wait-ms": "5",
        "commit.retry.max-wait-ms": "50",
      };
      const created = await createTable(directory, { schema, properties });
      const ATONCE = 5;
      let before = 0n;
      // Goes on until one of those that were killed had got as far as to commit, however slow the machine is.
      for (let round = 0; round < 10 || before <= BigInt(round) * 10n; round++) {
        const children = Array.from({ length: ATONCE }, (_, i) => program.start(directory, `${round}-${i}`));
        await Promise.all(children.map((child) => child.printed("started")));
        for (const child of children) {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 80));
          child.process.kill("SIGKILL");
        }
        await Promise.all(children.map((child) => child.done.catch(() => undefined)));
        // A fresh store, so that nothing is answered from memory.
        const store = new LocalStore(directory, { durable: false });
        const committer = new FileCommitter(store, created.table.location);
        const table = new Table({
          identifier: created.table.identifier,
          store,
          committer,
          ...(await committer.load()),
        });
        const { tasks } = await table.scan().planAll();
        let rows = 0n;
        for (const { dataFile } of tasks) {
          const footer = await readFooter(store, dataFile.filePath);
          expect(footer.rowGroups.length).toBeGreaterThan(0);
          expect(dataFile.recordCount).toBe(10n);
          rows += dataFile.recordCount;
        }
        expect(rows).toBe(BigInt(table.metadata.snapshots.length) * 10n);
        expect(rows).toBeGreaterThanOrEqual(before);
        for (const [i, snapshot] of table.metadata.snapshots.entries()) {
          expect(snapshot.parentSnapshotId).toBe(table.metadata.snapshots[i - 1]?.snapshotId);
        }
        before = rows;
        // And a writer that comes later is not held up by what the dead ones left.
        await table.append(Array.from({ length: 10 }, (_, n) => ({ n, worker: "survivor" })));
        before += 10n;
      }
    }));
});
