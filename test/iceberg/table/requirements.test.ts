import { describe, expect, test } from "vitest";
import { invalidArgument } from "../../../lib/lakehouse/errors.js";
import {
  asc,
  buildPartitionSpec,
  buildSortOrder,
  checkRequirements,
  commitRequestFromJson,
  commitRequestToJson,
  day,
  requirementsFor,
  type TableRequirement,
  type TableUpdate,
} from "../../../lib/lakehouse/iceberg/index.js";
import { readJson, stringifyJson } from "../../../lib/lakehouse/iceberg/model/json.js";
import { add, apply, point, schema, snapshot, table } from "../support/updates.js";

describe("requirements", () => {
  const one = apply(table, add(1n), point("main", 1n));
  const good: TableRequirement[] = [
    { type: "assert-table-uuid", uuid: table.tableUuid.toUpperCase() },
    { type: "assert-ref-snapshot-id", ref: "main", snapshotId: 1n },
    { type: "assert-ref-snapshot-id", ref: "toString", snapshotId: null },
    { type: "assert-last-assigned-field-id", lastAssignedFieldId: 3 },
    { type: "assert-current-schema-id", currentSchemaId: 0 },
    { type: "assert-last-assigned-partition-id", lastAssignedPartitionId: 999 },
    { type: "assert-default-spec-id", defaultSpecId: 0 },
    { type: "assert-default-sort-order-id", defaultSortOrderId: 0 },
  ];
  const bad: TableRequirement[] = [
    { type: "assert-create" },
    { type: "assert-table-uuid", uuid: "0" },
    { type: "assert-ref-snapshot-id", ref: "main", snapshotId: 2n },
    { type: "assert-ref-snapshot-id", ref: "main", snapshotId: null },
    { type: "assert-ref-snapshot-id", ref: "b", snapshotId: 1n },
    { type: "assert-last-assigned-field-id", lastAssignedFieldId: 4 },
    { type: "assert-current-schema-id", currentSchemaId: 1 },
    { type: "assert-last-assigned-partition-id", lastAssignedPartitionId: 1000 },
    { type: "assert-default-spec-id", defaultSpecId: 1 },
    { type: "assert-default-sort-order-id", defaultSortOrderId: 1 },
  ];

  test("that hold let the commit through", () => {
    expect(() => checkRequirements(one, good)).not.toThrow();
    expect(() => checkRequirements(undefined, [{ type: "assert-create" }])).not.toThrow();
  });

  test.each(bad)("%o does not hold and is a conflict", (requirement) => {
    expect(() => checkRequirements(one, [requirement])).toThrow(
      expect.objectContaining({ code: "COMMIT_CONFLICT" }),
    );
  });

  test("of a table that is not there are conflicts", () => {
    expect(() => checkRequirements(undefined, good.slice(0, 1))).toThrow(
      expect.objectContaining({ code: "COMMIT_CONFLICT" }),
    );
  });

  test("are made for the updates that need them", () => {
    const updates = [
      point("main", 2n),
      point("new", 2n),
      { action: "add-schema", schema } as const,
      { action: "set-default-spec", specId: 0 } as const,
    ];
    const made = requirementsFor(one, updates);
    expect(made.map((each) => each.type)).toEqual([
      "assert-table-uuid",
      "assert-ref-snapshot-id",
      "assert-ref-snapshot-id",
      "assert-last-assigned-field-id",
      "assert-default-spec-id",
    ]);
    expect(() => checkRequirements(one, made)).not.toThrow();
    const moved = apply(one, add(2n), point("main", 2n));
    expect(() => checkRequirements(moved, made)).toThrow(/snapshot 1/);
  });

  test("and updates come back from the REST catalog's JSON, every one", () => {
    const big = 9223372036854775807n;
    const updates: TableUpdate[] = [
      { action: "assign-uuid", uuid: "u" },
      { action: "upgrade-format-version", formatVersion: 3 },
      { action: "add-schema", schema },
      { action: "set-current-schema", schemaId: -1 },
      { action: "add-spec", spec: buildPartitionSpec(schema, [day("ts")]) },
      { action: "set-default-spec", specId: -1 },
      { action: "add-sort-order", sortOrder: buildSortOrder(schema, [asc("n")]) },
      { action: "set-default-sort-order", sortOrderId: -1 },
      { action: "add-snapshot", snapshot: snapshot(big, 3n, { firstRowId: 0n, addedRows: 1n }) },
      {
        action: "set-snapshot-ref",
        refName: "main",
        ref: {
          type: "branch",
          snapshotId: big,
          minSnapshotsToKeep: 2,
          maxSnapshotAgeMs: 3n,
          maxRefAgeMs: 4n,
        },
      },
      { action: "remove-snapshots", snapshotIds: [big] },
      { action: "remove-snapshot-ref", refName: "b" },
      { action: "set-location", location: "l" },
      { action: "set-properties", updates: { a: "b" } },
      { action: "remove-properties", removals: ["a"] },
      {
        action: "set-statistics",
        statistics: {
          snapshotId: big,
          statisticsPath: "p",
          fileSizeInBytes: 1n,
          fileFooterSizeInBytes: 1n,
          blobMetadata: [],
        },
      },
      { action: "remove-statistics", snapshotId: big },
      {
        action: "set-partition-statistics",
        partitionStatistics: { snapshotId: big, statisticsPath: "p", fileSizeInBytes: 1n },
      },
      { action: "remove-partition-statistics", snapshotId: big },
      { action: "remove-partition-specs", specIds: [1] },
      { action: "remove-schemas", schemaIds: [1] },
      {
        action: "add-encryption-key",
        encryptionKey: { keyId: "k", encryptedKeyMetadata: "m", properties: { a: "b" } },
      },
      { action: "remove-encryption-key", keyId: "k" },
    ];
    const request = { requirements: [...good.slice(1), ...bad], updates };
    const text = stringifyJson(commitRequestToJson(request));
    expect(commitRequestFromJson(readJson(text, { subject: "request", kind: invalidArgument }))).toEqual(
      request,
    );
    expect(() =>
      commitRequestFromJson(
        readJson('{"updates":[{"action":"explode"}]}', { subject: "request", kind: invalidArgument }),
      ),
    ).toThrow(/updates\[0\]\.action/);
  });
});
