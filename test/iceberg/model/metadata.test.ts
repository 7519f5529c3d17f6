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
  metadataFileVersion,
  newTableMetadata,
  parseTableMetadata,
  readTableMetadata,
  type Schema,
  serializeTableMetadata,
  snapshotAsOf,
  snapshotByRef,
  type TableMetadata,
  timestampNs,
  writeTableMetadata,
} from "../../../lib/lakehouse/iceberg/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { fixtureTables, needsFixtureTables } from "../../support/needs.js";
import { schema, snapshot, V1, V2 } from "../support/metadata.js";

const scratch = mkdtempSync(join(tmpdir(), "metadata-"));
afterAll(() => rmSync(scratch, { recursive: true }));

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
    expect(metadata.properties).toEqual({
      owner: "me",
      "history.expire.max-snapshots": "50",
      "write.metadata.previous-versions-max": "20",
    });
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
