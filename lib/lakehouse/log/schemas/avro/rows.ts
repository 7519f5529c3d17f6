import { corruptFile, unsupported } from "../../../errors.js";
import { AvroCursor, formatDecimal, type IcebergType, type NestedField } from "../../../iceberg/index.js";
import { BadValue, eachValue, type RowReader } from "../schema.js";
import type { AvroNode, AvroNodeOf, AvroRecordNode, Logical } from "./types.js";

type Read = (cursor: AvroCursor) => unknown;

interface Part {
  readonly type: IcebergType;
  readonly optional: boolean;
  readonly read: Read;
}

/**
 * The columns of an Avro record, and how its values become rows. An enum is text, a union with null is optional.
 *
 * @throws LakehouseError UNSUPPORTED_FEATURE for what no table can hold: other unions, types that contain themselves.
 */
export function avroRows(node: AvroNode): RowReader {
  if (node.kind !== "record") throw unfit("value", `is of the type ${node.kind}, and a row is a record`);
  const { fields, read } = structOf(node, "", []);
  return {
    fields,
    read: eachValue((value) => {
      const cursor = new AvroCursor(value, "the value");
      const row = read(cursor);
      if (cursor.remaining > 0) throw new BadValue(`${cursor.remaining} bytes follow the value`);
      return row;
    }, corruptFile),
  };
}

function structOf(node: AvroRecordNode, path: string, open: readonly AvroNode[]) {
  if (open.includes(node)) throw unfit(path, "contains itself");
  const members = node.fields.map(({ name, type, doc }) => ({
    name,
    doc,
    part: partOf(type, path === "" ? name : `${path}.${name}`, [...open, node]),
  }));
  if (members.length === 0) throw unfit(path === "" ? "value" : path, "has no fields");
  return {
    fields: members.map(
      ({ name, doc, part }): NestedField => ({ id: 0, name, required: !part.optional, type: part.type, doc }),
    ),
    read: (cursor: AvroCursor): Record<string, unknown> => {
      const row: Record<string, unknown> = {};
      for (const { name, part } of members) row[name] = part.read(cursor);
      return row;
    },
  };
}

function partOf(node: AvroNode, name: string, open: readonly AvroNode[]): Part {
  const of = (type: IcebergType, read: Read): Part => ({ type, optional: false, read });
  switch (node.kind) {
    case "null":
      throw unfit(name, "is always null");
    case "boolean":
      return of({ type: "boolean" }, (cursor) => cursor.readBoolean());
    case "int":
      return intPart(node.logicalType, of);
    case "long":
      return longPart(node.logicalType, of);
    case "float":
      return of({ type: "float" }, (cursor) => cursor.readFloat());
    case "double":
      return of({ type: "double" }, (cursor) => cursor.readDouble());
    case "string":
      return of(node.logicalType === "uuid" ? { type: "uuid" } : { type: "string" }, (cursor) =>
        cursor.readString(),
      );
    case "bytes":
      return (
        decimalPart(node, name, (cursor) => cursor.readBytes()) ??
        of({ type: "binary" }, (cursor) => cursor.readBytes())
      );
    case "fixed": {
      const read = (cursor: AvroCursor) => cursor.readFixed(node.size);
      if (node.logicalType === "uuid" && node.size === 16) return of({ type: "uuid" }, read);
      return decimalPart(node, name, read) ?? of({ type: "fixed", length: node.size }, read);
    }
    case "enum": {
      const { symbols } = node;
      return of({ type: "string" }, (cursor) => {
        const index = cursor.readNumber();
        return symbols[index] ?? bad(`${name} is symbol ${index}, where there are ${symbols.length}`);
      });
    }
    case "union":
      return unionPart(node, name, open);
    case "array": {
      const item = partOf(node.items, `${name}.element`, open);
      return of(
        { type: "list", elementId: 0, elementRequired: !item.optional, element: item.type },
        (cursor) => {
          const items: unknown[] = [];
          for (let count = cursor.readBlockCount(0); count > 0; count = cursor.readBlockCount(0))
            for (let i = 0; i < count; i++) items.push(item.read(cursor));
          return items;
        },
      );
    }
    case "map": {
      const value = partOf(node.values, `${name}.value`, open);
      return of(
        {
          type: "map",
          keyId: 0,
          key: { type: "string" },
          valueId: 0,
          valueRequired: !value.optional,
          value: value.type,
        },
        (cursor) => {
          const map = new Map<string, unknown>();
          for (let count = cursor.readBlockCount(1); count > 0; count = cursor.readBlockCount(1))
            for (let i = 0; i < count; i++) map.set(cursor.readString(), value.read(cursor));
          return map;
        },
      );
    }
    case "record": {
      const { fields, read } = structOf(node, name, open);
      return of({ type: "struct", fields }, read);
    }
  }
}

