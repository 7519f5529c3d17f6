import type { IcebergType, NestedField, StructType } from "../../model/types/types.js";
import { decimalRequiredBytes } from "../../model/values/decimal.js";
import type { AvroSchemaJson } from "./types.js";

/**
 * The Avro schema of an Iceberg struct (spec, Appendix A), field ids in place: optional fields are unions with
 * null, maps whose keys are no strings are arrays of records, types are named as Java names them (`r102`,
 * `k117_v118`).
 */
export function structToAvro(struct: StructType, name: string): AvroSchemaJson {
  const defined = new Set<string>();

  /** A named type is spelled out once; Avro refers to it by name from then on. */
  const named = (typeName: string, make: () => AvroSchemaJson): AvroSchemaJson => {
    if (defined.has(typeName)) return typeName;
    defined.add(typeName);
    return make();
  };

  const record = (fields: readonly NestedField[], recordName: string): AvroSchemaJson => {
    const taken = new Set<string>();
    const unique = (field: NestedField): string => {
      const name = compatibleName(field.name);
      const free = taken.has(name) ? `${name}_${field.id}` : name;
      taken.add(free);
      return free;
    };
    return { type: "record", name: recordName, fields: fields.map((field) => member(field, unique(field))) };
  };

  const member = (field: NestedField, avroName: string): AvroSchemaJson => {
    return {
      name: avroName,
      ...(avroName === field.name ? {} : { "iceberg-field-name": field.name }),
      type: optional(field.required, visit(field.type, `r${field.id}`)),
      ...(field.doc === undefined ? {} : { doc: field.doc }),
      ...(field.required ? {} : { default: null }),
      "field-id": field.id,
    };
  };

  const visit = (type: IcebergType, recordName: string): AvroSchemaJson => {
    switch (type.type) {
      case "boolean":
      case "int":
      case "long":
      case "float":
      case "double":
      case "string":
        return type.type;
      case "unknown":
        return "null";
      case "date":
        return { type: "int", logicalType: "date" };
      case "time":
        return { type: "long", logicalType: "time-micros" };
      case "timestamp":
      case "timestamptz":
        return {
          type: "long",
          logicalType: "timestamp-micros",
          "adjust-to-utc": type.type === "timestamptz",
        };
      case "timestamp_ns":
      case "timestamptz_ns":
        return {
          type: "long",
          logicalType: "timestamp-nanos",
          "adjust-to-utc": type.type === "timestamptz_ns",
        };
      case "uuid":
        return named("uuid_fixed", () => ({
          type: "fixed",
          name: "uuid_fixed",
          size: 16,
          logicalType: "uuid",
        }));
      case "fixed":
        return named(`fixed_${type.length}`, () => ({
          type: "fixed",
          name: `fixed_${type.length}`,
          size: type.length,
        }));
      case "decimal": {
        const { precision, scale } = type;
        return named(`decimal_${precision}_${scale}`, () => ({
          type: "fixed",
          name: `decimal_${precision}_${scale}`,
          size: decimalRequiredBytes(precision),
          logicalType: "decimal",
          precision,
          scale,
        }));
      }
      case "binary":
      case "variant":
      case "geometry":
      case "geography":
        return "bytes";
      case "struct":
        return record(type.fields, recordName);
      case "list":
        return {
          type: "array",
          items: optional(type.elementRequired, visit(type.element, `r${type.elementId}`)),
          "element-id": type.elementId,
        };
      case "map": {
        if (type.key.type === "string") {
          return {
            type: "map",
            values: optional(type.valueRequired, visit(type.value, `r${type.valueId}`)),
            "key-id": type.keyId,
            "value-id": type.valueId,
          };
        }
        return {
          type: "array",
          logicalType: "map",
          items: {
            type: "record",
            name: `k${type.keyId}_v${type.valueId}`,
            fields: [
              { name: "key", type: visit(type.key, `r${type.keyId}`), "field-id": type.keyId },
              {
                name: "value",
                type: optional(type.valueRequired, visit(type.value, `r${type.valueId}`)),
                "field-id": type.valueId,
              },
            ],
          },
        };
      }
    }
  };

  return record(struct.fields, name);
}

function optional(required: boolean, type: AvroSchemaJson): AvroSchemaJson {
  return required || type === "null" ? type : ["null", type];
}

/** Avro allows letters, digits and `_`; everything else is escaped the way Java does it, so that names agree. */
export function compatibleName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  let result = "";
  for (const char of name) {
    const allowed = /[A-Za-z0-9_]/.test(char);
    if (result === "" && /[0-9]/.test(char)) result = `_${char}`;
    else if (allowed) result += char;
    else result += `_x${(char.codePointAt(0) ?? 0).toString(16).toUpperCase()}`;
  }
  return result === "" ? "_" : result;
}
