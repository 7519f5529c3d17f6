import * as arrow from "apache-arrow";
import { describe, expect, test } from "vitest";
import { FIELD_ID_KEY } from "../../../lib/lakehouse/iceberg/files/arrow/schema.js";
import {
  applyUpdates,
  asc,
  bucket,
  createNameMapping,
  currentSchema,
  date,
  day,
  decimal,
  defaultSpec,
  defineSchema,
  fieldByName,
  float,
  hour,
  identity,
  int,
  list,
  long,
  map,
  month,
  type NewTable,
  nameMappingFromJson,
  nameMappingToJson,
  newTableMetadata,
  replaceSortOrder,
  string,
  struct,
  type TableMetadata,
  timestamp,
  UpdatePartitionSpec,
  UpdateSchema,
  updateLocation,
  updateProperties,
  upgradeFormatVersion,
} from "../../../lib/lakehouse/iceberg/index.js";
import {
  applyNameMapping,
  findMapped,
  updateNameMapping,
} from "../../../lib/lakehouse/iceberg/model/schema/name-mapping.js";
import type { PendingUpdate } from "../../../lib/lakehouse/iceberg/table/snapshot/pending.js";

const schema = defineSchema(
  {
    id: long(),
    n: int().optional(),
    f: float().optional(),
    ts: timestamp().optional(),
    d: date().optional(),
    place: struct({ city: string().optional(), zip: int().optional() }).optional(),
    points: list(struct({ x: int() })).optional(),
    attrs: map(string(), struct({ v: int().optional() })).optional(),
  },
  { identifier: ["id"] },
);
const create = (more: Partial<NewTable> = {}) => newTableMetadata({ schema, location: "s3://t", ...more });
const table = create();

async function commit(base: TableMetadata, change: PendingUpdate): Promise<TableMetadata> {
  const { updates } = await change.propose(base);
  return applyUpdates(base, updates);
}
const names = (metadata: TableMetadata) => currentSchema(metadata).fields.map((field) => field.name);
const refusedSchema = expect.objectContaining({ code: "INVALID_SCHEMA" });
const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });

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

describe("a partition spec", () => {
  test("changes for new data, and equal fields get their old ids back", async () => {
    const monthly = create({ partitionSpec: [month("ts"), bucket("id", 4)] });
    const daily = await commit(
      monthly,
      new UpdatePartitionSpec().removeField("ts_month").addField(day("ts")),
    );
    expect(defaultSpec(daily)).toMatchObject({
      specId: 1,
      fields: [
        { fieldId: 1001, name: "id_bucket" },
        { fieldId: 1002, name: "ts_day" },
      ],
    });
    const back = await commit(daily, new UpdatePartitionSpec().removeField("ts_day").addField(month("ts")));
    expect(defaultSpec(back).fields.map((field) => field.fieldId)).toEqual([1001, 1000]);
    expect(back.partitionSpecs).toHaveLength(3);
    const first = await commit(
      back,
      new UpdatePartitionSpec()
        .removeField("ts_month")
        .removeField("id_bucket")
        .addField(month("ts"))
        .addField(bucket("id", 4)),
    );
    expect(first.defaultSpecId).toBe(0);
  });

  test("of v1 keeps removed fields as void ones, at their place", async () => {
    const v1 = create({ formatVersion: 1, partitionSpec: [day("ts"), identity("n")] });
    const next = await commit(v1, new UpdatePartitionSpec().removeField("ts_day").addField(hour("ts")));
    expect(
      defaultSpec(next).fields.map((field) => [field.fieldId, field.name, field.transform.transform]),
    ).toEqual([
      [1000, "ts_day", "void"],
      [1001, "n", "identity"],
      [1002, "ts_hour", "hour"],
    ]);
    const again = await commit(next, new UpdatePartitionSpec().addField(bucket("id", 2, "ts_day")));
    expect(defaultSpec(again).fields.map((field) => field.name)).toEqual([
      "ts_day_1000",
      "n",
      "ts_hour",
      "ts_day",
    ]);
    const undone = new UpdatePartitionSpec().removeField("n").addField(identity("n"));
    expect(undone.propose(next)).toEqual({ requirements: [], updates: [] });
  });

  test("can be renamed, or added without becoming the default", async () => {
    const base = create({ partitionSpec: [day("ts")] });
    const next = await commit(base, new UpdatePartitionSpec().renameField("ts_day", "on"));
    expect(defaultSpec(next).fields).toMatchObject([{ fieldId: 1000, name: "on" }]);
    const kept = await commit(base, new UpdatePartitionSpec({ keepDefault: true }).addField(bucket("id", 2)));
    expect([kept.defaultSpecId, kept.partitionSpecs.length]).toEqual([0, 2]);
  });

  test.each<[string, UpdatePartitionSpec]>([
    ["a field that is there", new UpdatePartitionSpec().addField(day("ts"))],
    ["day and hour of one column", new UpdatePartitionSpec().addField(hour("ts"))],
    ["a name that is taken", new UpdatePartitionSpec().addField(bucket("id", 2, "ts_day"))],
    ["a field that is not there", new UpdatePartitionSpec().removeField("nope")],
    ["a column that is not there", new UpdatePartitionSpec().addField(identity("nope"))],
    ["a transform that does not suit", new UpdatePartitionSpec().addField(hour("n"))],
  ])("with %s is refused", (_name, update) => {
    expect(() => update.propose(create({ partitionSpec: [day("ts")] }))).toThrow(refused);
  });
});

