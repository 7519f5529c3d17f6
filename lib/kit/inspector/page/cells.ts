import { DataType, type Field, TimeUnit } from "apache-arrow";
import { dateText, decimalText, timestampText, timeText } from "../bounds.js";

/** Longer values are cut: what is asked for is a look. */
const MOST_CHARACTERS = 80;

/** A value of an Arrow column as the page shows it. Arrow gives instants in milliseconds, as numbers with fractions. */
export function cellText(value: unknown, type: DataType): string {
  const text = wholeText(value, type);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

function wholeText(value: unknown, type: DataType): string {
  if (value === null || value === undefined) return "null";
  if (DataType.isDictionary(type)) return wholeText(value, type.dictionary);
  if (DataType.isDecimal(type)) return decimalText(wordsToBigint(value as Uint32Array), type.scale);
  if (DataType.isTimestamp(type)) {
    const micros = BigInt(Math.round(Number(value) * 1000));
    return timestampText(micros, "micros") + (type.timezone ? " UTC" : "");
  }
  if (DataType.isDate(type)) return dateText(BigInt(Math.floor(Number(value) / 86_400_000)));
  if (DataType.isTime(type)) {
    const unit =
      type.unit === TimeUnit.NANOSECOND ? "nanos" : type.unit === TimeUnit.MICROSECOND ? "micros" : "millis";
    return timeText(BigInt(value as number | bigint) * (type.unit === TimeUnit.SECOND ? 1000n : 1n), unit);
  }
  if (value instanceof Uint8Array)
    return `0x${[...value].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const [item] = type.children as readonly Field[];
    const items = [...(value as Iterable<unknown>)];
    return `[${items.map((each) => (item ? wholeText(each, item.type) : String(each))).join(", ")}]`;
  }
  if (DataType.isStruct(type)) {
    const record = value as Readonly<Record<string, unknown>>;
    const fields = (type.children as readonly Field[]).map(
      ({ name, type: inner }) => `${name}: ${wholeText(record[name], inner)}`,
    );
    return `{${fields.join(", ")}}`;
  }
  if (DataType.isMap(type)) {
    const entries = [...(value as Iterable<readonly [unknown, unknown]>)];
    const [key, item] = (type.children[0]?.type.children ?? []) as readonly Field[];
    return `{${entries.map(([k, v]) => `${key ? wholeText(k, key.type) : k}: ${item ? wholeText(v, item.type) : v}`).join(", ")}}`;
  }
  return String(value);
}

/** A decimal of Arrow: two's complement, in words of 32 bits, the lowest first. */
function wordsToBigint(words: Uint32Array): bigint {
  let value = 0n;
  for (const [index, word] of words.entries()) value |= BigInt(word) << BigInt(32 * index);
  return BigInt.asIntN(32 * words.length, value);
}
