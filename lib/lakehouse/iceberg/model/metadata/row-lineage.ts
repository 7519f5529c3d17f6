import { invalidSchema } from "../../errors.js";
import { fieldById } from "../schema/lookup.js";
import type { NestedField, Schema } from "../types/types.js";
import type { ManifestFile } from "./manifest-types.js";
import type { SequenceNumber } from "./types.js";

/**
 * Row lineage (spec, "Row Lineage"; v3): every row has an id that stays with it and the sequence number of the commit
 * that changed it last. Both are inherited from metadata when they are not stored with the row, because neither is
 * known before the commit succeeds.
 */

/** The column `_row_id`, where a data file stores it. */
export const ROW_ID: NestedField = {
  id: 2147483540,
  name: "_row_id",
  required: false,
  type: { type: "long" },
};

/** The column `_last_updated_sequence_number`, where a data file stores it. */
export const LAST_UPDATED_SEQUENCE_NUMBER: NestedField = {
  id: 2147483539,
  name: "_last_updated_sequence_number",
  required: false,
  type: { type: "long" },
};

/**
 * The lineage columns as they are stored beside a table's own. Readers find them by id, so that where a table has a
 * column of that name, which only others make, theirs gets another.
 *
 * @throws LakehouseError INVALID_SCHEMA when the table has given their ids to columns of its own.
 */
export function lineageColumns(schema: Pick<Schema, "fields">): readonly NestedField[] {
  const names = new Set(schema.fields.map(({ name }) => name));
  return [ROW_ID, LAST_UPDATED_SEQUENCE_NUMBER].map((column) => {
    const own = fieldById(schema, column.id);
    if (own !== undefined) {
      throw invalidSchema(
        own.name,
        `Rows of this table cannot be moved: its column ${JSON.stringify(own.name)} has the field id ${column.id}, which the Iceberg spec reserves for ${column.name}.`,
        "Copy the rows into a new table, whose columns get ids of their own.",
      );
    }
    let { name } = column;
    while (names.has(name)) name += "_";
    return { ...column, name };
  });
}

/** What a row has of its lineage; `null` stands for what is inherited, or unknown. */
export interface RowLineage {
  readonly rowId: bigint | null;
  readonly lastUpdatedSequenceNumber: SequenceNumber | null;
}

/** What the rows of a data file inherit. */
export interface FileLineage {
  /** `undefined` in snapshots from before the upgrade to v3: the rows have no ids then. */
  readonly firstRowId: bigint | undefined;
  /** The file's data sequence number. */
  readonly sequenceNumber: SequenceNumber;
}

/**
 * A row's lineage as readers see it.
 *
 * @param position of the row in its file, from 0
 * @param stored what the file stores; a file without the columns stores `null`
 */
export function readLineage(file: FileLineage, position: bigint, stored: RowLineage): RowLineage {
  const inherited = file.firstRowId === undefined ? null : file.firstRowId + position;
  return {
    rowId: stored.rowId ?? inherited,
    lastUpdatedSequenceNumber: stored.lastUpdatedSequenceNumber ?? file.sequenceNumber,
  };
}

/**
 * What to store with a row that moves to another file: its id; and, unless the write changes the row, the sequence
 * number of its last change. A row that the write adds stores `null` for both.
 *
 * @param lineage as read
 */
export function storedLineage(lineage: RowLineage, modified: boolean): RowLineage {
  return {
    rowId: lineage.rowId,
    lastUpdatedSequenceNumber: modified ? null : lineage.lastUpdatedSequenceNumber,
  };
}

/**
 * Gives a first row id to each data manifest that lacks one (spec, "First Row ID Assignment"). All rows of such a
 * manifest, existing ones too, may get ids by inheritance, so all are counted.
 *
 * @param manifests of the new snapshot, in the order of its manifest list
 * @param nextRowId the table's, which is the snapshot's `first-row-id`
 * @returns the manifests, and the table's next row id; its growth is the snapshot's `added-rows`
 */
export function assignFirstRowIds(
  manifests: readonly ManifestFile[],
  nextRowId: bigint,
): { readonly manifests: ManifestFile[]; readonly nextRowId: bigint } {
  let next = nextRowId;
  const assigned = manifests.map((manifest) => {
    if (manifest.content !== "data" || manifest.firstRowId !== undefined) return manifest;
    const firstRowId = next;
    next += (manifest.addedRowsCount ?? 0n) + (manifest.existingRowsCount ?? 0n);
    return { ...manifest, firstRowId };
  });
  return { manifests: assigned, nextRowId: next };
}
