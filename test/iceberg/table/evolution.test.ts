import { describe, expect, test } from "vitest";
import {
  applyUpdates,
  asc,
  bucket,
  currentSchema,
  decimal,
  defineSchema,
  fieldByName,
  float,
  int,
  list,
  long,
  map,
  month,
  string,
  struct,
  UpdatePartitionSpec,
  UpdateSchema,
} from "../../../lib/lakehouse/iceberg/index.js";
import { commit, create, names, refusedSchema, table } from "../support/evolution.js";

describe("a schema", () => {
  test("gets columns at every depth, with ids never used before", async () => {
    const next = await commit(
      table,
      new UpdateSchema()
        .addColumn("note", string().optional().doc("why"))
        .addColumn("place.country", string().optional())
        .addColumn("points.y", int().optional())
        .addColumn("attrs.w", struct({ deep: int() }).optional())
        .addColumn(["a.b"], int().optional()),
    );
    const now = currentSchema(next);
    expect([
      fieldByName(now, "note"),
      fieldByName(now, "place.country")?.id,
      fieldByName(now, "points.element.y")?.id,
    ]).toEqual([
      { id: table.lastColumnId + 1, name: "note", required: false, type: { type: "string" }, doc: "why" },
      table.lastColumnId + 2,
      table.lastColumnId + 3,
    ]);
    expect(fieldByName(now, "attrs.value.w.deep")?.id).toBe(table.lastColumnId + 5);
    expect(names(next).at(-1)).toBe("a.b");
    expect([next.lastColumnId, next.currentSchemaId]).toEqual([table.lastColumnId + 6, 1]);
  });

  test("a column dropped and added again is another column", async () => {
    const next = await commit(
      await commit(table, new UpdateSchema().dropColumn("n")),
      new UpdateSchema().addColumn("n", int().optional()),
    );
    expect(fieldByName(currentSchema(next), "n")?.id).toBe(table.lastColumnId + 1);
  });

  test("renames, widens, documents and reorders", async () => {
    const next = await commit(
      table,
      new UpdateSchema()
        .renameColumn("n", "count")
        .updateType("count", { type: "long" })
        .updateType("f", { type: "double" })
        .updateDoc("count", "how many")
        .renameColumn("place.city", "town")
        .moveFirst("count")
        .moveAfter("id", "ts")
        .moveBefore("attrs", "f")
        .moveFirst("place.zip"),
    );
    expect(names(next)).toEqual(["count", "attrs", "f", "ts", "id", "d", "place", "points"]);
    expect(fieldByName(currentSchema(next), "count")).toEqual({
      id: 2,
      name: "count",
      required: false,
      type: { type: "long" },
      doc: "how many",
    });
    const place = fieldByName(currentSchema(next), "place")?.type;
    expect(place?.type === "struct" && place.fields.map((field) => field.name)).toEqual(["zip", "town"]);
    expect(currentSchema(next).identifierFieldIds).toEqual([1]);
  });

  test("changes what may be null, identifiers, and elements of lists and maps", async () => {
    const next = await commit(
      table,
      new UpdateSchema({ allowIncompatibleChanges: true })
        .setIdentifierFields([])
        .makeOptional("id")
        .makeRequired("n")
        .makeOptional("points.element.x")
        .makeOptional("points.element"),
    );
    const now = currentSchema(next);
    expect([
      fieldByName(now, "id")?.required,
      fieldByName(now, "n")?.required,
      fieldByName(now, "points.x")?.required,
    ]).toEqual([false, true, false]);
    expect(fieldByName(now, "points")?.type).toMatchObject({ elementRequired: false });
    expect(now.identifierFieldIds).toEqual([]);
  });

  test("of v3 has defaults, which widen with their type", async () => {
    const v3 = create({ formatVersion: 3 });
    const next = await commit(
      v3,
      new UpdateSchema()
        .addColumn("q", int().default(7))
        .updateDefault("n", 3)
        .updateType("q", { type: "long" }),
    );
    expect(fieldByName(currentSchema(next), "q")).toMatchObject({
      required: true,
      initialDefault: 7n,
      writeDefault: 7n,
    });
    expect(fieldByName(currentSchema(next), "n")).toMatchObject({ writeDefault: 3 });
    const gone = await commit(next, new UpdateSchema().updateDefault("n", null));
    expect(fieldByName(currentSchema(gone), "n")).not.toHaveProperty("writeDefault");
    const dated = await commit(v3, new UpdateSchema().updateType("d", { type: "timestamp" }));
    expect(fieldByName(currentSchema(dated), "d")?.type).toEqual({ type: "timestamp" });
  });

  test("takes over by name what another has more", async () => {
    const other = defineSchema({
      n: long().optional().doc("wide"),
      f: float().optional(),
      extra: decimal(9, 2),
      place: struct({ zip: long().optional(), country: string() }).optional(),
      points: list(struct({ x: int(), z: int() }).optional()).optional(),
      attrs: map(string(), struct({ v: long().optional() })).optional(),
    });
    const next = await commit(table, new UpdateSchema().unionByName(other));
    const now = currentSchema(next);
    expect(fieldByName(now, "n")).toMatchObject({ id: 2, type: { type: "long" }, doc: "wide" });
    expect(fieldByName(now, "extra")?.required).toBe(false);
    expect([fieldByName(now, "place.zip")?.type.type, fieldByName(now, "place.country")?.required]).toEqual([
      "long",
      false,
    ]);
    expect(fieldByName(now, "points.z")?.id).toBeGreaterThan(table.lastColumnId);
    expect(fieldByName(now, "attrs.v")?.type.type).toBe("long");
    expect(names(next)).toEqual([...names(table), "extra"]);
    const narrower = defineSchema({ id: int() });
    expect(new UpdateSchema().unionByName(narrower).propose(table)).toEqual({
      requirements: [],
      updates: [],
    });
    expect(() => new UpdateSchema().unionByName(defineSchema({ n: string() })).propose(table)).toThrow(
      refusedSchema,
    );
  });

  test.each<[string, UpdateSchema]>([
    ["a required column without a default", new UpdateSchema().addColumn("q", int())],
    ["a column that is there", new UpdateSchema().addColumn("n", int().optional())],
    ["a field of something that is no struct", new UpdateSchema().addColumn("n.x", int().optional())],
    ["a column that is not there", new UpdateSchema().dropColumn("nope")],
    ["a rename onto another", new UpdateSchema().renameColumn("n", "f")],
    ["narrowing", new UpdateSchema().updateType("id", { type: "int" })],
    ["date to timestamp before v3", new UpdateSchema().updateType("d", { type: "timestamp" })],
    ["required from optional", new UpdateSchema().makeRequired("n")],
    ["an identifier dropped", new UpdateSchema().dropColumn("id")],
    ["an identifier made optional", new UpdateSchema().makeOptional("id")],
    [
      "a float as identifier",
      new UpdateSchema({ allowIncompatibleChanges: true }).makeRequired("f").setIdentifierFields(["f"]),
    ],
    ["a list element dropped", new UpdateSchema().dropColumn("points.element")],
    ["a move out of its struct", new UpdateSchema().moveBefore("place.zip", "n")],
    ["a move next to itself", new UpdateSchema().moveAfter("n", "n")],
    ["an initial default before v3", new UpdateSchema().addColumn("q", int().optional().default(1))],
    ["a default that does not fit", new UpdateSchema().updateDefault("n", "x")],
  ])("%s is refused", (_name, update) => {
    expect(() => update.propose(table)).toThrow(refusedSchema);
  });

  test("names the column that cannot be dropped because it identifies rows", () => {
    const drop = new UpdateSchema().dropColumn("id");
    expect(() => drop.propose(table)).toThrow(
      expect.objectContaining({
        subject: "id",
        message: expect.stringContaining(
          '"id" cannot be dropped: it is one of the fields that identify a row.',
        ),
        remedy: "Set other identifier fields with setIdentifierFields, or none.",
      }),
    );
    // The remedy works in either order.
    expect(
      drop
        .setIdentifierFields([])
        .apply(table)
        .fields.map(({ name }) => name),
    ).not.toContain("id");
  });

  test("keeps the columns that it is partitioned by, and their values", () => {
    const parted = create({ partitionSpec: [bucket("d", 4)], formatVersion: 3 });
    expect(() => new UpdateSchema().dropColumn("d").propose(parted)).toThrow(refusedSchema);
    const sorted = create({ sortOrder: [asc("d")] });
    expect(() => new UpdateSchema().dropColumn("d").propose(sorted)).toThrow(
      expect.objectContaining({ subject: "d", remedy: "Replace the sort order first." }),
    );
    expect(() => new UpdateSchema().updateType("d", { type: "timestamp" }).propose(parted)).toThrow(
      refusedSchema,
    );
    // Files of the older spec stay, with the values that they have.
    const { updates } = new UpdatePartitionSpec().removeField("d_bucket").propose(parted);
    const unparted = applyUpdates(parted, updates);
    expect(() => new UpdateSchema().updateType("d", { type: "timestamp" }).propose(unparted)).toThrow(
      refusedSchema,
    );
    expect(() => new UpdateSchema().dropColumn("d").propose(unparted)).not.toThrow();
    const daily = create({ partitionSpec: [month("d")], formatVersion: 3 });
    expect(() => new UpdateSchema().updateType("d", { type: "timestamp" }).propose(daily)).not.toThrow();
  });

  test("is proposed with what it was made from, and again on a newer version", async () => {
    const update = new UpdateSchema().addColumn("note", string().optional());
    const proposal = update.propose(table);
    expect(proposal.requirements.map((each) => each.type)).toEqual([
      "assert-table-uuid",
      "assert-last-assigned-field-id",
      "assert-current-schema-id",
    ]);
    const newer = await commit(table, new UpdateSchema().addColumn("other", int().optional()));
    expect(names(await commit(newer, update)).slice(-2)).toEqual(["other", "note"]);
  });

  test("names are found without their case when asked", async () => {
    const next = await commit(
      table,
      new UpdateSchema({ caseSensitive: false }).renameColumn("PLACE.City", "town"),
    );
    expect(fieldByName(currentSchema(next), "place.town")?.name).toBe("town");
  });
});
