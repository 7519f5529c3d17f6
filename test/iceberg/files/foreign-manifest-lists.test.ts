import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeManifestList, readManifestList } from "../../../lib/lakehouse/iceberg/files/manifest/list.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { runs } from "../../support/runs.js";
import { array, bool, bytes, container, int, long, orNull, record, text } from "../support/avro-shapes.js";
import { BIG_QUERY, manifestShape, shapesOf, small, styles } from "../support/foreign-manifests.js";
import { scratch } from "../support/tables.js";

describe("manifest lists of other writers", () => {
  const summary = fc.record({
    nulls: fc.boolean(),
    nan: fc.option(fc.boolean()),
    lower: fc.option(fc.uint8Array({ maxLength: 5 })),
    upper: fc.option(fc.uint8Array({ maxLength: 5 })),
  });
  const rows = fc.record({
    path: fc.string({ minLength: 1 }),
    length: small,
    spec: fc.nat(3),
    content: fc.constantFrom(0 as const, 1 as const),
    sequence: small,
    snapshot: fc.bigInt({ min: 1n, max: 2n ** 62n }),
    files: fc.option(fc.nat(1000)),
    lines: fc.option(small),
    partitions: fc.option(fc.array(summary, { maxLength: 3 })),
    gap: fc.boolean(),
  });

  test("are read the same way", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      let count = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(styles, fc.constant(BIG_QUERY)),
          fc.boolean(),
          fc.array(rows, { maxLength: 5 }),
          async (style, old, all) => {
            const { opt, req, fields, whole, big, code } = shapesOf(style);
            const content = code("co", ["DATA", "DELETES"]);
            const field = record(
              "r508",
              fields([
                { id: 509, name: "contains_null", shape: req(bool) },
                { id: 518, name: "contains_nan", shape: opt(bool) },
                { id: 510, name: "lower_bound", shape: opt(bytes) },
                { id: 511, name: "upper_bound", shape: opt(bytes) },
              ]),
            );
            const name = (kind: string) => (old ? `${kind}_data_files_count` : `${kind}_files_count`);
            const shape = record(
              "manifest_file",
              fields([
                { id: 500, name: "manifest_path", shape: req(text) },
                { id: 501, name: "manifest_length", shape: req(big) },
                { id: 502, name: "partition_spec_id", shape: req(whole) },
                { id: 517, name: "content", shape: req(content.shape) },
                { id: 515, name: "sequence_number", shape: req(big) },
                { id: 516, name: "min_sequence_number", shape: req(big) },
                { id: 503, name: "added_snapshot_id", shape: req(long) },
                { id: 504, name: name("added"), shape: opt(whole) },
                { id: 505, name: name("existing"), shape: opt(whole) },
                { id: 512, name: "added_rows_count", shape: opt(big) },
                {
                  id: 507,
                  name: "partitions",
                  shape: opt(array(style.nullable ? opt(field) : field, style.sized)),
                },
              ]),
            );
            const values = all.map((row) => ({
              manifest_path: row.path,
              manifest_length: row.length,
              partition_spec_id: row.spec,
              content: content.value(row.content),
              sequence_number: row.sequence,
              min_sequence_number: row.sequence,
              added_snapshot_id: row.snapshot,
              [name("added")]: row.files,
              [name("existing")]: row.files,
              added_rows_count: row.lines,
              partitions: row.partitions && [
                ...row.partitions.map((p) => ({
                  contains_null: p.nulls,
                  contains_nan: p.nan,
                  lower_bound: p.lower,
                  upper_bound: p.upper,
                  block_size_in_bytes: 0n,
                })),
                ...(style.nullable && row.gap ? [null] : []),
              ],
              block_size_in_bytes: 1n,
            }));
            const path = `${store.root}/l${count++}.avro`;
            await store.put(path, container(shape, values));
            const read = await readManifestList(store, path);
            const plain = (bound: Uint8Array | null | undefined) => (bound ? [...bound] : undefined);
            expect(
              read.map((row) => ({
                ...row,
                partitions: row.partitions?.map((p) => ({
                  ...p,
                  lowerBound: plain(p.lowerBound),
                  upperBound: plain(p.upperBound),
                })),
              })),
            ).toEqual(
              all.map((row) => ({
                manifestPath: row.path,
                manifestLength: row.length,
                partitionSpecId: row.spec,
                content: ["data", "deletes"][row.content],
                sequenceNumber: row.sequence,
                minSequenceNumber: row.sequence,
                addedSnapshotId: row.snapshot,
                addedFilesCount: row.files ?? undefined,
                existingFilesCount: row.files ?? undefined,
                addedRowsCount: row.lines ?? undefined,
                // A summary that is missing leaves nothing known of any: its place would be another's.
                partitions:
                  style.nullable && row.gap
                    ? undefined
                    : row.partitions?.map((p) => ({
                        containsNull: p.nulls,
                        containsNan: p.nan ?? undefined,
                        lowerBound: plain(p.lower),
                        upperBound: plain(p.upper),
                      })),
              })),
            );
          },
        ),
        { numRuns: runs(200) },
      );
    }));

  test("that do not tell a manifest's spec leave it to the manifest's head", () =>
    scratch(async (directory) => {
      const store = new LocalStore(directory, { durable: false });
      const { shape } = manifestShape(BIG_QUERY);
      await store.put(`${store.root}/m3.avro`, container(shape, [], { "partition-spec-id": "3" }));
      await store.put(`${store.root}/m0.avro`, container(shape, []));
      const list = record("manifest_file", [
        { name: "manifest_path", shape: text },
        { name: "manifest_length", shape: long },
        { name: "partition_spec_id", shape: orNull(int, false) },
      ]);
      const value = (name: string) => ({ manifest_path: `${store.root}/${name}.avro`, manifest_length: 1n });
      await store.put(`${store.root}/l.avro`, container(list, [value("m3"), value("m0")]));
      const read = await readManifestList(store, `${store.root}/l.avro`);
      expect(read.map(({ partitionSpecId }) => partitionSpecId)).toEqual([3, 0]);
      // And what was read can be written again.
      const head = {
        formatVersion: 2 as const,
        snapshotId: 5n,
        parentSnapshotId: undefined,
        sequenceNumber: 3n,
      };
      await store.put(`${store.root}/again.avro`, encodeManifestList(head, read));
      const again = await readManifestList(store, `${store.root}/again.avro`);
      expect(again.map(({ manifestPath }) => manifestPath)).toEqual(
        read.map(({ manifestPath }) => manifestPath),
      );
    }));
});
