import { describe, expect, expectTypeOf, test } from "vitest";
import { invalidMetadata, isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  decimal,
  defineSchema,
  fieldById,
  fieldByName,
  geography,
  int,
  list,
  locateById,
  locateByName,
  long,
  map,
  type RowOf,
  type Schema,
  schemaFromJson,
  schemaToJson,
  string,
  struct,
  timestamp,
  timestampNs,
  typeToString,
  unknown,
} from "../../../lib/lakehouse/iceberg/index.js";
import { readJson, stringifyJson } from "../../../lib/lakehouse/iceberg/model/json.js";
import { freshSchema } from "../../../lib/lakehouse/iceberg/model/schema/fresh-ids.js";
import {
  fieldName,
  highestFieldId,
  selectFields,
} from "../../../lib/lakehouse/iceberg/model/schema/lookup.js";
import { validateSchema } from "../../../lib/lakehouse/iceberg/model/schema/validate.js";
import { canPromote } from "../../../lib/lakehouse/iceberg/model/types/promotion.js";
import { parsePrimitiveType } from "../../../lib/lakehouse/iceberg/model/types/type-text.js";

const people = defineSchema(
  {
    id: long(),
    name: string().optional().doc("as it is called"),
    address: struct({ street: string(), zip: int().optional() }).optional(),
    tags: list(string()),
    visits: map(string(), struct({ at: timestamp(), n: int() })).optional(),
  },
  { identifier: ["id"] },
);

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (isLakehouseError(error)) return error.code;
    throw error;
  }
  return undefined;
}

describe("a declared schema", () => {
  test("numbers columns first, then what is nested in them", () => {
    expect(people.fields.map((field) => field.id)).toEqual([1, 2, 3, 4, 5]);
    expect(fieldByName(people, "address.street")?.id).toBe(6);
    expect(fieldByName(people, "tags.element")?.id).toBe(8);
    expect(fieldByName(people, "visits.value.n")?.id).toBe(12);
    expect(highestFieldId(people)).toBe(12);
    expect(people.identifierFieldIds).toEqual([1]);
  });

  test("gives the type of its rows", () => {
    type Person = RowOf<typeof people>;
    expectTypeOf<Person["id"]>().toEqualTypeOf<bigint | number>();
    expectTypeOf<Person["name"]>().toEqualTypeOf<string | null | undefined>();
    expectTypeOf<Person["tags"]>().toEqualTypeOf<readonly string[]>();
    const good: Person = { id: 1n, tags: [], address: { street: "a" } };
    expect(good.id).toBe(1n);
    // @ts-expect-error the required column `tags` is missing
    const missing: Person = { id: 1n };
    // @ts-expect-error an id is no text
    const wrong: Person = { id: "1", tags: [] };
    // @ts-expect-error there is no column `colour`
    const extra: Person = { id: 1, tags: [], colour: "red" };
    expect([missing, wrong, extra]).toHaveLength(3);
    expectTypeOf<RowOf<Schema>>().toEqualTypeOf<Record<string, unknown>>();
  });

  test("finds fields by id and by full, short and caseless name", () => {
    expect(fieldById(people, 7)?.name).toBe("zip");
    expect(fieldName(people, 12)).toBe("visits.value.n");
    expect(fieldByName(people, "visits.n")?.id).toBe(12);
    expect(fieldByName(people, "ADDRESS.Street")).toBeUndefined();
    expect(fieldByName(people, "ADDRESS.Street", { caseSensitive: false })?.id).toBe(6);
    expect(locateByName(people, "address.zip")?.path).toEqual(["address", "zip"]);
    expect(locateById(people, 12)?.path).toBeUndefined();
    expect(locateById(people, 6)?.requiredThroughout).toBe(false);
  });

  test("refuses a caseless name that two columns answer to", () => {
    const schema = defineSchema({ a: int(), A: int() });
    expect(codeOf(() => fieldByName(schema, "a", { caseSensitive: false }))).toBe("INVALID_SCHEMA");
    expect(fieldByName(schema, "A")?.id).toBe(2);
  });

  test("is cut to the selected fields, keeping ids, order and the structs around them", () => {
    const cut = selectFields(people, ["visits.value.at", "address.zip", "id"]);
    expect(cut.fields.map((field) => field.name)).toEqual(["id", "address", "visits"]);
    expect(fieldByName(cut, "address.street")).toBeUndefined();
    expect(fieldByName(cut, "address.zip")?.id).toBe(7);
    expect(fieldByName(cut, "visits.key")?.id).toBe(9);
    expect(fieldByName(cut, "visits.value.n")).toBeUndefined();
    expect(codeOf(() => selectFields(people, ["nope"]))).toBe("INVALID_SCHEMA");
  });

  test.each([
    ["an optional identifier", () => defineSchema({ a: int().optional() }, { identifier: ["a"] })],
    [
      "a required unknown",
      () =>
        validateSchema({
          schemaId: 0,
          identifierFieldIds: [],
          fields: [{ id: 1, name: "u", required: true, type: { type: "unknown" } }],
        }),
    ],
    [
      "an id used twice",
      () =>
        validateSchema({
          schemaId: 0,
          identifierFieldIds: [],
          fields: [
            { id: 1, name: "a", required: true, type: { type: "int" } },
            { id: 1, name: "b", required: true, type: { type: "int" } },
          ],
        }),
    ],
    ["a precision of 39", () => decimal(39, 2)],
    ["a v3 type in a v2 table", () => validateSchema(defineSchema({ t: timestampNs() }), 2)],
    ["an initial default in a v2 table", () => validateSchema(defineSchema({ n: int().default(1) }), 2)],
    ["a default that does not fit", () => defineSchema({ n: int().default(1.5) })],
  ])("with %s is INVALID_SCHEMA", (_name, run) => {
    expect(codeOf(run)).toBe("INVALID_SCHEMA");
  });
});

