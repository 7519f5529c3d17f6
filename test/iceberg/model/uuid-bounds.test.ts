import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bind,
  buildPartitionSpec,
  defineSchema,
  type Expression,
  eq,
  gt,
  gtEq,
  identity,
  isIn,
  lt,
  ltEq,
  notEq,
  notIn,
  toBinary,
  uuid,
} from "../../../lib/lakehouse/iceberg/index.js";
import {
  inclusiveMetricsEvaluator,
  manifestEvaluator,
  strictMetricsEvaluator,
} from "../../../lib/lakehouse/iceberg/model/expressions/metrics.js";
import { inclusiveProjection } from "../../../lib/lakehouse/iceberg/model/expressions/project.js";
import { fromBinary } from "../../../lib/lakehouse/iceberg/model/values/single-value.js";
import { runs } from "../../support/runs.js";

const schema = defineSchema({ u: uuid() });
const spec = buildPartitionSpec(schema, [identity("u")]);
const ID = schema.fields[0]?.id as number;

const encode = (value: string): Uint8Array => toBinary({ type: "uuid" }, value);

/** `UUID.compareTo` of Java: two signed longs. */
function compareSigned(a: string, b: string): number {
  const halves = (text: string): readonly [bigint, bigint] => {
    const { buffer, byteOffset } = encode(text);
    const view = new DataView(buffer, byteOffset, 16);
    return [view.getBigInt64(0), view.getBigInt64(8)];
  };
  const [[a0, a1], [b0, b1]] = [halves(a), halves(b)];
  if (a0 !== b0) return a0 < b0 ? -1 : 1;
  return a1 < b1 ? -1 : a1 > b1 ? 1 : 0;
}

const compareUnsigned = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Few, at the places where the two orders part. */
const someUuid = fc.tuple(...[0, 7, 8].map(() => fc.constantFrom(0x00, 0x7f, 0x80, 0xff))).map((chosen) => {
  const bytes = new Uint8Array(16);
  [0, 7, 8].forEach((at, i) => {
    bytes[at] = chosen[i] as number;
  });
  return fromBinary({ type: "uuid" }, bytes) as string;
});

/** Predicates, and what they say of a value: its text is in the order of its bytes. */
const PREDICATES: ((a: string, b: string) => readonly [Expression, (u: string) => boolean])[] = [
  (a) => [eq("u", a), (u) => u === a],
  (a) => [notEq("u", a), (u) => u !== a],
  (a) => [lt("u", a), (u) => u < a],
  (a) => [ltEq("u", a), (u) => u <= a],
  (a) => [gt("u", a), (u) => u > a],
  (a) => [gtEq("u", a), (u) => u >= a],
  (a, b) => [isIn("u", [a, b]), (u) => u === a || u === b],
  (a, b) => [notIn("u", [a, b]), (u) => u !== a && u !== b],
];

const somePredicate = fc
  .tuple(fc.nat(PREDICATES.length - 1), someUuid, someUuid)
  .map(([which, a, b]) => PREDICATES[which]?.(a, b) as readonly [Expression, (u: string) => boolean]);

describe.each([
  ["the order of their bytes", compareUnsigned],
  ["that of two signed longs, as by Iceberg for Java", compareSigned],
])("UUIDs whose bounds were made in %s", (_, compare) => {
  test("prune no file and no manifest that has a matching row, and take none for whole that has another", () => {
    let pruned = 0;
    fc.assert(
      fc.property(
        fc.array(someUuid, { minLength: 1, maxLength: 4 }),
        somePredicate,
        fc.constantFrom("both", "both", "lower", "upper"),
        (values, [expression, truth], kept) => {
          const sorted = [...values].sort(compare);
          const lower = kept === "upper" ? undefined : encode(sorted[0] as string);
          const upper = kept === "lower" ? undefined : encode(sorted.at(-1) as string);
          const bounds = (bytes: Uint8Array | undefined) =>
            new Map(bytes === undefined ? [] : [[ID, bytes] as const]);
          const metrics = {
            recordCount: BigInt(values.length),
            valueCounts: new Map([[ID, BigInt(values.length)]]),
            nullValueCounts: new Map([[ID, 0n]]),
            lowerBounds: bounds(lower),
            upperBounds: bounds(upper),
          };
          const bound = bind(schema, expression);
          const summary = { containsNull: false, containsNan: false, lowerBound: lower, upperBound: upper };
          const manifest = manifestEvaluator(inclusiveProjection(spec, schema)(bound), spec, schema);
          const might = [inclusiveMetricsEvaluator(bound)(metrics), manifest([summary])];
          const matching = values.filter(truth).length;
          if (matching > 0) expect(might).toEqual([true, true]);
          if (matching < values.length) expect(strictMetricsEvaluator(bound)(metrics)).toBe(false);
          if (!might[0]) pruned += 1;
        },
      ),
      { numRuns: runs(2000) },
    );
    // There was something to lose.
    expect(pruned).toBeGreaterThan(100);
  });
});

test("a file of one UUID is pruned by every bit of it, others by the first half", () => {
  const from = (lower: string, upper: string) => {
    const bounds = (value: string) => new Map([[ID, encode(value)]]);
    return { recordCount: 2n, lowerBounds: bounds(lower), upperBounds: bounds(upper) };
  };
  const might = (value: string, file: ReturnType<typeof from>) =>
    inclusiveMetricsEvaluator(bind(schema, eq("u", value)))(file);
  const [a, b, c] = [1, 2, 3].map((n) => `10000000-0000-0000-0000-00000000000${n}`) as [
    string,
    string,
    string,
  ];
  expect(might(b, from(a, a))).toBe(false);
  expect(might(c, from(a, b))).toBe(true);
  expect(might("20000000-0000-0000-0000-000000000001", from(a, b))).toBe(false);
});
