import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { invalidMetadata, isLakehouseError } from "../../../lib/lakehouse/errors.js";
import {
  asc,
  bucket,
  buildPartitionSpec,
  buildSortOrder,
  canonicalValue,
  day,
  decimal,
  defineSchema,
  desc,
  hour,
  identity,
  int,
  list,
  month,
  type PrimitiveValue,
  partitionSpecFromJson,
  partitionSpecToJson,
  sortOrderFromJson,
  sortOrderToJson,
  string,
  struct,
  type Transform,
  timestamp,
  truncate,
  voidTransform,
  year,
} from "../../../lib/lakehouse/iceberg/index.js";
import { readJson, stringifyJson } from "../../../lib/lakehouse/iceberg/model/json.js";
import { validateSortOrder } from "../../../lib/lakehouse/iceberg/model/partitioning/sort-order.js";
import {
  equivalentSpecs,
  partitioner,
  partitionToPath,
  partitionType,
} from "../../../lib/lakehouse/iceberg/model/partitioning/spec.js";
import { bucketHash } from "../../../lib/lakehouse/iceberg/model/transforms/bucket.js";
import {
  canTransform,
  parseTransform,
  transformFunction,
  transformToString,
} from "../../../lib/lakehouse/iceberg/model/transforms/transform.js";
import { parsePrimitiveType } from "../../../lib/lakehouse/iceberg/model/types/type-text.js";
import { TRANSFORM_TEXTS } from "../support/transforms.js";

const t = parsePrimitiveType;
const node = (text: string) => readJson(text, { subject: "test", kind: invalidMetadata });
const apply = (transform: string, type: string, value: unknown) =>
  transformFunction(parseTransform(transform), t(type))(canonicalValue(t(type), value) as PrimitiveValue);

