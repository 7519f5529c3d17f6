import type { PrimitiveKind, PrimitiveType, PrimitiveValue } from "../types/types.js";
import { floorDiv } from "../values/temporal.js";
import type { Filing, TransformDefinition, TransformOf } from "./definition.js";
import { parseParameter } from "./parse.js";

interface Truncatable {
  /** The function on values, made once for all rows: of integers of 64 bits the width is a bigint. */
  to(width: number): (value: PrimitiveValue) => PrimitiveValue;
  /** The lowest value, where steps below it wrap around to the highest ones. */
  readonly lowest?: PrimitiveValue | undefined;
}

const TRUNCATABLE: Readonly<Partial<Record<PrimitiveKind, Truncatable>>> = {
  int: { to: (width) => (value) => truncateInt(value as number, width), lowest: -(2 ** 31) },
  long: {
    to: (width) => {
      const truncated = truncateUnits(width);
      return (value) => BigInt.asIntN(64, truncated(value));
    },
    lowest: -(2n ** 63n),
  },
  decimal: { to: truncateUnits },
  string: { to: (width) => (value) => truncateString(value as string, width) },
  binary: { to: (width) => (value) => (value as Uint8Array).subarray(0, width) },
};

/** `v - (v % W)` with a positive remainder; wraps around below the lowest integer as the reference does. */
function truncateInt(value: number, width: number): number {
  return (value - (((value % width) + width) % width)) | 0;
}

function truncateUnits(width: number): (value: PrimitiveValue) => bigint {
  const wide = BigInt(width);
  return (value) => floorDiv(value as bigint, wide) * wide;
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
  return (TRUNCATABLE[source.type] as Truncatable).to(width);
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
