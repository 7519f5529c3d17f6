// Which changes of its columns a table may see before rows come to it that were written for the ones before.
import { describe, expect, test } from "vitest";
import {
  defineSchema,
  int,
  list,
  map,
  type NestedField,
  newTableMetadata,
  type SnapshotId,
  string,
  struct,
  type TableMetadata,
} from "../../../lib/lakehouse/iceberg/index.js";
import { UpdateSchema } from "../../../lib/lakehouse/iceberg/table/evolution/update-schema.js";
import { validateWrittenSchema } from "../../../lib/lakehouse/iceberg/table/snapshot/written-schema.js";
import { createTable, scratch } from "../support/tables.js";

const schema = defineSchema({
  a: int(),
  b: string().optional(),
  place: struct({ city: string().optional(), zip: int().optional() }).optional(),
  points: list(int().optional()).optional(),
  attrs: map(string(), int().optional()).optional(),
});
const written = withSnapshots(newTableMetadata({ schema, location: "s3://t" }), 1n);

/** A table with these snapshots, each the parent of the next, and `main` at the last. */
function withSnapshots(metadata: TableMetadata, ...ids: bigint[]): TableMetadata {
  const snapshots = ids.map((id, index) => ({
    snapshotId: id as SnapshotId,
    parentSnapshotId: ids[index - 1] as SnapshotId | undefined,
    sequenceNumber: BigInt(index + 1),
    timestampMs: BigInt(index),
    manifestList: `s3://t/${id}.avro`,
  }));
  const head = ids.at(-1) as SnapshotId | undefined;
  const refs: TableMetadata["refs"] =
    head === undefined ? {} : { main: { type: "branch", snapshotId: head } };
  return { ...metadata, snapshots, refs, currentSnapshotId: head };
}

const fields = written.schemas[0]?.fields ?? [];

/** What the table has become: with other columns, and, if no more is said, the same head. */
function changed(now: readonly NestedField[], from: TableMetadata = written): TableMetadata {
  return {
    ...from,
    schemas: [...written.schemas, { schemaId: 1, fields: now, identifierFieldIds: [] }],
    currentSchemaId: 1,
  };
}

/** The columns where one, by its name, is something else. */
const where = (name: string, more: Partial<NestedField>) =>
  fields.map((field) => (field.name === name ? { ...field, ...more } : field));

const without = (name: string) => fields.filter((field) => field.name !== name);
const added = (more: Partial<NestedField>): NestedField[] => [
  ...fields,
  { id: 99, name: "new", required: true, type: { type: "int" }, ...more },
];
const typeOf = (name: string): object => fields.find((field) => field.name === name)?.type ?? {};

const verdict = (now: TableMetadata, then = written): string => {
  try {
    validateWrittenSchema(then, now, "main");
    return "";
  } catch (error) {
    expect(error).toMatchObject({ code: "COMMIT_CONFLICT" });
    return (error as Error).message;
  }
};

describe("rows come to a table whose columns have evolved", () => {
  test.each<[string, readonly NestedField[]]>([
    ["renamed", where("b", { name: "c" })],
    ["gone", without("b")],
    ["gone, though it was required", without("a")],
    ["wider", where("a", { type: { type: "long" } })],
    ["no longer required", where("a", { required: false })],
    ["new, and optional", added({ required: false })],
    ["new, required, and with a value for rows that are there", added({ initialDefault: 7 })],
    ["gone from within", where("place", { type: { ...typeOf("place"), fields: [] } as never })],
    ["in another order", fields.toReversed()],
  ])("with one that is %s", (_, now) => {
    expect(verdict(changed(now))).toBe("");
  });

  test.each<[string, readonly NestedField[], string]>([
    ["required now", where("b", { required: true }), '"b" is required now'],
    ["of another type", where("b", { type: { type: "int" } }), '"b" has another type'],
    [
      "a list where it was a struct",
      where("place", { type: typeOf("points") as never }),
      '"place" has another type',
    ],
    ["new, and required", added({}), '"new" is required, and new'],
    ["new, required, and null by default", added({ initialDefault: null }), '"new" is required, and new'],
  ])("but not with one that is %s", (_, now, message) => {
    expect(verdict(changed(now))).toContain(message);
  });

  test("but not where that happened within one", () => {
    const place = typeOf("place") as { readonly fields: readonly NestedField[] };
    const type = { ...place, fields: place.fields.map((field) => ({ ...field, required: true })) } as never;
    const [points, attrs] = [typeOf("points"), typeOf("attrs")];
    expect(verdict(changed(where("place", { type })))).toContain('"city" is required now');
    const lists = { ...points, elementRequired: true } as never;
    expect(verdict(changed(where("points", { type: lists })))).toContain('"element" is required now');
    const maps = { ...attrs, valueRequired: true } as never;
    expect(verdict(changed(where("attrs", { type: maps })))).toContain('"value" is required now');
    const keys = { ...attrs, key: { type: "int" } } as never;
    expect(verdict(changed(where("attrs", { type: keys })))).toContain('"key" has another type');
  });
});

test("no column may be gone from a table that was replaced, nor where it cannot be told from one", () => {
  const gone = '"b" is gone';
  const evolved = withSnapshots(written, 1n, 2n);
  expect(verdict(changed(without("b"), evolved))).toBe("");
  // A history of its own, and none: neither goes on from where the rows began.
  expect(verdict(changed(without("b"), withSnapshots(written, 2n)))).toContain(gone);
  expect(verdict(changed(without("b"), withSnapshots(written)))).toContain(gone);
  const empty = withSnapshots(written);
  expect(verdict(changed(without("b"), empty), empty)).toContain(gone);
  expect(verdict(changed(where("b", { name: "c" }), withSnapshots(written, 2n)))).toBe("");
});

test("where the columns are those of before, nothing is asked", () => {
  expect(verdict(withSnapshots(written, 2n))).toBe("");
});

test("a change of columns that comes between a proposal and its commit is noticed", () =>
  scratch(async (directory) => {
    const { table, committer } = await createTable(directory, { schema });
    const row = { a: 1, b: null, place: null, points: null, attrs: null };
    await table.append([row]);
    const commit = committer.commit.bind(committer);
    committer.commit = async (request) => {
      committer.commit = commit;
      await table.update([new UpdateSchema({ allowIncompatibleChanges: true }).makeRequired("b")]);
      return commit(request);
    };
    await expect((await table.refresh()).append([row])).rejects.toMatchObject({
      code: "COMMIT_CONFLICT",
      message: expect.stringContaining('"b" is required now'),
    });
  }));
