import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eq, snapshotsBeyondBound, type Table, updateProperties } from "../../lib/lakehouse/iceberg/index.js";
import { catalog, engine, newName } from "../query/support/lake.js";
import { ids, line, schema } from "../query/support/rows.js";
import { runs } from "../support/runs.js";

const BOUND = "history.expire.max-snapshots";

async function create(properties: Record<string, string> = {}): Promise<Table> {
  return (await catalog.createTable(newName(), { schema, properties })).withEngine(engine) as Table;
}

async function appended(table: Table, count: number): Promise<Table> {
  let now = table;
  for (let i = 0; i < count; i++) now = await now.append([line(i)]);
  return now;
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}

describe("the history of a new table", () => {
  test("is bounded where nobody says otherwise, and the bound is a property", async () => {
    expect((await create()).properties[BOUND]).toBe("50");
    expect((await create({ [BOUND]: "0" })).properties[BOUND]).toBe("0");
  });

  test("600 appends of one row take a few megabytes, and every commit still reads as it did", async () => {
    const table = await appended(await create(), 600);
    expect(table.metadata.snapshots).toHaveLength(50);
    expect(await bytesIn(table.location.slice("file://".length))).toBeLessThan(11_000_000);
    const log = (await catalog.log({ pageSize: 600 })).items;
    expect(log).toHaveLength(600);
    for (const place of [1, 49, 50, 51, 300, 599]) {
      const then = await catalog.on(`@${log[place]?.hash}`).loadTable(table.name);
      expect(await ids(then.withEngine(engine))).toHaveLength(600 - place);
    }
  });
});

test("a bound that is taken away, or set later, holds from the next commit on", async () => {
  let table = await appended(await create({ [BOUND]: "3" }), 6);
  expect(table.metadata.snapshots).toHaveLength(3);
  table = await table.update([updateProperties({ set: { [BOUND]: "0" } })]);
  table = await appended(table, 4);
  expect(table.metadata.snapshots).toHaveLength(7);
  // No snapshot is added: a change of settings takes none away.
  table = await table.update([updateProperties({ set: { [BOUND]: "2" } })]);
  expect(table.metadata.snapshots).toHaveLength(7);
  expect((await appended(table, 1)).metadata.snapshots).toHaveLength(2);
});

test("what references, staged snapshots and settings of their own need stays", async () => {
  const step = fc.constantFrom(
    "append",
    "append",
    "append",
    "tag",
    "branch",
    "on branch",
    "stage",
    "roll back",
    "keep",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      let table = await create({ [BOUND]: "3" });
      const needed = new Map<bigint, string>();
      for (const [i, name] of steps.entries()) {
        const current = table.currentSnapshot;
        if (name === "append") table = await table.append([line(i)]);
        else if (current === undefined) continue;
        else if (name === "tag") {
          table = await table.createRef(`t${i}`, { type: "tag" });
          needed.set(current.snapshotId, name);
        } else if (name === "branch") {
          table = await table.createRef(`b${i}`, { type: "branch" });
          needed.set(current.snapshotId, name);
        } else if (name === "on branch") {
          table = await table.append([line(i)], { branch: "side" });
          needed.set(table.metadata.refs.side?.snapshotId ?? 0n, name);
        } else if (name === "stage") {
          const staged = new Set(table.metadata.snapshots.map(({ snapshotId }) => snapshotId));
          table = await table.append([line(i)], { wapId: `w${i}` });
          const own = table.metadata.snapshots.find(({ snapshotId }) => !staged.has(snapshotId));
          needed.set(own?.snapshotId ?? 0n, name);
        } else if (name === "roll back") {
          const parent = current.parentSnapshotId;
          if (
            parent === undefined ||
            !table.metadata.snapshots.some(({ snapshotId }) => snapshotId === parent)
          )
            continue;
          table = await table.rollback(parent);
        } else table = await table.setRetention("main", { minSnapshotsToKeep: 5 });
        const kept = new Set(table.metadata.snapshots.map(({ snapshotId }) => snapshotId));
        // A side branch has moved on from all but its newest.
        for (const [id, why] of needed) if (why !== "on branch") expect(kept.has(id), why).toBe(true);
        for (const { snapshotId } of Object.values(table.metadata.refs))
          expect(kept.has(snapshotId)).toBe(true);
        let at = table.currentSnapshot;
        for (let place = 0; place < 3 && at !== undefined; place++) {
          expect(kept.has(at.snapshotId)).toBe(true);
          at = table.metadata.snapshots.find(({ snapshotId }) => snapshotId === at?.parentSnapshotId);
        }
        expect(name === "append" ? snapshotsBeyondBound(table.metadata) : []).toEqual([]);
      }
    }),
    { numRuns: runs(10) },
  );
});

test("what has expired is missed, and not passed over, by who reads all changes", async () => {
  const table = await appended(await create({ [BOUND]: "3" }), 5);
  await expect(table.incrementalAppends()).rejects.toMatchObject({ code: "NO_SUCH_SNAPSHOT" });
  await expect(engine.changes(table)).rejects.toMatchObject({ code: "NO_SUCH_SNAPSHOT" });
  expect(await table.incrementalAppends({ from: "oldest" })).toHaveLength(3);
  expect(await (await engine.changes(table, { from: "oldest" })).rows()).toHaveLength(3);
  const [count] = await (await engine.sql(`select count(*)::int as n from ${table.name}.changes`)).rows();
  expect(count).toEqual({ n: 3 });
  const [first] = table.metadata.snapshots;
  expect(await table.incrementalAppends({ from: first?.snapshotId })).toHaveLength(2);
});

