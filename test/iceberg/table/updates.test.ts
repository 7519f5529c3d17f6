import { describe, expect, test } from "vitest";
import {
  applyUpdates,
  asc,
  bucket,
  buildPartitionSpec,
  buildSortOrder,
  currentSchema,
  day,
  defineSchema,
  identity,
  newTableMetadata,
  timestampNs,
  updatesToCreate,
} from "../../../lib/lakehouse/iceberg/index.js";
import { add, apply, point, refused, schema, table, v3, wider } from "../support/updates.js";

describe("schemas", () => {
  test("a new schema gets the next id, and -1 makes it current", () => {
    const next = apply(
      table,
      { action: "add-schema", schema: wider },
      { action: "set-current-schema", schemaId: -1 },
    );
    expect(next.schemas.map((each) => each.schemaId)).toEqual([0, 1]);
    expect([next.currentSchemaId, next.lastColumnId, next.lastUpdatedMs]).toEqual([1, 4, 5000n]);
    expect(currentSchema(next).fields).toHaveLength(4);
    expect(table.schemas).toHaveLength(1);
  });

  test("the same schema is not added twice, and -1 means the one that was there", () => {
    const two = apply(
      table,
      { action: "add-schema", schema: wider },
      { action: "set-current-schema", schemaId: -1 },
    );
    const back = apply(
      two,
      { action: "add-schema", schema: { ...schema, schemaId: 9 } },
      { action: "set-current-schema", schemaId: -1 },
    );
    expect([back.schemas.length, back.currentSchemaId, back.lastColumnId]).toEqual([2, 0, 4]);
  });

  test("nonsense is refused", () => {
    expect(() => apply(table, { action: "set-current-schema", schemaId: -1 })).toThrow(refused);
    expect(() => apply(table, { action: "set-current-schema", schemaId: 7 })).toThrow(refused);
    expect(() => apply(table, { action: "remove-schemas", schemaIds: [0] })).toThrow(refused);
    expect(() => apply(table, { action: "add-schema", schema: defineSchema({ t: timestampNs() }) })).toThrow(
      expect.objectContaining({ code: "INVALID_SCHEMA" }),
    );
  });

  test("a schema without the source of the default spec cannot become current", () => {
    const parted = newTableMetadata({ schema, location: "s3://t", partitionSpec: [identity("note")] });
    const cut = { ...schema, fields: schema.fields.slice(0, 2) };
    expect(() =>
      apply(parted, { action: "add-schema", schema: cut }, { action: "set-current-schema", schemaId: -1 }),
    ).toThrow(refused);
  });

  test("an old schema can be removed", () => {
    const two = apply(
      table,
      { action: "add-schema", schema: wider },
      { action: "set-current-schema", schemaId: -1 },
    );
    expect(
      apply(two, { action: "remove-schemas", schemaIds: [0] }).schemas.map((each) => each.schemaId),
    ).toEqual([1]);
  });
});

describe("partition specs and sort orders", () => {
  test("are added with the next id, or found", () => {
    const spec = buildPartitionSpec(schema, [day("ts"), bucket("n", 4)]);
    const next = apply(table, { action: "add-spec", spec }, { action: "set-default-spec", specId: -1 });
    expect([next.defaultSpecId, next.lastPartitionId]).toEqual([1, 1001]);
    const again = apply(
      next,
      { action: "add-spec", spec: { ...spec, specId: 44 } },
      { action: "set-default-spec", specId: -1 },
    );
    expect(again.partitionSpecs).toHaveLength(2);
    const order = buildSortOrder(schema, [asc("n")]);
    const sorted = apply(
      next,
      { action: "add-sort-order", sortOrder: order },
      { action: "set-default-sort-order", sortOrderId: -1 },
    );
    expect(sorted.defaultSortOrderId).toBe(1);
    expect(apply(sorted, { action: "set-default-sort-order", sortOrderId: 0 }).defaultSortOrderId).toBe(0);
    expect(
      apply(apply(next, { action: "set-default-spec", specId: 0 }), {
        action: "remove-partition-specs",
        specIds: [1],
      }).partitionSpecs,
    ).toHaveLength(1);
  });

  test("nonsense is refused", () => {
    expect(() => apply(table, { action: "set-default-spec", specId: 3 })).toThrow(refused);
    expect(() => apply(table, { action: "set-default-sort-order", sortOrderId: 3 })).toThrow(refused);
    expect(() => apply(table, { action: "remove-partition-specs", specIds: [0] })).toThrow(refused);
    const v1 = newTableMetadata({ schema, location: "s3://t", formatVersion: 1 });
    const gap = {
      specId: 1,
      fields: [
        { sourceIds: [1] as const, fieldId: 1005, name: "d", transform: { transform: "day" } as const },
      ],
    };
    expect(() => apply(v1, { action: "add-spec", spec: gap })).toThrow(/sequential/);
    const unknown = {
      specId: 1,
      fields: [
        {
          sourceIds: [1] as const,
          fieldId: 1000,
          name: "z",
          transform: { transform: "unknown", name: "z" } as const,
        },
      ],
    };
    expect(() => apply(table, { action: "add-spec", spec: unknown })).toThrow(refused);
  });
});

