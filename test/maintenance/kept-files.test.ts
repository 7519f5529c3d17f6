import fc from "fast-check";
import { expect, test } from "vitest";
import { eq, lt, type Table } from "../../lib/lakehouse/iceberg/index.js";
import { compact } from "../../lib/lakehouse/maintenance/compaction/compact.js";
import { catalog, engine, newName } from "../query/support/lake.js";
import { line, rows, schema } from "../query/support/rows.js";
import { runs } from "../support/runs.js";

const STEPS = [
  "append",
  "append",
  "append",
  "delete",
  "update",
  "compact",
  "compact",
  "manifests",
  "position deletes",
  "tag",
  "branch",
  "drop",
  "catalog branch",
  "catalog drop",
  "expire",
  "collect",
  "collect",
] as const;

/** All that readers can still ask for, as they would be answered. */
async function answers(name: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name: ref } of await catalog.references()) {
    if (!(await catalog.on(ref).tableExists(name))) continue;
    const table = (await catalog.on(ref).loadTable(name)).withEngine(engine) as Table;
    for (const { snapshotId } of table.metadata.snapshots) {
      const at = await (await engine.scan(table, table.scan({ snapshotId }))).rows();
      found.set(
        `${ref} ${snapshotId}`,
        at
          .map((row) => `${row.id} ${row.n}`)
          .sort()
          .join(),
      );
    }
    found.set(ref, (await rows(table)).map((row) => `${row.id} ${row.n}`).join());
  }
  return found;
}

test("expiry and garbage collection leave every file that a branch, a tag or a snapshot that stays needs", async () => {
  const seeds = fc.array(fc.record({ step: fc.constantFrom(...STEPS), pick: fc.nat({ max: 9 }) }), {
    minLength: 6,
    maxLength: 18,
  });
  await fc.assert(
    fc.asyncProperty(seeds, async (steps) => {
      const name = newName();
      let table = (
        await catalog.createTable(name, {
          schema,
          formatVersion: 3,
          properties: { "history.expire.max-snapshots": "4" },
        })
      ).withEngine(engine) as Table;
      const own = `b${name.slice(2)}`;
      let count = 0;
      for (const { step, pick } of steps) {
        const before = await answers(name);
        const current = table.currentSnapshot;
        const refs = Object.keys(table.metadata.refs).filter((ref) => ref !== "main");
        if (step === "append") table = await table.append([line(count++), line(count++)]);
        else if (current === undefined) continue;
        else if (step === "delete") table = await table.deleteRows(eq("id", pick), { mode: "merge-on-read" });
        else if (step === "update") table = await table.updateRows(lt("id", pick), { n: BigInt(count) });
        else if (step === "compact") {
          await compact(table, { rewriteAll: pick > 3, minInputFiles: 2 });
          table = await table.refresh();
        } else if (step === "manifests") table = await table.rewriteManifests();
        else if (step === "position deletes") table = await table.rewritePositionDeletes();
        else if (step === "tag" || step === "branch")
          table = await table.createRef(`${step}${count++}`, { type: step });
        else if (step === "drop" && refs.length > 0)
          table = await table.removeRef(refs[pick % refs.length] as string);
        else if (step === "catalog branch") await catalog.createBranch(`${own}-${count++}`);
        else if (step === "catalog drop") {
          const branches = (await catalog.references()).filter((ref) => ref.name.startsWith(own));
          const gone = branches[pick % Math.max(1, branches.length)];
          if (gone !== undefined) await catalog.deleteReference(gone.name);
        } else if (step === "expire")
          table = await table.expireSnapshots({
            retainLast: 1 + (pick % 2),
            olderThan: new Date(Date.now() + 1000),
          });
        else if (step === "collect") {
          await catalog.collectGarbage({ gracePeriodMs: 0 });
          expect(await answers(name)).toEqual(before);
        }
        const after = await answers(name);
        // What both can be asked for is answered alike, but for where the step itself has written.
        for (const [question, answer] of after)
          if (question !== "main" && before.has(question))
            expect(answer, question).toBe(before.get(question));
      }
      await table.removeOrphans({ gracePeriodMs: 0 });
      await catalog.collectGarbage({ gracePeriodMs: 0 });
      await answers(name);
      for (const ref of await catalog.references())
        if (ref.name.startsWith(own)) await catalog.deleteReference(ref.name);
    }),
    { numRuns: runs(8) },
  );
});

test("a reader that began before a compaction, an expiry and a collection reads on", async () => {
  let table = (await catalog.createTable(newName(), { schema })).withEngine(engine) as Table;
  const each = 30_000;
  for (let i = 0; i < 6; i++)
    table = await table.append(Array.from({ length: each }, (_, n) => line(i * each + n)));
  const result = await engine.scan(table, table.scan({ select: ["id"] }));
  const reading = result.batches()[Symbol.asyncIterator]();
  let read = 0;
  const take = async () => {
    const { value, done } = await reading.next();
    if (!done) read += value.numRows;
    return !done;
  };
  await take();
  await compact(table, {});
  const after = await (await table.refresh()).expireSnapshots({
    retainLast: 1,
    olderThan: new Date(Date.now() + 1000),
  });
  expect(after.metadata.snapshots).toHaveLength(1);
  await catalog.collectGarbage({ gracePeriodMs: 0 });
  while (await take());
  expect(read).toBe(6 * each);
  // And so does one who begins on the view that it had.
  expect((await (await engine.scan(table, table.scan({ select: ["id"] }))).rows()).length).toBe(6 * each);
});
