import { canPromote } from "../../model/types/promotion.js";
import { typeToString } from "../../model/types/type-text.js";
import type { NestedField, PrimitiveType, PrimitiveValue } from "../../model/types/types.js";
import { formatDate, MICROS_PER_DAY, NANOS_PER_DAY } from "../../model/values/temporal.js";
import { dayRange, describeDays } from "./promotion-range.js";
import { refuse, type SchemaEdit } from "./schema-edit.js";

/** The field with a wider type, its defaults along with it. Throws `INVALID_SCHEMA` for a change that the spec does not allow. */
export function promote(
  edit: SchemaEdit,
  field: NestedField,
  name: string,
  type: PrimitiveType,
): NestedField {
  if (!canPromote(field.type, type, edit.formatVersion)) {
    refuse(
      name,
      `"${name}" cannot change from ${typeToString(field.type)} to ${typeToString(type)}: that could lose values.`,
    );
  }
  const { initialDefault, writeDefault, ...rest } = field;
  const convert = (value: NestedField["initialDefault"]) => {
    if (value === undefined || value === null) return undefined;
    const range = field.type.type === "date" ? dayRange(type) : undefined;
    if (range !== undefined && ((value as number) < range.first || (value as number) > range.last)) {
      refuse(
        name,
        `"${name}" cannot change to ${typeToString(type)}, which goes from ${describeDays(range)}: its default is ${formatDate(value as number)}.`,
      );
    }
    return promoteValue(field.type.type, type, value as PrimitiveValue);
  };
  return {
    ...rest,
    type,
    initialDefault: convert(initialDefault),
    writeDefault: convert(writeDefault),
  };
}

function promoteValue(from: string, to: PrimitiveType, value: PrimitiveValue): PrimitiveValue {
  if (from === "int" && to.type === "long") return BigInt(value as number);
  if (from === "date" && to.type === "timestamp") return BigInt(value as number) * MICROS_PER_DAY;
  if (from === "date" && to.type === "timestamp_ns") return BigInt(value as number) * NANOS_PER_DAY;
  return value;
}
