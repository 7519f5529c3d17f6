import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyUpdates,
  defineSchema,
  int,
  newTableMetadata,
  type Snapshot,
  type SnapshotRef,
  type TableMetadata,
} from "../../../lib/lakehouse/iceberg/index.js";
import {
  type ExpireOptions,
  expireSnapshots,
} from "../../../lib/lakehouse/iceberg/table/operations/expire.js";
import { createTable, scratch } from "../support/tables.js";

const DAY = 86_400_000n;

interface Made {
  readonly parent: number | undefined;
  readonly ageInDays: number;
}

/** A table whose snapshot n has the id n + 1, the given parent and age. */
function tableOf(
  made: readonly Made[],
  refs: Readonly<Record<string, SnapshotRef>>,
  properties = {},
): TableMetadata {
  const base = newTableMetadata({ schema: defineSchema({ k: int() }), location: "file:///t", properties });
  const now = BigInt(Date.now());
  const snapshots = made.map(
    ({ parent, ageInDays }, i): Snapshot => ({
      snapshotId: BigInt(i + 1),
      ...(parent === undefined ? {} : { parentSnapshotId: BigInt(parent + 1) }),
      sequenceNumber: BigInt(i + 1),
      // An hour more, so that no age is at the edge.
      timestampMs: now - BigInt(ageInDays) * DAY - DAY / 24n,
      manifestList: `file:///t/${i}`,
      summary: { operation: "append" },
      schemaId: 0,
    }),
  );
  return { ...base, snapshots, refs, currentSnapshotId: refs.main?.snapshotId };
}

async function expired(table: TableMetadata, options: ExpireOptions = {}): Promise<TableMetadata> {
  return applyUpdates(table, (await expireSnapshots(options).propose(table)).updates);
}

const idsOf = (table: TableMetadata): number[] => table.snapshots.map(({ snapshotId }) => Number(snapshotId));

/** The retention policy as the spec words it, one snapshot at a time. */
function retained(
  table: TableMetadata,
  made: readonly Made[],
  defaults: { days: number; keep: number },
): Set<number> {
  const stay = new Set<number>();
  const reached = new Set<number>();
  for (const [name, ref] of Object.entries(table.refs)) {
    const head = Number(ref.snapshotId) - 1;
    const maxRefAge =
      ref.maxRefAgeMs === undefined ? Number.POSITIVE_INFINITY : Number(ref.maxRefAgeMs / DAY);
    if (name !== "main" && (made[head]?.ageInDays ?? 0) >= maxRefAge) continue;
    stay.add(head);
    reached.add(head);
    if (ref.type === "tag") continue;
    const line: number[] = [];
    for (let at: number | undefined = head; at !== undefined; at = made[at]?.parent) line.push(at);
    for (const at of line) reached.add(at);
    const days = ref.maxSnapshotAgeMs === undefined ? defaults.days : Number(ref.maxSnapshotAgeMs / DAY);
    const young = (at: number) => (made[at]?.ageInDays ?? 0) < days;
    const end = line.findIndex((at, i) => i >= (ref.minSnapshotsToKeep ?? defaults.keep) && !young(at));
    for (const at of end < 0 ? line : line.slice(0, end)) stay.add(at);
  }
  made.forEach(({ ageInDays }, i) => {
    if (!reached.has(i) && ageInDays < defaults.days) stay.add(i);
  });
  return stay;
}