type Of = (type: IcebergType, read: Read) => Part;

function intPart(logicalType: string | undefined, of: Of): Part {
  const read = (cursor: AvroCursor) => cursor.readNumber();
  switch (logicalType) {
    case "date":
      return of({ type: "date" }, read);
    case "time-millis":
      return of({ type: "time" }, (cursor) => BigInt(cursor.readNumber()) * 1000n);
    default:
      return of({ type: "int" }, read);
  }
}

function longPart(logicalType: string | undefined, of: Of): Part {
  const read = (cursor: AvroCursor) => cursor.readLong();
  const millis = (cursor: AvroCursor) => cursor.readLong() * 1000n;
  switch (logicalType) {
    case "time-micros":
      return of({ type: "time" }, read);
    case "timestamp-millis":
      return of({ type: "timestamptz" }, millis);
    case "timestamp-micros":
      return of({ type: "timestamptz" }, read);
    case "timestamp-nanos":
      return of({ type: "timestamptz_ns" }, read);
    case "local-timestamp-millis":
      return of({ type: "timestamp" }, millis);
    case "local-timestamp-micros":
      return of({ type: "timestamp" }, read);
    case "local-timestamp-nanos":
      return of({ type: "timestamp_ns" }, read);
    default:
      return of({ type: "long" }, read);
  }
}

/** A logical type whose attributes make no sense is none (Avro spec): then it is bytes. */
function decimalPart(
  { logicalType, precision = 0, scale = 0 }: Logical,
  name: string,
  read: (cursor: AvroCursor) => Uint8Array,
): Part | undefined {
  if (logicalType !== "decimal" || precision < 1 || scale < 0 || scale > precision) return undefined;
  if (precision > 38) throw unfit(name, `is a decimal of ${precision} digits, where 38 is the most`);
  return {
    type: { type: "decimal", precision, scale },
    optional: false,
    read: (cursor) => formatDecimal(signed(read(cursor)), scale),
  };
}

/** Big-endian two's complement. */
function signed(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
}

function unionPart({ branches }: AvroNodeOf<"union">, name: string, open: readonly AvroNode[]): Part {
  const [only, another] = branches.filter(({ kind }) => kind !== "null");
  if (only === undefined || another !== undefined)
    throw unfit(name, "is a union of more than null and one type");
  const part = partOf(only, name, open);
  const readers = branches.map((branch) => (branch === only ? part.read : () => null));
  return {
    type: part.type,
    optional: branches.length > 1,
    read: (cursor) => {
      const index = cursor.readNumber();
      const read =
        readers[index] ?? bad(`${name} is branch ${index} of its union, where there are ${branches.length}`);
      return read(cursor);
    },
  };
}

function bad(reason: string): never {
  throw new BadValue(reason);
}

function unfit(name: string, why: string) {
  return unsupported(
    name,
    `"${name}" ${why}, which is no column of a table.`,
    "Give it a type that tables have.",
  );
}
