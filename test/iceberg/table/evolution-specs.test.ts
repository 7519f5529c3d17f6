import { describe, expect, test } from "vitest";
import {
  asc,
  bucket,
  createNameMapping,
  day,
  defaultSpec,
  hour,
  identity,
  month,
  nameMappingFromJson,
  nameMappingToJson,
  replaceSortOrder,
  string,
  UpdatePartitionSpec,
  UpdateSchema,
  updateLocation,
  updateProperties,
  upgradeFormatVersion,
} from "../../../lib/lakehouse/iceberg/index.js";
import { findMapped, updateNameMapping } from "../../../lib/lakehouse/iceberg/model/schema/name-mapping.js";
import { commit, create, refused, schema, table } from "../support/evolution.js";

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
    const { properties } = await commit(set, updateProperties({ remove: ["a"] }));
    expect([properties.a, properties.b]).toEqual([undefined, "2"]);
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

  test("of a renamed field knows both names, and a name stays with the field that had it first", () => {
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
    expect(updateNameMapping(updated, reused)).toEqual(updated);
    // And where a field is renamed to it.
    const taken = {
      ...renamed,
      fields: renamed.fields.map((f) => (f.name === "d" ? { ...f, name: "n" } : f)),
    };
    expect(updateNameMapping(updated, taken)).toEqual(updated);
    const without = { ...reused, fields: reused.fields.filter(({ id }) => id !== 2) };
    expect(findMapped(updateNameMapping(updated, without), ["n"])?.fieldId).toBe(2);
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
});