describe("schema JSON", () => {
  const roundTrip = (schema: Schema) =>
    schemaFromJson(
      readJson(stringifyJson(schemaToJson(schema)), { subject: "schema", kind: invalidMetadata }),
    );

  test("keeps every type, doc, default and identifier", () => {
    const schema = defineSchema({
      a: long().default(9007199254740993n),
      b: decimal(38, 10).writeDefault("12.5"),
      g: geography("EPSG:4326", "karney").optional(),
      u: unknown(),
      v: map(string(), list(int().optional())),
    });
    expect(roundTrip(schema)).toEqual(schema);
    expect(roundTrip(people)).toEqual(people);
    expect(stringifyJson(schemaToJson(schema))).toContain('"initial-default":9007199254740993');
  });

  test("names the place of what is wrong", () => {
    const text = '{"type":"struct","fields":[{"id":1,"name":"a","required":true,"type":"inte"}]}';
    expect(() => schemaFromJson(readJson(text, { subject: "x.json", kind: invalidMetadata }))).toThrow(
      /x\.json: "fields\[0\]\.type"/,
    );
  });

  test.each([
    ["decimal(9,2)", "decimal(9, 2)"],
    ["decimal( 9 , 2 )", "decimal(9, 2)"],
    ["fixed[ 16 ]", "fixed[16]"],
    ["geometry", "geometry"],
    ["geometry(srid:4326)", "geometry(srid:4326)"],
    ["geography(OGC:CRS84, vincenty)", "geography(OGC:CRS84, vincenty)"],
    ["timestamptz_ns", "timestamptz_ns"],
  ])("reads the type %s", (text, canonical) => {
    expect(typeToString(parsePrimitiveType(text))).toBe(canonical);
  });
});

test("types are promoted as the spec's table says and no other way", () => {
  const t = (text: string) => parsePrimitiveType(text);
  expect(canPromote(t("int"), t("long"))).toBe(true);
  expect(canPromote(t("long"), t("int"))).toBe(false);
  expect(canPromote(t("float"), t("double"))).toBe(true);
  expect(canPromote(t("decimal(9,2)"), t("decimal(18,2)"))).toBe(true);
  expect(canPromote(t("decimal(9,2)"), t("decimal(18,3)"))).toBe(false);
  expect(canPromote(t("date"), t("timestamp"), 3)).toBe(true);
  expect(canPromote(t("date"), t("timestamp"), 2)).toBe(false);
  expect(canPromote(t("date"), t("timestamptz"), 3)).toBe(false);
  expect(canPromote(t("unknown"), t("string"), 3)).toBe(true);
});

test("fresh ids start at 1 and identifier fields follow by name", () => {
  const old: Schema = {
    schemaId: 7,
    identifierFieldIds: [40],
    fields: [
      {
        id: 30,
        name: "x",
        required: false,
        type: { type: "struct", fields: [{ id: 50, name: "y", required: true, type: { type: "int" } }] },
      },
      { id: 40, name: "k", required: true, type: { type: "int" } },
    ],
  };
  const fresh = freshSchema(old, 0);
  expect(fresh.fields.map((field) => field.id)).toEqual([1, 2]);
  expect(fieldByName(fresh, "x.y")?.id).toBe(3);
  expect(fresh.identifierFieldIds).toEqual([2]);
});
