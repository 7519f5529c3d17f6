import type { PrimitiveKind, PrimitiveType, PrimitiveValue } from "../types/types.js";
import { floorDiv } from "../values/temporal.js";
import type { Filing, TransformDefinition, TransformOf } from "./definition.js";
import { parseParameter } from "./parse.js";

interface Truncatable {
  apply(value: PrimitiveValue, width: number): PrimitiveValue;
  /** The lowest value, where steps below it wrap around to the highest ones. */
  readonly lowest?: PrimitiveValue | undefined;
}

const TRUNCATABLE: Readonly<Partial<Record<PrimitiveKind, Truncatable>>> = {
  int: { apply: (value, width) => truncateInt(value as number, width), lowest: -(2 ** 31) },
  long: {
    apply: (value, width) => BigInt.asIntN(64, truncateUnits(value as bigint, width)),
    lowest: -(2n ** 63n),
  },
  decimal: { apply: (value, width) => truncateUnits(value as bigint, width) },
  string: { apply: (value, width) => truncateString(value as string, width) },
  binary: { apply: (value, width) => (value as Uint8Array).subarray(0, width) },
};

/** `v - (v % W)` with a positive remainder; wraps around below the lowest integer as the reference does. */
function truncateInt(value: number, width: number): number {
  return (value - (((value % width) + width) % width)) | 0;
}

function truncateUnits(value: bigint, width: number): bigint {
  const wide = BigInt(width);
  return floorDiv(value, wide) * wide;
}

/** The first `length` code points. */
function truncateString(text: string, length: number): string {
  if (text.length <= length) return text;
  let end = 0;
  for (let points = 0; points < length && end < text.length; points += 1) {
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

function apply({ width }: TransformOf<"truncate">, source: PrimitiveType) {
  const truncatable = TRUNCATABLE[source.type] as Truncatable;
  return (value: PrimitiveValue) => truncatable.apply(value, width);
}

function filing(transform: TransformOf<"truncate">, source: PrimitiveType): Filing {
  const result = apply(transform, source);
  const { lowest } = TRUNCATABLE[source.type] as Truncatable;
  // Steps below the lowest integer wrap around: those few values have a result above all others.
  const wrapped = lowest === undefined || result(lowest) === lowest ? [] : [result(lowest)];
  const { width } = transform;
  return {
    equal: (value) => [result(value)],
    only: () => undefined,
    atMost: (value) => ({ bound: result(value), also: wrapped }),
    atLeast: (value) => (result(value) === wrapped[0] ? undefined : result(value)),
    startsWith: (prefix) => {
      const length = [...prefix].length;
      // Within the width, the cut text has the prefix exactly where the whole text has it.
      return length < width ? { type: "starts-with", value: prefix } : { type: "eq", value: result(prefix) };
    },
    notStartsWith: (prefix) => {
      const length = [...prefix].length;
      if (length > width) return undefined;
      return { type: length < width ? "not-starts-with" : "not-eq", value: prefix };
    },
  };
}

export const truncate: TransformDefinition<TransformOf<"truncate">> = {
  parse: (text) => {
    const width = parseParameter("truncate", text);
    return width === undefined ? undefined : { transform: "truncate", width };
  },
  toText: ({ width }) => `truncate[${width}]`,
  suffix: "_trunc",
  takes: (type) => TRUNCATABLE[type.type as PrimitiveKind] !== undefined,
  result: (source) => source ?? { type: "unknown" },
  apply,
  preservesOrder: "except-wrapped",
  project: filing,
  projectResult: "same",
  family: "own",
  datesPromote: false,
};
