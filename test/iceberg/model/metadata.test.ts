import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import {
  currentSchema,
  currentSnapshot,
  day,
  defaultSpec,
  defineSchema,
  desc,
  fieldByName,
  int,
  metadataFileVersion,
  newTableMetadata,
  parseTableMetadata,
  readTableMetadata,
  type Schema,
  type Snapshot,
  serializeTableMetadata,
  snapshotAsOf,
  snapshotByRef,
  string,
  type TableMetadata,
  timestamp,
  timestampNs,
  writeTableMetadata,
} from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { fixtureTables, needsFixtureTables } from "../../support/needs.js";

const schema = defineSchema({ ts: timestamp(), n: int(), note: string().optional() });
const scratch = mkdtempSync(join(tmpdir(), "metadata-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const snapshot = (id: bigint, more: Partial<Snapshot> = {}): Snapshot => ({
  snapshotId: id,
  sequenceNumber: 1n,
  timestampMs: 1515100955770n,
  manifestList: "s3://b/wh/s1.avro",
  summary: { operation: "append", "added-records": "3" },
  schemaId: 0,
  ...more,
});

const V1 = {
  "format-version": 1,
  location: "s3://b/t",
  "last-updated-ms": 1515100955770,
  "last-column-id": 2,
  schema: {
    type: "struct",
    fields: [
      { id: 1, name: "a", required: true, type: "int" },
      { id: 2, name: "d", required: false, type: "date" },
    ],
  },
  "partition-spec": [{ name: "d", transform: "identity", "source-id": 2 }],
};
const V2 = {
  "format-version": 2,
  "table-uuid": "fb072c92-a02b-11e9-ae9c-1bb7bc9eca94",
  location: "s3://b/t",
  "last-sequence-number": 0,
  "last-updated-ms": 1515100955770,
  "last-column-id": 1,
  schemas: [{ type: "struct", "schema-id": 0, fields: [{ id: 1, name: "a", required: true, type: "int" }] }],
  "current-schema-id": 0,
  "partition-specs": [{ "spec-id": 0, fields: [] }],
  "default-spec-id": 0,
  "last-partition-id": 999,
  "sort-orders": [{ "order-id": 0, fields: [] }],
  "default-sort-order-id": 0,
};
const parse = (json: object) => parseTableMetadata(JSON.stringify(json), "t/v1.metadata.json");

describe("a new table", () => {
  const metadata = newTableMetadata({
    schema,
    partitionSpec: [day("ts")],
    sortOrder: [desc("n")],
    location: "s3://lake/flights/",
    properties: { owner: "me", "format-version": "2" },
  });

  test("has fresh ids, a stripped location and no reserved properties", () => {
    expect(metadata.formatVersion).toBe(2);
    expect(metadata.location).toBe("s3://lake/flights");
    expect(metadata.properties).toEqual({ owner: "me" });
    expect([metadata.lastColumnId, metadata.lastPartitionId, metadata.defaultSortOrderId]).toEqual([
      3, 1000, 1,
    ]);
    expect(currentSnapshot(metadata)).toBeUndefined();
  });

  test("gives columns ids of its own, and spec and order follow them by name", () => {
    const old: Schema = {
      schemaId: 5,
      identifierFieldIds: [70],
      fields: schema.fields.map((field, i) => ({ ...field, id: [80, 70, 60][i]! })),
    };
    const fresh = newTableMetadata({
      schema: old,
      partitionSpec: {
        specId: 4,
        fields: [{ sourceIds: [80], fieldId: 1007, name: "d", transform: { transform: "day" } }],
      },
      sortOrder: {
        orderId: 3,
        fields: [
          {
            sourceIds: [60],
            transform: { transform: "identity" },
            direction: "asc",
            nullOrder: "nulls-last",
          },
        ],
      },
      location: "s3://t",
    });
    expect(currentSchema(fresh).fields.map((field) => field.id)).toEqual([1, 2, 3]);
    expect(currentSchema(fresh).identifierFieldIds).toEqual([2]);
    expect(defaultSpec(fresh)).toEqual({
      specId: 0,
      fields: [{ sourceIds: [1], fieldId: 1000, name: "d", transform: { transform: "day" } }],
    });
    expect(fresh.sortOrders[0]?.fields[0]?.sourceIds).toEqual([3]);
  });

  test("cannot have types of a later format version", () => {
    expect(() =>
      newTableMetadata({ schema: defineSchema({ t: timestampNs() }), location: "s3://t" }),
    ).toThrow(expect.objectContaining({ code: "INVALID_SCHEMA" }));
    expect(
      newTableMetadata({ schema: defineSchema({ t: timestampNs() }), location: "s3://t", formatVersion: 3 })
        .formatVersion,
    ).toBe(3);
  });

  test.each([1, 2, 3] as const)("of version %i comes back from its JSON", (formatVersion) => {
    const made = {
      ...newTableMetadata({ schema, partitionSpec: [day("ts")], location: "s3://t", formatVersion }),
      metadataLog: [{ timestampMs: 9n, metadataFile: "f" }],
    };
    const id = 9223372036854775807n;
    const withSnapshot: TableMetadata = {
      ...made,
      snapshots: [
        snapshot(
          id,
          formatVersion === 1
            ? { sequenceNumber: 0n }
            : formatVersion === 3
              ? { firstRowId: 0n, addedRows: 9007199254740993n }
              : {},
        ),
      ],
      currentSnapshotId: id,
      lastSequenceNumber: formatVersion === 1 ? 0n : 1n,
      refs: {
        main: { type: "branch", snapshotId: id },
        "audit ü": { type: "tag", snapshotId: id, maxRefAgeMs: 10n },
      },
      snapshotLog: [{ timestampMs: 1515100955770n, snapshotId: id }],
      statistics: [
        {
          snapshotId: id,
          statisticsPath: "p",
          fileSizeInBytes: 1n,
          fileFooterSizeInBytes: 2n,
          blobMetadata: [{ type: "b", snapshotId: id, sequenceNumber: 1n, fields: [1] }],
        },
      ],
      nextRowId: formatVersion === 3 ? 9007199254740993n : 0n,
      encryptionKeys:
        formatVersion === 3 ? [{ keyId: "k", encryptedKeyMetadata: "AAA=", encryptedById: "m" }] : [],
    };
    for (const each of [made, withSnapshot]) {
      const text = serializeTableMetadata(each);
      expect(parseTableMetadata(text)).toEqual(each);
      const keys = Object.keys(JSON.parse(text));
      expect(keys.includes("schema")).toBe(formatVersion === 1);
      expect(keys.includes("next-row-id")).toBe(formatVersion === 3);
      expect(keys.includes("last-sequence-number")).toBe(formatVersion > 1);
    }
    expect(serializeTableMetadata(withSnapshot)).toContain('"snapshot-id":9223372036854775807');
  });
});

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