describe("snapshots and references", () => {
  const one = apply(table, add(1n), point("main", 1n));

  test("a snapshot on main becomes current and is logged at its own time", () => {
    expect([one.currentSnapshotId, one.lastSequenceNumber, one.lastUpdatedMs]).toEqual([1n, 1n, 1000n]);
    expect(one.snapshotLog).toEqual([{ timestampMs: 1000n, snapshotId: 1n }]);
  });

  test("one that no reference is set to is staged: not current, not logged", () => {
    const staged = apply(one, add(2n));
    expect([staged.currentSnapshotId, staged.snapshots.length, staged.snapshotLog.length]).toEqual([
      1n,
      2,
      1,
    ]);
  });

  test("one that main only passed by in the same commit is not in the log", () => {
    const next = apply(one, add(2n), point("main", 2n), add(3n), point("main", 3n));
    expect(next.snapshotLog.map((entry) => entry.snapshotId)).toEqual([1n, 3n]);
  });

  test("going back is logged at the time of the commit", () => {
    const two = apply(one, add(2n), point("main", 2n));
    const back = apply(two, point("main", 1n));
    expect(back.snapshotLog.at(-1)).toEqual({ timestampMs: 5000n, snapshotId: 1n });
  });

  test("branches and tags keep apart from main", () => {
    const next = apply(one, add(2n), point("audit", 2n), point("v1", 1n, "tag"));
    expect(next.currentSnapshotId).toBe(1n);
    expect(Object.keys(next.refs)).toEqual(["main", "audit", "v1"]);
    const gone = apply(
      next,
      { action: "remove-snapshot-ref", refName: "audit" },
      { action: "remove-snapshot-ref", refName: "main" },
    );
    expect(Object.keys(gone.refs)).toEqual(["v1"]);
    expect(gone.currentSnapshotId).toBeUndefined();
  });

  test("removed snapshots take their references, statistics and older history with them", () => {
    const statistics = {
      snapshotId: 2n,
      statisticsPath: "p",
      fileSizeInBytes: 1n,
      fileFooterSizeInBytes: 1n,
      blobMetadata: [],
    };
    const partitionStatistics = { snapshotId: 2n, statisticsPath: "p", fileSizeInBytes: 1n };
    const three = apply(
      apply(apply(one, add(2n), point("main", 2n)), add(3n), point("main", 3n)),
      point("old", 2n, "tag"),
      { action: "set-statistics", statistics },
      { action: "set-statistics", statistics: { ...statistics, statisticsPath: "q" } },
      { action: "set-partition-statistics", partitionStatistics },
    );
    expect(three.statistics.map((file) => file.statisticsPath)).toEqual(["q"]);
    const next = apply(three, { action: "remove-snapshots", snapshotIds: [2n] });
    expect(next.snapshots.map((each) => each.snapshotId)).toEqual([1n, 3n]);
    expect(Object.keys(next.refs)).toEqual(["main"]);
    expect([next.statistics, next.partitionStatistics]).toEqual([[], []]);
    expect(next.snapshotLog.map((entry) => entry.snapshotId)).toEqual([3n]);
    expect(apply(three, { action: "remove-statistics", snapshotId: 2n }).statistics).toEqual([]);
    expect(
      apply(three, { action: "remove-partition-statistics", snapshotId: 2n }).partitionStatistics,
    ).toEqual([]);
  });

  test("a snapshot made from an older version of the table is a conflict", () => {
    expect(() => apply(one, add(2n, 1n))).toThrow(expect.objectContaining({ code: "COMMIT_CONFLICT" }));
    const rows = apply(v3, add(1n, 1n, { firstRowId: 0n, addedRows: 10n }), point("main", 1n));
    expect(rows.nextRowId).toBe(10n);
    expect(() => apply(rows, add(2n, 2n, { firstRowId: 9n, addedRows: 1n }))).toThrow(
      expect.objectContaining({ code: "COMMIT_CONFLICT" }),
    );
    expect(() => apply(rows, add(2n))).toThrow(refused);
  });

  test("nonsense is refused", () => {
    expect(() => apply(one, add(1n, 9n))).toThrow(refused);
    expect(() => apply(one, point("b", 77n))).toThrow(refused);
    expect(() => apply(one, point("main", 1n, "tag"))).toThrow(refused);
    expect(() =>
      apply(one, {
        action: "set-snapshot-ref",
        refName: "t",
        ref: { type: "tag", snapshotId: 1n, minSnapshotsToKeep: 2 },
      }),
    ).toThrow(refused);
  });
});

