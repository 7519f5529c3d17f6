import * as arrow from "apache-arrow";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { typeToArrow } from "../../../lib/lakehouse/iceberg/files/arrow/schema.js";
import { arrange } from "../../../lib/lakehouse/iceberg/files/data/arrange.js";
import { type ResolvedSpec, specsById } from "../../../lib/lakehouse/iceberg/files/manifest/specs.js";
import type { TableMetadata } from "../../../lib/lakehouse/iceberg/model/metadata/types.js";
import {
  canTransform,
  parseTransform,
  transformFunction,
} from "../../../lib/lakehouse/iceberg/model/transforms/transform.js";
import { parsePrimitiveType } from "../../../lib/lakehouse/iceberg/model/types/type-text.js";
import type { PrimitiveValue, Schema } from "../../../lib/lakehouse/iceberg/model/types/types.js";
import { runs } from "../../support/runs.js";
import { WRITTEN_TEXTS } from "../support/transforms.js";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const VALUES: [type: string, value: fc.Arbitrary<number | bigint | string>][] = [
  ["int", fc.integer()],
  ["long", fc.oneof(int64, fc.bigInt({ min: -20n, max: 20n }))],
  ["string", fc.string({ unit: "grapheme" })],
  ["timestamp", fc.oneof(int64, fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }))],
  ["timestamptz", fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n })],
  ["timestamp_ns", int64],
  ["date", fc.integer({ min: -1000000, max: 1000000 })],
];

describe("a batch is split by the partition of each of its rows", () => {
  test.each(VALUES)("of %s", (name, value) => {
    const type = parsePrimitiveType(name);
    const schema: Schema = {
      schemaId: 0,
      identifierFieldIds: [],
      fields: [{ id: 1, name: "c", required: false, type }],
    };
    const transforms = WRITTEN_TEXTS.map(parseTransform).filter((transform) => canTransform(transform, type));
    fc.assert(
      fc.property(fc.array(fc.option(value), { minLength: 1, maxLength: 40 }), fc.nat(10), (all, skip) => {
        const from = Math.min(skip, all.length - 1);
        const rows = all.slice(from);
        const column = columnOf(typeToArrow(type), all).slice(from);
        const batch = new arrow.Table({ c: column }).batches[0] as arrow.RecordBatch;
        for (const transform of transforms) {
          const field = { sourceIds: [1], fieldId: 1000, name: "p", transform } as const;
          const partitionSpecs = [{ specId: 0, fields: [field] }];
          const metadata = { partitionSpecs, schemas: [schema], currentSchemaId: 0 };
          const spec = specsById(metadata as unknown as TableMetadata).get(0) as ResolvedSpec;
          const found: (PrimitiveValue | null)[] = [];
          const parts = arrange(batch, schema, spec, { orderId: 0, fields: [] });
          for (const { partition, rows } of parts) for (const row of rows) found[row] = partition[0] ?? null;
          const partitionOf = transformFunction(transform, type);
          expect(found).toEqual(rows.map((each) => partitionOf(each)));
          expect(new Set(parts.map(({ partition }) => partition[0])).size).toBe(parts.length);
        }
      }),
      { numRuns: runs(60) },
    );
  });
});

/** Through the builder of the plain integer: those of dates and timestamps take milliseconds and lose digits. */
function columnOf(type: arrow.DataType, values: readonly (number | bigint | string | null)[]): arrow.Vector {
  const plain = arrow.DataType.isTimestamp(type)
    ? new arrow.Int64()
    : arrow.DataType.isDate(type)
      ? new arrow.Int32()
      : type;
  const builder = arrow.makeBuilder({ type: plain, nullValues: [null] });
  for (const value of values) builder.append(value);
  return new arrow.Vector(
    builder
      .finish()
      .toVector()
      .data.map((data) => data.clone(type)),
  );
}