test("a tag that another commit makes meanwhile keeps its snapshot", async () => {
  const table = await appended(await create({ [BOUND]: "2" }), 2);
  const oldest = table.metadata.snapshots[0]?.snapshotId ?? 0n;
  // The view that appends does not know of the tag.
  await table.createRef("audit", { type: "tag", snapshotId: oldest });
  const after = await table.append([line(9)]);
  expect(after.metadata.refs.audit?.snapshotId).toBe(oldest);
  expect(after.metadata.snapshots).toHaveLength(3);
  expect(await ids(after)).toHaveLength(3);
});

test("branches of the catalog merge, however many appends they have made since they parted", async () => {
  const table = await appended(
    await create({ [BOUND]: "3", "write.metadata.previous-versions-max": "2" }),
    2,
  );
  const branch = table.name.replace(".", "-");
  await catalog.createBranch(branch);
  const there = (await catalog.on(branch).loadTable(table.name)).withEngine(engine) as Table;
  await appended(there, 12);
  await appended(table, 11);
  const merged = await catalog.merge(branch, { into: "main" });
  expect(merged.applied).toBe(true);
  expect(await ids((await catalog.loadTable(table.name)).withEngine(engine))).toHaveLength(25);
});

test("files of snapshots that one commit both adds and lets go of stay, as later ones have them", async () => {
  const transaction = (await create({ [BOUND]: "1" })).begin();
  for (const id of [1, 2, 3]) await transaction.append([line(id)]);
  expect(await ids((await transaction.commit()).withEngine(engine))).toEqual([1, 2, 3]);
  const expiring = (await create({ [BOUND]: "0" })).begin();
  for (const id of [1, 2, 3]) await expiring.append([line(id)]);
  expiring.expireSnapshots({ olderThan: BigInt(Date.now()) + 60_000n });
  const after = await expiring.commit();
  expect(after.metadata.snapshots).toHaveLength(1);
  expect(await ids(after.withEngine(engine))).toEqual([1, 2, 3]);
});

test("a staged snapshot is published once, also when the commit that published it has expired", async () => {
  for (const isRetried of [false, true]) {
    let table = await appended(await create({ [BOUND]: "3" }), 1);
    const stagedIn = ({ metadata }: Table) =>
      metadata.snapshots.findLast(({ summary }) => summary?.["wap.id"] === "w")?.snapshotId ?? 0n;
    table = await table.append([line(10)], { wapId: "w" });
    const staged = stagedIn(table);
    if (isRetried) table = await table.append([line(10)], { wapId: "w" });
    const twin = stagedIn(table);
    table = await appended(await appended(table, 1).then((now) => now.cherryPick(staged)), 4);
    await expect(table.cherryPick(twin)).rejects.toMatchObject({ code: "NO_SUCH_SNAPSHOT" });
    expect((await ids(table)).filter((id) => id === 10)).toHaveLength(1);
  }
});

test("a change planned on an empty table is a conflict where nothing tells all that came since", async () => {
  const table = await create({ [BOUND]: "2" });
  const transaction = table.begin();
  await transaction.overwrite([line(0)], { where: eq("id", 0n) });
  await appended(table, 5);
  await expect(transaction.commit()).rejects.toMatchObject({ code: "COMMIT_CONFLICT" });
});

test("a token is known when its snapshot has expired, also by a server, which gets it in the snapshot alone", async () => {
  const table = await create({ [BOUND]: "3" });
  const { identifier, store, metadata, metadataLocation } = table;
  const committer: Table["committer"] = {
    load: () => table.committer.load(),
    commit: ({ token: _, ...request }) => table.committer.commit(request),
  };
  const remote = new (table.constructor as typeof Table)({
    identifier,
    store,
    metadata,
    metadataLocation,
    committer,
    engine,
  });
  await remote.append([line(100)], { token: "load" });
  await appended(table, 5);
  await (await remote.refresh()).append([line(100)], { token: "load" });
  await (await table.refresh()).append([line(100)], { token: "load" });
  expect(await ids(await table.refresh())).toEqual([0, 1, 2, 3, 4, 100]);
});

test("a branch's snapshot is published once, also when the commit that published it has expired", async () => {
  let table = await appended(await create({ [BOUND]: "3" }), 1);
  table = await table.append([line(10)], { branch: "audit" });
  const audited = table.metadata.refs.audit?.snapshotId ?? 0n;
  table = await (await appended(table, 1)).cherryPick(audited);
  table = await appended(table, 5);
  await expect(table.cherryPick(audited)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect((await ids(table)).filter((id) => id === 10)).toHaveLength(1);
});

test("a purge deletes the files of snapshots that have expired as well", async () => {
  let table = await appended(await create({ [BOUND]: "3", "write.metadata.previous-versions-max": "2" }), 3);
  table = await appended(await table.truncate(), 8);
  const folder = table.location.slice("file://".length);
  expect(await bytesIn(folder)).toBeGreaterThan(0);
  await catalog.dropTable(table.name, { purge: true });
  expect(await bytesIn(folder).catch(() => 0)).toBe(0);
});
