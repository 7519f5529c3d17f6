import type { PrimitiveKind, PrimitiveType, PrimitiveValue } from "../types/types.js";
import { utf8Encode, uuidToBytes } from "../values/bytes.js";
import { unscaledToBytes } from "../values/decimal.js";
import { floorDiv } from "../values/temporal.js";
import type { TransformDefinition, TransformOf } from "./definition.js";
import { hashBytes, hashInt, hashLong } from "./murmur3.js";
import { parseParameter } from "./parse.js";

type Hash = (value: PrimitiveValue) => number;

const ofInt: Hash = (value) => hashInt(value as number);
const ofLong: Hash = (value) => hashLong(value as bigint);
const ofNanos: Hash = (value) => hashLong(floorDiv(value as bigint, 1000n));
const ofBytes: Hash = (value) => hashBytes(value as Uint8Array);

/** The 32-bit hash by type (spec, Appendix B); `undefined` for types that have none. */
const HASHES: Readonly<Record<PrimitiveKind, Hash | undefined>> = {
  boolean: undefined,
  int: ofInt,
  long: ofLong,
  float: undefined,
  double: undefined,
  decimal: (value) => hashBytes(unscaledToBytes(value as bigint)),
  date: ofInt,
  time: ofLong,
  timestamp: ofLong,
  timestamptz: ofLong,
  timestamp_ns: ofNanos,
  timestamptz_ns: ofNanos,
  string: (value) => hashBytes(utf8Encode(value as string)),
  uuid: (value) => hashBytes(uuidToBytes(value as string)),
  fixed: ofBytes,
  binary: ofBytes,
  unknown: undefined,
  variant: undefined,
  geometry: undefined,
  geography: undefined,
};

/** The hash of values of a type. Throws `TypeError` for a type that has none. */
export function bucketHash(type: PrimitiveType): Hash {
  const hash = HASHES[type.type];
  if (hash === undefined) throw new TypeError(`${type.type} has no bucket hash`);
  return hash;
}

function apply({ numBuckets }: TransformOf<"bucket">, source: PrimitiveType) {
  const hash = bucketHash(source);
  return (value: PrimitiveValue) => (hash(value) & 0x7fffffff) % numBuckets;
}

export const bucket: TransformDefinition<TransformOf<"bucket">> = {
  parse: (text) => {
    const numBuckets = parseParameter("bucket", text);
    return numBuckets === undefined ? undefined : { transform: "bucket", numBuckets };
  },
  toText: ({ numBuckets }) => `bucket[${numBuckets}]`,
  suffix: "_bucket",
  takes: (type) => HASHES[type.type as PrimitiveKind] !== undefined,
  result: () => ({ type: "int" }),
  apply,
  preservesOrder: false,
  project: (transform, source) => {
    const result = apply(transform, source);
    return {
      equal: (value) => [result(value)],
      only: () => undefined,
      atMost: () => undefined,
      atLeast: () => undefined,
      startsWith: () => undefined,
      notStartsWith: () => undefined,
    };
  },
  projectResult: "same",
  family: "own",
  datesPromote: false,
};
