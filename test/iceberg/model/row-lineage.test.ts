import { describe, expect, test } from "vitest";
import type { ManifestFile } from "../../../lib/lakehouse/iceberg/model/metadata/manifest-types.js";
import {
  assignFirstRowIds,
  readLineage,
  storedLineage,
} from "../../../lib/lakehouse/iceberg/model/metadata/row-lineage.js";

const manifest = (
  manifestPath: string,
  added: bigint,
  existing: bigint,
  changes: Partial<ManifestFile> = {},
): ManifestFile => ({
  manifestPath,
  manifestLength: 1n,
  partitionSpecId: 0,
  content: "data",
  sequenceNumber: 1n,
  minSequenceNumber: 1n,
  addedSnapshotId: 1n,
  addedRowsCount: added,
  existingRowsCount: existing,
  ...changes,
});

describe("first row ids", () => {
  test("are assigned as in the spec's example", () => {
    const result = assignFirstRowIds(
      [
        manifest("existing", 75n, 0n, { firstRowId: 925n }),
        manifest("added1", 100n, 25n),
        manifest("added2", 0n, 100n),
        manifest("added3", 125n, 25n),
      ],
      1000n,
    );
    expect(result.manifests.map(({ firstRowId }) => firstRowId)).toEqual([925n, 1000n, 1125n, 1225n]);
    expect(result.nextRowId).toBe(1375n);
  });

  test("are not given to delete manifests", () => {
    const result = assignFirstRowIds(
      [manifest("deletes", 10n, 0n, { content: "deletes" }), manifest("data", 5n, 0n)],
      7n,
    );
    expect(result.manifests.map(({ firstRowId }) => firstRowId)).toEqual([undefined, 7n]);
    expect(result.nextRowId).toBe(12n);
  });
});

describe("a row's lineage", () => {
  const nothing = { rowId: null, lastUpdatedSequenceNumber: null };
  const file = { firstRowId: 1050n, sequenceNumber: 8n };

  test("is inherited from its file where none is stored", () => {
    expect(readLineage(file, 3n, nothing)).toEqual({ rowId: 1053n, lastUpdatedSequenceNumber: 8n });
  });

  test("is what the file stores, each value for itself", () => {
    expect(readLineage(file, 3n, { rowId: 12n, lastUpdatedSequenceNumber: null })).toEqual({
      rowId: 12n,
      lastUpdatedSequenceNumber: 8n,
    });
    expect(
      readLineage(file, 3n, { rowId: 12n, lastUpdatedSequenceNumber: 2n }).lastUpdatedSequenceNumber,
    ).toBe(2n);
  });

  test("has no id in a snapshot from before the upgrade to v3", () => {
    const old = { firstRowId: undefined, sequenceNumber: 4n };
    expect(readLineage(old, 3n, nothing)).toEqual({ rowId: null, lastUpdatedSequenceNumber: 4n });
  });

  test("goes along when the row moves, without the sequence number when the row is changed", () => {
    const row = readLineage(file, 3n, nothing);
    expect(storedLineage(row, false)).toEqual({ rowId: 1053n, lastUpdatedSequenceNumber: 8n });
    const changed = storedLineage(row, true);
    expect(changed).toEqual({ rowId: 1053n, lastUpdatedSequenceNumber: null });
    expect(readLineage({ firstRowId: 5000n, sequenceNumber: 9n }, 0n, changed)).toEqual({
      rowId: 1053n,
      lastUpdatedSequenceNumber: 9n,
    });
  });
});