describe("expiry of snapshots", () => {
  const made = fc
    .array(fc.record({ parent: fc.nat(9), ageInDays: fc.nat(9) }), { minLength: 1, maxLength: 10 })
    .map((all) =>
      all.map(({ parent, ageInDays }, i): Made => ({ parent: parent < i ? parent : undefined, ageInDays })),
    );
  const ref = fc.record({
    type: fc.constantFrom<"branch" | "tag">("branch", "tag"),
    at: fc.nat(9),
    keep: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    days: fc.option(fc.nat(9), { nil: undefined }),
    refDays: fc.option(fc.nat(9), { nil: undefined }),
  });

  test("keeps what the spec's retention policy keeps", () =>
    fc.assert(
      fc.asyncProperty(
        made,
        ref,
        fc.array(ref, { maxLength: 3 }),
        fc.nat(9),
        fc.integer({ min: 1, max: 4 }),
        async (all, main, others, days, keep) => {
          const refs = Object.fromEntries(
            [{ ...main, type: "branch" as const }, ...others].map(({ type, at, keep, days, refDays }, i) => [
              i === 0 ? "main" : `r${i}`,
              {
                type,
                snapshotId: BigInt((at % all.length) + 1),
                ...(keep !== undefined && type === "branch" ? { minSnapshotsToKeep: keep } : {}),
                ...(days !== undefined && type === "branch" ? { maxSnapshotAgeMs: BigInt(days) * DAY } : {}),
                ...(refDays === undefined ? {} : { maxRefAgeMs: BigInt(refDays) * DAY }),
              },
            ]),
          );
          const stay = [...retained(tableOf(all, refs), all, { days, keep })]
            .map((i) => i + 1)
            .sort((a, b) => a - b);
          const properties = {
            "history.expire.max-snapshot-age-ms": String(BigInt(days) * DAY),
            "history.expire.min-snapshots-to-keep": String(keep),
          };
          const byProperties = await expired(tableOf(all, refs, properties));
          expect(idsOf(byProperties)).toEqual(stay);
          const olderThan = BigInt(Date.now()) - BigInt(days) * DAY;
          const byOptions = await expired(tableOf(all, refs), { olderThan, retainLast: keep });
          expect(idsOf(byOptions)).toEqual(stay);
          for (const { snapshotId } of Object.values(byOptions.refs))
            expect(stay).toContain(Number(snapshotId));
          expect(Object.keys(byOptions.refs)).toContain("main");
        },
      ),
    ));

  const line = [9, 8, 1].map((ageInDays, i): Made => ({ parent: i === 0 ? undefined : i - 1, ageInDays }));
  const main: SnapshotRef = { type: "branch", snapshotId: 3n };

  test("by name takes those alone, and none that a branch or tag is at", async () => {
    const table = tableOf(line, { main, old: { type: "tag", snapshotId: 1n } });
    expect(idsOf(await expired(table, { snapshotIds: [2n] }))).toEqual([1, 3]);
    await expect(expired(table, { snapshotIds: [1n] })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('Snapshot 1 cannot expire: the tag "old" is at it.'),
    });
    await expect(expired(table, { snapshotIds: [7n] })).rejects.toMatchObject({ code: "NO_SUCH_SNAPSHOT" });
    await expect(expired(table, { retainLast: 0 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("asks that no reference has moved, and for nothing where nothing expires", async () => {
    const table = tableOf(line, { main, old: { type: "tag", snapshotId: 1n } });
    expect((await expireSnapshots().propose(table)).requirements).toEqual([
      { type: "assert-ref-snapshot-id", ref: "main", snapshotId: 3n },
      { type: "assert-ref-snapshot-id", ref: "old", snapshotId: 1n },
    ]);
    expect(await expireSnapshots({ olderThan: 0n }).propose(table)).toEqual({
      requirements: [],
      updates: [],
    });
  });

  test("is a method of tables and of transactions, and leaves every row", () =>
    scratch(async (directory) => {
      let { table } = await createTable(directory, { schema: defineSchema({ k: int() }) });
      for (let k = 0; k < 4; k++) table = await table.append([{ k }]);
      const now = new Date(Date.now() + 60_000);
      const options = { olderThan: now, retainLast: 2 };
      const { snapshots } = await table.expireSnapshots({ ...options, dryRun: true });
      expect(snapshots).toEqual(table.metadata.snapshots.slice(0, 2));
      expect((await table.refresh()).metadata).toEqual(table.metadata);
      const after = await table.expireSnapshots(options);
      expect(after.metadata.snapshots).toHaveLength(2);
      expect((await after.scan().planAll()).tasks).toHaveLength(4);
      const transaction = after.begin();
      await transaction.append([{ k: 4 }]);
      await transaction.expireSnapshots({ olderThan: now });
      const last = await transaction.commit();
      expect(last.metadata.snapshots).toEqual([last.currentSnapshot]);
      expect((await last.scan().planAll()).tasks).toHaveLength(5);
    }));
});
