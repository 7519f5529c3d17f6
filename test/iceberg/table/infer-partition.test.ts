import { describe, expect, test } from "vitest";
import type { PartitionSpec } from "../../../lib/lakehouse/iceberg/model/partitioning/types.js";
import { parseTransform } from "../../../lib/lakehouse/iceberg/model/transforms/transform.js";
import type { PrimitiveType, Schema } from "../../../lib/lakehouse/iceberg/model/types/types.js";
import { inferPartition } from "../../../lib/lakehouse/iceberg/table/operations/infer-partition.js";
import type { ColumnMetrics } from "../../../lib/lakehouse/parquet/index.js";

const metricsOf = (lower: number, upper: number, more: Partial<ColumnMetrics> = {}): ColumnMetrics => ({
  fieldId: 1,
  columnSize: 10n,
  valueCount: 2n,
  nullCount: 0n,
  repeated: false,
  lower: { value: lower, exact: true, physicalType: "DOUBLE" },
  upper: { value: upper, exact: true, physicalType: "DOUBLE" },
  ...more,
});

function infer(transform: string, type: PrimitiveType, metrics: ColumnMetrics) {
  const schema: Schema = {
    schemaId: 0,
    fields: [{ id: 1, name: "x", required: false, type }],
    identifierFieldIds: [],
  };
  const spec: PartitionSpec = {
    specId: 0,
    fields: [{ sourceIds: [1], fieldId: 1000, name: "f", transform: parseTransform(transform) }],
  };
  const resolved = { spec, types: [type], struct: { type: "struct" as const, fields: [] } };
  return inferPartition("s3://lake/f.parquet", resolved, schema, [metrics], new Set([1]));
}

describe("the partition of a file that somebody else wrote", () => {
  test("is told by bounds that leave one value", () => {
    expect(infer("identity", { type: "int" }, metricsOf(7, 7))).toEqual([7]);
    expect(infer("truncate[10]", { type: "int" }, metricsOf(21, 29))).toEqual([20]);
    expect(() => infer("truncate[10]", { type: "int" }, metricsOf(19, 21))).toThrow(/several partitions/);
    expect(() => infer("bucket[4]", { type: "int" }, metricsOf(1, 2))).toThrow(/several partitions/);
  });

  test("is not told of floating-point numbers, among which NaN may be, which has no bounds", () => {
    const double: PrimitiveType = { type: "double" };
    expect(() => infer("identity", double, metricsOf(1.5, 1.5))).toThrow(/NaN/);
    expect(() => infer("identity", double, metricsOf(1.5, 1.5, { nanCount: 1n }))).toThrow(/NaN/);
    expect(infer("identity", double, metricsOf(1.5, 1.5, { nanCount: 0n }))).toEqual([1.5]);
  });

  test("is never told under a transform that is not known", () => {
    expect(() => infer("zorder[2]", { type: "int" }, metricsOf(7, 7))).toThrow(/not known/);
    const nulls = metricsOf(7, 7, { nullCount: 2n });
    expect(() => infer("zorder[2]", { type: "int" }, nulls)).toThrow(/not known/);
  });
});