describe("the rest", () => {
  test("properties, location, keys and versions", () => {
    const next = apply(
      v3,
      { action: "set-properties", updates: { a: "1", b: "2" } },
      { action: "remove-properties", removals: ["a"] },
      { action: "set-location", location: "s3://elsewhere/" },
      { action: "add-encryption-key", encryptionKey: { keyId: "k", encryptedKeyMetadata: "AA==" } },
      { action: "add-encryption-key", encryptionKey: { keyId: "k", encryptedKeyMetadata: "BB==" } },
    );
    const { a, b } = next.properties;
    expect([a, b, next.location]).toEqual([undefined, "2", "s3://elsewhere"]);
    expect(next.encryptionKeys).toEqual([{ keyId: "k", encryptedKeyMetadata: "AA==" }]);
    expect(apply(next, { action: "remove-encryption-key", keyId: "k" }).encryptionKeys).toEqual([]);
    expect(apply(table, { action: "upgrade-format-version", formatVersion: 3 }).formatVersion).toBe(3);
    expect(() => apply(v3, { action: "upgrade-format-version", formatVersion: 2 })).toThrow(refused);
    expect(() => apply(table, { action: "assign-uuid", uuid: "0" })).toThrow(refused);
  });

  test("updates that change nothing give the same metadata", () => {
    expect(apply(table)).toBe(table);
    expect(
      apply(
        table,
        { action: "assign-uuid", uuid: table.tableUuid },
        { action: "set-location", location: table.location },
      ),
    ).toBe(table);
  });

  test("the metadata log keeps as many files as the property says", () => {
    let next = apply(table, {
      action: "set-properties",
      updates: { "write.metadata.previous-versions-max": "2" },
    });
    for (const file of ["f1", "f2", "f3"]) {
      next = applyUpdates(next, [{ action: "set-properties", updates: { file } }], {
        previousMetadataLocation: file,
        now: 7000n,
      });
    }
    expect(next.metadataLog).toEqual([
      { timestampMs: 7000n, metadataFile: "f2" },
      { timestampMs: 7000n, metadataFile: "f3" },
    ]);
  });

  test("a table can be made from nothing by the updates of a create transaction", () => {
    const made = newTableMetadata({
      schema,
      location: "s3://t",
      partitionSpec: [day("ts")],
      sortOrder: [asc("n")],
      properties: { p: "1" },
      formatVersion: 3,
    });
    const applied = applyUpdates(undefined, updatesToCreate(made), { now: made.lastUpdatedMs });
    expect(applied).toEqual(made);
    expect(() => applyUpdates(undefined, [{ action: "set-location", location: "s3://t" }])).toThrow(refused);
  });
});