describe("settings", () => {
  test("sort order, properties, location and version change by proposals", async () => {
    const sorted = await commit(table, replaceSortOrder([asc("n")]));
    expect([sorted.defaultSortOrderId, sorted.sortOrders.length]).toEqual([1, 2]);
    expect(replaceSortOrder([asc("n")]).propose(sorted)).toEqual({ requirements: [], updates: [] });
    expect((await commit(sorted, replaceSortOrder([]))).defaultSortOrderId).toBe(0);
    const set = await commit(table, updateProperties({ set: { a: "1", b: "2" } }));
    expect((await commit(set, updateProperties({ remove: ["a"] }))).properties).toEqual({ b: "2" });
    expect((await commit(table, updateLocation("s3://u"))).location).toBe("s3://u");
    expect((await commit(table, upgradeFormatVersion(3))).formatVersion).toBe(3);
    expect(() => updateProperties({ set: { "format-version": "3" } })).toThrow(refused);
  });
});

describe("a name mapping", () => {
  const mapping = createNameMapping(schema);

  test("comes back from the spec's JSON", () => {
    const text =
      '[{"field-id":1,"names":["id","record_id"]},{"field-id":2,"names":["data"]},{"field-id":3,"names":["location"],"fields":[{"field-id":4,"names":["latitude","lat"]},{"names":["unused"]}]}]';
    expect(nameMappingToJson(nameMappingFromJson(text))).toBe(text);
    expect(() => nameMappingFromJson('[{"field-id":1}]')).toThrow(/\[0\]\.names/);
    expect(findMapped(nameMappingFromJson(text), ["location", "lat"])?.fieldId).toBe(4);
    expect(findMapped(nameMappingFromJson(text), ["location", "lon"])).toBeUndefined();
  });

  test("of a renamed field knows both names, and a name taken over belongs to the new field alone", () => {
    const renamed = new UpdateSchema()
      .renameColumn("n", "count")
      .renameColumn("place.city", "town")
      .apply(table);
    const updated = updateNameMapping(mapping, renamed);
    expect(findMapped(updated, ["n"])?.fieldId).toBe(2);
    expect(findMapped(updated, ["count"])?.fieldId).toBe(2);
    expect(findMapped(updated, ["place", "city"])).toBe(findMapped(updated, ["place", "town"]));
    const reused = {
      ...renamed,
      fields: [...renamed.fields, { id: 99, name: "n", required: false, type: { type: "int" } as const }],
    };
    expect(findMapped(updateNameMapping(updated, reused), ["n"])?.fieldId).toBe(99);
    expect(findMapped(updateNameMapping(updated, reused), ["count"])?.names).toEqual(["count"]);
  });

  test("in a table's properties follows the schema", async () => {
    const mapped = create({ properties: { "schema.name-mapping.default": nameMappingToJson(mapping) } });
    const next = await commit(
      mapped,
      new UpdateSchema().renameColumn("n", "count").addColumn("note", string().optional()),
    );
    const now = nameMappingFromJson(next.properties["schema.name-mapping.default"]!);
    expect([findMapped(now, ["n"])?.fieldId, findMapped(now, ["note"])?.fieldId]).toEqual([
      2,
      table.lastColumnId + 1,
    ]);
  });

  test("gives ids to Arrow fields without them, nested ones too", () => {
    const item = new arrow.Field(
      "item",
      new arrow.Struct([new arrow.Field("x", new arrow.Int32(), true)]),
      true,
    );
    const file = new arrow.Schema([
      new arrow.Field("id", new arrow.Int64(), false),
      new arrow.Field("other", new arrow.Int64(), true),
      new arrow.Field("points", new arrow.List(item), true),
    ]);
    const [id, other, points] = applyNameMapping(file, mapping).fields;
    expect([id!.metadata.get(FIELD_ID_KEY), other!.metadata.get(FIELD_ID_KEY)]).toEqual(["1", undefined]);
    const element = points!.type.children[0] as arrow.Field;
    expect(element.metadata.get(FIELD_ID_KEY)).toBe(String(fieldByName(schema, "points.element")?.id));
    expect((element.type as arrow.Struct).children[0]!.metadata.get(FIELD_ID_KEY)).toBe(
      String(fieldByName(schema, "points.x")?.id),
    );
  });
});
