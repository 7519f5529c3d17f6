import { describe, expect, test } from "vitest";
import {
  currentSchema,
  currentSnapshot,
  defaultSpec,
  parseTableMetadata,
  serializeTableMetadata,
} from "../../../lib/lakehouse/iceberg/index.js";
import { parse, V1, V2 } from "../support/metadata.js";

describe("reading metadata of older writers", () => {
  test("v1 with one schema, one spec and nothing else", () => {
    const metadata = parse(V1);
    expect(currentSchema(metadata).schemaId).toBe(0);
    expect(defaultSpec(metadata).fields).toEqual([
      { sourceIds: [2], fieldId: 1000, name: "d", transform: { transform: "identity" } },
    ]);
    expect([metadata.lastPartitionId, metadata.lastSequenceNumber, metadata.defaultSortOrderId]).toEqual([
      1000,
      0n,
      0,
    ]);
    expect(metadata.properties).toEqual({});
    expect(metadata.tableUuid).toMatch(/^[0-9a-f-]{36}$/);
    expect(parse(V1).tableUuid).toBe(metadata.tableUuid);
  });

  test("v1 with inline manifests, no summary and no sequence numbers", () => {
    const metadata = parse({
      ...V1,
      "current-snapshot-id": 5,
      snapshots: [{ "snapshot-id": 5, "timestamp-ms": 7, manifests: ["m1", "m2"] }],
    });
    expect(currentSnapshot(metadata)).toEqual({
      snapshotId: 5n,
      timestampMs: 7n,
      sequenceNumber: 0n,
      manifests: ["m1", "m2"],
    });
    expect(metadata.refs).toEqual({ main: { type: "branch", snapshotId: 5n } });
  });

  test.each([[-1], [null], [undefined]])("current-snapshot-id %s says that there is none", (id) => {
    expect(parse({ ...V2, "current-snapshot-id": id }).currentSnapshotId).toBeUndefined();
  });

  test("v2 without last-sequence-number takes the highest of its snapshots", () => {
    const { "last-sequence-number": _gone, ...rest } = V2;
    const metadata = parse({
      ...rest,
      snapshots: [
        {
          "snapshot-id": 1,
          "sequence-number": 34,
          "timestamp-ms": 1,
          "manifest-list": "l",
          summary: { operation: "append" },
        },
      ],
    });
    expect(metadata.lastSequenceNumber).toBe(34n);
  });

  test("an unknown transform is kept as it is", () => {
    const metadata = parse({
      ...V2,
      "partition-specs": [
        { "spec-id": 0, fields: [{ "source-id": 1, "field-id": 1000, name: "z", transform: "zorder" }] },
      ],
    });
    expect(JSON.parse(serializeTableMetadata(metadata))["partition-specs"][0].fields[0].transform).toBe(
      "zorder",
    );
  });
});

describe("invalid metadata is refused with the path of what is wrong", () => {
  const v2snapshot = {
    "snapshot-id": 1,
    "sequence-number": 0,
    "timestamp-ms": 1,
    "manifest-list": "l",
    summary: { operation: "append" },
  };
  test.each([
    ["no location", { ...V2, location: undefined }, /"location" is required/],
    [
      "a text for a number",
      { ...V2, "last-column-id": "2" },
      /"last-column-id" should be a 32-bit integer but is "2"/,
    ],
    [
      "a current schema that is not there",
      { ...V2, "current-schema-id": 9 },
      /"current-schema-id" names no schema/,
    ],
    [
      "a default spec that is not there",
      { ...V2, "default-spec-id": 9 },
      /"default-spec-id" names no partition spec/,
    ],
    [
      "a default sort order that is not there",
      { ...V2, "default-sort-order-id": 9 },
      /"default-sort-order-id" names no sort order/,
    ],
    [
      "a current snapshot that is not there",
      { ...V2, "current-snapshot-id": 9 },
      /"current-snapshot-id" names no snapshot/,
    ],
    [
      "a dangling ref",
      { ...V2, refs: { b: { type: "branch", "snapshot-id": 9 } } },
      /"refs\.b" refers to the snapshot 9/,
    ],
    [
      "main beside the current snapshot",
      { ...V2, snapshots: [v2snapshot], refs: { main: { type: "branch", "snapshot-id": 1 } } },
      /"refs\.main" is at snapshot 1/,
    ],
    ["a snapshot twice", { ...V2, snapshots: [v2snapshot, v2snapshot] }, /"snapshots" has two/],
    [
      "a snapshot without manifests",
      { ...V2, snapshots: [{ ...v2snapshot, "manifest-list": undefined }] },
      /"snapshots\[0\]\.manifest-list" is required/,
    ],
    [
      "a sequence number above the last",
      { ...V2, snapshots: [{ ...v2snapshot, "sequence-number": 4 }] },
      /"last-sequence-number" is lower/,
    ],
    ["v2 without a UUID", { ...V2, "table-uuid": undefined }, /"table-uuid" is required/],
    [
      "v2 with the singular schema only",
      { ...V2, schemas: undefined, schema: V1.schema },
      /"schemas" is required/,
    ],
    ["v3 without next-row-id", { ...V2, "format-version": 3 }, /"next-row-id" is required/],
    [
      "a type that does not exist",
      {
        ...V2,
        schemas: [
          { type: "struct", "schema-id": 0, fields: [{ id: 1, name: "a", required: true, type: "text" }] },
        ],
      },
      /"schemas\[0\]\.fields\[0\]\.type"/,
    ],
    [
      "a field id twice",
      {
        ...V2,
        schemas: [
          {
            type: "struct",
            "schema-id": 0,
            fields: [
              { id: 1, name: "a", required: true, type: "int" },
              { id: 1, name: "b", required: true, type: "int" },
            ],
          },
        ],
      },
      /both have the id 1/,
    ],
    ["a list", [], /the document should be an object/],
  ])("%s", (_name, json, message) => {
    expect(() => parse(json)).toThrow(
      expect.objectContaining({
        code: "INVALID_METADATA",
        subject: "t/v1.metadata.json",
        message: expect.stringMatching(message),
      }),
    );
  });

  test("a format version of the future is unsupported", () => {
    expect(() => parse({ ...V2, "format-version": 4 })).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED_FEATURE" }),
    );
  });

  test("text that ends early, at any byte", () => {
    const text = JSON.stringify(V2);
    for (let end = 0; end < text.length; end += 7) {
      expect(() => parseTableMetadata(text.slice(0, end))).toThrow(
        expect.objectContaining({ code: "INVALID_METADATA" }),
      );
    }
  });
});