describe("bucket hashes of Appendix B", () => {
  test.each([
    ["int", 34, 2017239379],
    ["long", 34n, 2017239379],
    ["decimal(9,2)", "14.20", -500754589],
    ["date", "2017-11-16", -653330422],
    ["time", "22:31:08", -662762989],
    ["timestamp", "2017-11-16T22:31:08", -2047944441],
    ["timestamp", "2017-11-16T22:31:08.000001", -1207196810],
    ["timestamptz", "2017-11-16T14:31:08-08:00", -2047944441],
    ["timestamptz", "2017-11-16T14:31:08.000001-08:00", -1207196810],
    ["timestamp_ns", "2017-11-16T22:31:08", -2047944441],
    ["timestamp_ns", "2017-11-16T22:31:08.000001001", -1207196810],
    ["timestamptz_ns", "2017-11-16T14:31:08-08:00", -2047944441],
    ["timestamptz_ns", "2017-11-16T14:31:08.000001001-08:00", -1207196810],
    ["string", "iceberg", 1210000089],
    ["uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340],
    ["fixed[4]", Uint8Array.of(0, 1, 2, 3), -188683207],
    ["binary", Uint8Array.of(0, 1, 2, 3), -188683207],
  ])("%s %s", (type, value, hash) => {
    expect(bucketHash(t(type))(canonicalValue(t(type), value) as PrimitiveValue)).toBe(hash);
  });

  test("an int and the long it is promoted to fall into one bucket", () => {
    fc.assert(
      fc.property(fc.integer(), (n) => {
        expect(bucketHash(t("int"))(n)).toBe(bucketHash(t("long"))(BigInt(n)));
      }),
    );
  });

  test("a bucket is never negative", () => {
    expect(apply("bucket[16]", "decimal(9,2)", "14.20")).toBe((-500754589 & 0x7fffffff) % 16);
  });
});

describe("transforms", () => {
  test.each([
    ["truncate[10]", "int", 1, 0],
    ["truncate[10]", "int", -1, -10],
    ["truncate[10]", "long", -1n, -10n],
    ["truncate[50]", "decimal(9,2)", "10.65", 1050n],
    ["truncate[50]", "decimal(9,2)", "-0.05", -50n],
    ["truncate[3]", "string", "iceberg", "ice"],
    ["truncate[2]", "string", "\u{1F600}\u{1F601}x", "\u{1F600}\u{1F601}"],
    ["truncate[3]", "binary", Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(1, 2, 3)],
    ["year", "date", "1969-12-31", -1],
    ["year", "timestamp", "2017-11-16T22:31:08", 47],
    ["month", "date", "1969-12-31", -1],
    ["month", "timestamptz", "2017-11-16T22:31:08Z", 574],
    ["day", "timestamp", "1969-12-31T23:59:59.999999", -1],
    ["day", "timestamp_ns", "2017-11-16T22:31:08.000000001", 17486],
    ["hour", "timestamp", "1969-12-31T23:00", -1],
    ["hour", "timestamp", "2017-11-16T22:31:08", 419686],
    ["void", "string", "x", null],
    ["identity", "string", "x", "x"],
  ])("%s of %s %s is %s", (transform, type, value, expected) => {
    expect(apply(transform, type, value)).toEqual(expected);
  });

  test("null stays null", () => {
    for (const name of ["identity", "bucket[4]", "truncate[4]", "void"]) {
      expect(transformFunction(parseTransform(name), t("long"))(null)).toBeNull();
    }
  });

  test("text comes back, and an unknown transform keeps its own", () => {
    for (const text of Object.values(TRANSFORM_TEXTS).flat()) {
      expect(transformToString(parseTransform(text))).toBe(text);
    }
    expect(parseTransform("zorder[2]").transform).toBe("unknown");
    expect(parseTransform("bucket[0]").transform).toBe("unknown");
  });

  test("apply to the source types of the spec and to no others", () => {
    const can = (transform: string, type: string) => canTransform(parseTransform(transform), t(type));
    expect(can("bucket[4]", "double")).toBe(false);
    expect(can("bucket[4]", "time")).toBe(true);
    expect(can("truncate[4]", "date")).toBe(false);
    expect(can("hour", "date")).toBe(false);
    expect(can("identity", "geometry")).toBe(false);
    expect(can("void", "geometry")).toBe(true);
    expect(() => transformFunction(parseTransform("hour"), t("date"))).toThrow(/cannot be applied/);
  });
});

const schema = defineSchema({
  ts: timestamp(),
  id: int(),
  name: string().optional(),
  amount: decimal(9, 2).optional(),
  place: struct({ city: string() }),
  tags: list(string()),
});

describe("a partition spec", () => {
  const spec = buildPartitionSpec(schema, [
    day("ts"),
    bucket("id", 16),
    truncate("name", 2),
    identity("place.city", "city"),
  ]);

  test("names and numbers its fields as the reference does", () => {
    expect(spec.fields.map((field) => [field.name, field.fieldId])).toEqual([
      ["ts_day", 1000],
      ["id_bucket", 1001],
      ["name_trunc", 1002],
      ["city", 1003],
    ]);
    expect(partitionType(spec, schema).fields.map((field) => field.type.type)).toEqual([
      "date",
      "int",
      "string",
      "string",
    ]);
  });

  test("gives the tuple of a row and its path", () => {
    const row: Record<number, PrimitiveValue | null> = { 1: 1510871468000000n, 2: 34, 3: null, 7: "a b/c" };
    const tuple = partitioner(spec, schema)((id) => row[id] ?? null);
    expect(tuple).toEqual([17486, 2017239379 % 16, null, "a b/c"]);
    expect(partitionToPath(spec, schema, tuple)).toBe(
      "ts_day=2017-11-16/id_bucket=3/name_trunc=null/city=a+b%2Fc",
    );
  });

  test.each([
    [year("ts"), -1, "ts_year=1969"],
    [month("ts"), 574, "ts_month=2017-11"],
    [hour("ts"), -1, "ts_hour=1969-12-31-23"],
    [identity("amount"), 1234n, "amount=12.34"],
    [identity("ts"), 1510871468000000n, "ts=2017-11-16T22%3A31%3A08"],
    [identity("ts"), 1510871468120000n, "ts=2017-11-16T22%3A31%3A08.12"],
    [voidTransform("id"), null, "id_null=null"],
    [identity("name"), "é~*'", "name=%C3%A9%7E*%27"],
  ])("%o writes %s as %s", (field, value, path) => {
    expect(partitionToPath(buildPartitionSpec(schema, [field]), schema, [value])).toBe(path);
  });

  test("comes back from JSON, multi-argument and old forms too", () => {
    expect(partitionSpecFromJson(node(stringifyJson(partitionSpecToJson(spec))))).toEqual(spec);
    const old = partitionSpecFromJson(
      node(
        '{"spec-id":3,"fields":[{"source-id":1,"name":"d","transform":"day"},{"source-id":2,"name":"i","transform":"identity"}]}',
      ),
    );
    expect(old.fields.map((field) => field.fieldId)).toEqual([1000, 1001]);
    const multi = partitionSpecFromJson(
      node('{"spec-id":1,"fields":[{"source-ids":[1,2],"field-id":1000,"name":"z","transform":"zorder"}]}'),
    );
    expect(multi.fields[0]?.sourceIds).toEqual([1, 2]);
    expect(stringifyJson(partitionSpecToJson(multi))).toContain('"source-ids":[1,2]');
    expect(() => partitioner(multi, schema)).toThrow(/not known/);
  });

  test("is equivalent to one with other ids only", () => {
    const renumbered = {
      specId: 9,
      fields: spec.fields.map((field) => ({ ...field, fieldId: field.fieldId + 50 })),
    };
    expect(equivalentSpecs(spec, renumbered)).toBe(true);
    expect(equivalentSpecs(spec, buildPartitionSpec(schema, [day("ts")]))).toBe(false);
  });

  test.each([
    ["an unknown column", [day("nope")]],
    ["a column in a list", [identity("tags.element")]],
    ["a transform that does not suit", [hour("id")]],
    ["two fields of one name", [bucket("id", 4, "x"), day("ts", "x")]],
    ["the name of another column", [bucket("id", 4, "name")]],
    ["day and hour of one column", [day("ts"), hour("ts")]],
  ])("with %s is refused", (_name, fields) => {
    expect(() => buildPartitionSpec(schema, fields)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  test("a bucket count must be positive", () => {
    const run = () => bucket("id", 0);
    expect(run).toThrow();
    try {
      run();
    } catch (error) {
      expect(isLakehouseError(error, "INVALID_ARGUMENT")).toBe(true);
    }
  });
});

describe("a sort order", () => {
  test("binds names, defaults its null orders and comes back from JSON", () => {
    const order = buildSortOrder(schema, [asc("name"), desc(bucket("id", 4)), asc(day("ts"), "nulls-last")]);
    expect(order.orderId).toBe(1);
    expect(order.fields.map((field) => field.nullOrder)).toEqual(["nulls-first", "nulls-last", "nulls-last"]);
    expect(sortOrderFromJson(node(stringifyJson(sortOrderToJson(order))))).toEqual(order);
    expect(buildSortOrder(schema, []).orderId).toBe(0);
  });

  test("is refused for a column that is not there", () => {
    expect(() => buildSortOrder(schema, [asc("nope")])).toThrow(/no column/);
    const transform: Transform = { transform: "hour" };
    expect(() =>
      validateSortOrder(
        { orderId: 1, fields: [{ sourceIds: [2], transform, direction: "asc", nullOrder: "nulls-first" }] },
        schema,
      ),
    ).toThrow(/Cannot sort/);
    expect(() =>
      sortOrderFromJson(
        node(
          '{"order-id":1,"fields":[{"transform":"identity","source-id":1,"direction":"up","null-order":"nulls-first"}]}',
        ),
      ),
    ).toThrow(/"asc" or "desc"/);
  });
});
