import {
  formatDecimal,
  type LiteralInput,
  type PrimitiveType,
  type PrimitiveValue,
} from "../../iceberg/index.js";
import { quoteString } from "../text/tokens.js";
import { type Constant, dayText, decimalText, timestampText } from "./constants.js";

/** All that SQL has to know of a primitive type. What is not known is said so: `undefined`. */
interface PrimitiveSql<Type extends PrimitiveType> {
  /** DuckDB's type for it. */
  readonly sql: (type: Type) => string;
  /** A SQL expression of exactly this value, given in its canonical form. `target` is the type as `sql` says it. */
  readonly literal: (value: PrimitiveValue, type: Type, target: string) => string;
  /**
   * A pattern of the texts that say a value as it is, where DuckDB's cast from text would round and cut others. Types
   * without one have one text for each value.
   */
  readonly spelling: ((type: Type) => string) | undefined;
  /** What a constant beside a column of the type means, as a filter's literal; `undefined` where that is not sure. */
  readonly constant: (constant: Constant, type: Type) => LiteralInput | undefined;
}

const unsure = () => undefined;

const cast = (value: PrimitiveValue, _: PrimitiveType, target: string) =>
  `CAST(${typeof value === "string" ? quoteString(value) : String(value)} AS ${target})`;
const bytes = (value: PrimitiveValue) => `from_hex('${Buffer.from(value as Uint8Array).toString("hex")}')`;
const floating = (value: PrimitiveValue, _: PrimitiveType, target: string) =>
  `${quoteString(Object.is(value, -0) ? "-0" : String(value))}::${target}`;
/** What DuckDB makes of a count of `bits`, but its ends, which for DuckDB are infinite: no function of its gives them. */
const counted =
  (bits: bigint, make: (value: PrimitiveValue) => string) =>
  (value: PrimitiveValue, _: PrimitiveType, target: string) => {
    const max = 2n ** (bits - 1n) - 1n;
    const count = BigInt(value as number | bigint);
    if (count === max || count === -max) return `'${count < 0n ? "-" : ""}infinity'::${target}`;
    return `${make(value)}::${target}`;
  };
const microseconds = counted(64n, (value) => `make_timestamp(${value as bigint})`);
const nanoseconds = counted(64n, (value) => `make_timestamp_ns(${value as bigint})`);
const days = counted(32n, (value) => `(DATE '1970-01-01' + ${value as number}::INTEGER)`);

const whole = () => "[+-]?\\d+";
const number = () => "[+-]?((\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?|(?i:inf(inity)?|nan))";
const day = () => "\\d{4}-\\d{2}-\\d{2}";
const clock = (digits: number) => `\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,${digits}}0*)?)?`;
const moment = (digits: number) => `${day()}([ T]${clock(digits)})?`;

const BYTES = { sql: () => "BLOB", literal: bytes, spelling: undefined, constant: unsure } as const;
/** DuckDB has no nanosecond timestamp with a zone: it is the same instant in UTC. */
const NANOSECONDS = {
  sql: () => "TIMESTAMP_NS",
  literal: nanoseconds,
  spelling: () => moment(9),
  constant: unsure,
} as const;

const PRIMITIVES: {
  readonly [Kind in PrimitiveType["type"]]: PrimitiveSql<Extract<PrimitiveType, { type: Kind }>>;
} = {
  boolean: {
    sql: () => "BOOLEAN",
    literal: cast,
    spelling: () => "(?i:true|false)",
    constant: (constant) => (constant.kind === "boolean" ? constant.value : undefined),
  },
  int: {
    sql: () => "INTEGER",
    literal: cast,
    spelling: whole,
    constant: (constant) => {
      const fits = constant.kind === "integer" && BigInt.asIntN(32, constant.value) === constant.value;
      return fits ? Number(constant.value) : undefined;
    },
  },
  long: {
    sql: () => "BIGINT",
    literal: cast,
    spelling: whole,
    constant: (constant) => (constant.kind === "integer" ? constant.value : undefined),
  },
  // Beside a float a constant is rounded to it, or the float widened to the constant's type, as it happens.
  float: { sql: () => "FLOAT", literal: floating, spelling: number, constant: unsure },
  double: {
    sql: () => "DOUBLE",
    literal: floating,
    spelling: number,
    constant: (constant) => {
      if (constant.kind === "integer") return Number(constant.value);
      if (constant.kind === "double") return constant.value;
      return constant.kind === "decimal" ? Number(constant.unscaled) / 10 ** constant.scale : undefined;
    },
  },
  decimal: {
    sql: ({ precision, scale }) => `DECIMAL(${precision},${scale})`,
    literal: (value, { scale }, target) => `${quoteString(formatDecimal(value as bigint, scale))}::${target}`,
    spelling: ({ scale }) => (scale === 0 ? "[+-]?\\d+(\\.0*)?" : `[+-]?\\d*(\\.\\d{0,${scale}}0*)?`),
    constant: (constant, { precision, scale }) => decimalText(constant, precision, scale),
  },
  date: {
    sql: () => "DATE",
    literal: days,
    spelling: day,
    constant: dayText,
  },
  time: {
    sql: () => "TIME",
    literal: (value) => `(TIME '00:00:00' + to_microseconds(${value as bigint}))`,
    spelling: () => clock(6),
    constant: unsure,
  },
  timestamp: {
    sql: () => "TIMESTAMP",
    literal: microseconds,
    spelling: () => moment(6),
    constant: timestampText,
  },
  timestamptz: {
    sql: () => "TIMESTAMP WITH TIME ZONE",
    literal: microseconds,
    spelling: () => `${moment(6)}(Z|[+-]\\d{2}(:\\d{2})?)`,
    constant: (constant) => {
      // The session's time zone is UTC.
      const text = timestampText(constant);
      return text && `${text}+00:00`;
    },
  },
  timestamp_ns: NANOSECONDS,
  timestamptz_ns: NANOSECONDS,
  string: {
    sql: () => "VARCHAR",
    literal: cast,
    spelling: undefined,
    constant: (constant) => (constant.kind === "string" ? constant.text : undefined),
  },
  uuid: {
    sql: () => "UUID",
    literal: cast,
    spelling: () => "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    // Writers disagree on their order.
    constant: unsure,
  },
  fixed: BYTES,
  binary: BYTES,
  geometry: BYTES,
  geography: BYTES,
  // It has no value but null.
  unknown: { sql: () => "INTEGER", literal: cast, spelling: undefined, constant: unsure },
  // A struct of its two parts, as in Arrow.
  variant: {
    sql: () => 'STRUCT(metadata BLOB, "value" BLOB)',
    literal: bytes,
    spelling: undefined,
    constant: unsure,
  },
};

function of(type: PrimitiveType): PrimitiveSql<PrimitiveType> {
  return PRIMITIVES[type.type] as PrimitiveSql<PrimitiveType>;
}

/** The DuckDB type of a primitive type. */
export function primitiveSqlType(type: PrimitiveType): string {
  return of(type).sql(type);
}

/** A SQL expression of exactly this value. */
export function primitiveLiteral(type: PrimitiveType, value: PrimitiveValue): string {
  return of(type).literal(value, type, primitiveSqlType(type));
}

/** See `PrimitiveSql.spelling`. */
export function spellingOf(type: PrimitiveType): string | undefined {
  return of(type).spelling?.(type);
}

/** See `PrimitiveSql.constant`. */
export function constantOf(type: PrimitiveType, constant: Constant): LiteralInput | undefined {
  return of(type).constant(constant, type);
}