describe("metadata files", () => {
  test("are written under a new name, plain and gzip, and read back", async () => {
    const root = pathToFileURL(scratch).href;
    const store = new LocalStore(root);
    for (const codec of ["none", "gzip"]) {
      const metadata = newTableMetadata({
        schema,
        location: `${root}/t-${codec}`,
        properties: { "write.metadata.compression-codec": codec },
      });
      const location = await writeTableMetadata(store, metadata, 7);
      expect(location).toMatch(
        codec === "gzip"
          ? /\/metadata\/00007-[^/]+\.gz\.metadata\.json$/
          : /\/metadata\/00007-[^/.]+\.metadata\.json$/,
      );
      expect(metadataFileVersion(location)).toBe(7);
      expect(await readTableMetadata(store, location)).toEqual(metadata);
    }
  });

  test("gzip is told by its bytes, whatever the name", async () => {
    const store = new LocalStore(pathToFileURL(scratch).href);
    writeFileSync(join(scratch, "v1.metadata.json.gz"), gzipSync(JSON.stringify(V1)));
    writeFileSync(join(scratch, "v2.gz.metadata.json"), JSON.stringify(V2));
    expect((await readTableMetadata(store, `${store.root}/v1.metadata.json.gz`)).formatVersion).toBe(1);
    expect((await readTableMetadata(store, `${store.root}/v2.gz.metadata.json`)).formatVersion).toBe(2);
    writeFileSync(join(scratch, "cut.gz.metadata.json"), gzipSync(JSON.stringify(V2)).subarray(0, 40));
    await expect(readTableMetadata(store, `${store.root}/cut.gz.metadata.json`)).rejects.toMatchObject({
      code: "INVALID_METADATA",
    });
  });

  test("tell their version by their name", () => {
    expect(metadataFileVersion("s3://b/t/metadata/v12.metadata.json")).toBe(12);
    expect(metadataFileVersion("s3://b/t/metadata/v12.gz.metadata.json")).toBe(12);
    expect(metadataFileVersion("s3://b/t/metadata/00003-aa-bb.metadata.json.gz")).toBe(3);
    expect(metadataFileVersion("s3://b/t/metadata/other.json")).toBeUndefined();
  });
});

describe("looking back", () => {
  const metadata: TableMetadata = {
    ...newTableMetadata({ schema, location: "s3://t" }),
    snapshots: [snapshot(1n), snapshot(2n), snapshot(3n)],
    currentSnapshotId: 3n,
    lastSequenceNumber: 1n,
    refs: { main: { type: "branch", snapshotId: 3n }, v1: { type: "tag", snapshotId: 1n } },
    snapshotLog: [
      { timestampMs: 100n, snapshotId: 1n },
      { timestampMs: 200n, snapshotId: 2n },
      { timestampMs: 300n, snapshotId: 3n },
    ],
  };

  test("finds the snapshot that was current at a time", () => {
    expect(snapshotAsOf(metadata, 200n).snapshotId).toBe(2n);
    expect(snapshotAsOf(metadata, 299n).snapshotId).toBe(2n);
    expect(() => snapshotAsOf(metadata, 99n)).toThrow(expect.objectContaining({ code: "NO_SUCH_SNAPSHOT" }));
  });

  test("finds the snapshot of a branch or tag", () => {
    expect(snapshotByRef(metadata, "v1")?.snapshotId).toBe(1n);
    expect(() => snapshotByRef(metadata, "nope")).toThrow(expect.objectContaining({ code: "NO_SUCH_REF" }));
    expect(() => snapshotByRef(metadata, "constructor")).toThrow(
      expect.objectContaining({ code: "NO_SUCH_REF" }),
    );
  });
});

describe("metadata that other engines wrote", () => {
  const files =
    fixtureTables === undefined
      ? ["each file"]
      : readdirSync(fixtureTables, { recursive: true, encoding: "utf8" })
          .filter((name) => name.includes("metadata.json"))
          .sort();
  test.each(files)("%s is read, written and read the same", needsFixtureTables, (name) => {
    const file = join(fixtureTables as string, name);
    const metadata = parseTableMetadata(readFileSync(file), file);
    expect(parseTableMetadata(serializeTableMetadata(metadata))).toEqual(metadata);
    expect(currentSchema(metadata).fields.length).toBeGreaterThan(0);
    for (const field of currentSchema(metadata).fields)
      expect(fieldByName(currentSchema(metadata), field.name)).toBe(field);
  });
});
