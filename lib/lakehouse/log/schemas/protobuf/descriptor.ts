/** A `.proto` file as the descriptor that compilers make of it, for readers that have no compiler. */
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";
import { unsupported } from "../../../errors.js";
import type { SchemaSource } from "../schema.js";
import { isDescriptor, loadProtobuf } from "./load.js";

/** By the numbers of `FieldDescriptorProto.Type`. */
const SCALARS: Readonly<Record<string, number>> = {
  ...{ double: 1, float: 2, int64: 3, uint64: 4, int32: 5, fixed64: 6, fixed32: 7, bool: 8, string: 9 },
  ...{ bytes: 12, uint32: 13, sfixed32: 15, sfixed64: 16, sint32: 17, sint64: 18 },
};
const MESSAGE = 11;
const ENUM = 14;
const OPTIONAL = 1;
const REQUIRED = 2;
const REPEATED = 3;

/**
 * A `FileDescriptorProto` in base64: with messages, enums and imports, which is what values are read by, and without services,
 * extensions and the options of others.
 *
 * @throws LakehouseError INVALID_RECORD_SCHEMA; UNSUPPORTED_FEATURE for groups and editions
 */
export function serializedProtobuf(source: SchemaSource): string {
  if (isDescriptor(source.text)) return source.text;
  const { messages, enums, imports, package: name } = loadProtobuf(source);
  const code = source.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  if (/^\s*edition\b/.test(code)) throw noDescriptor("it is written in an edition");
  const syntax = /^\s*syntax\s*=\s*["']proto3["']/.test(code) ? "proto3" : "proto2";
  const file = descriptor.FileDescriptorProto.fromObject({
    ...(name === "" ? {} : { package: name }),
    dependency: imports,
    messageType: messages.map((message) => messageOf(message, syntax)),
    enumType: enums.map(enumOf),
    ...(syntax === "proto3" ? { syntax } : {}),
  });
  return Buffer.from(descriptor.FileDescriptorProto.encode(file).finish()).toString("base64");
}

function messageOf(message: protobuf.Type, syntax: string): object {
  // Those that stand for one optional field come last.
  const isSynthetic = ({ fieldsArray }: protobuf.OneOf) => fieldsArray[0]?.options?.proto3_optional === true;
  const oneofs = [...message.oneofsArray].sort((a, b) => Number(isSynthetic(a)) - Number(isSynthetic(b)));
  const entries = message.fieldsArray.filter((field) => field instanceof protobuf.MapField).map(entryOf);
  const nested = message.nestedArray.filter((one) => one instanceof protobuf.Type);
  const ranges = (message.reserved ?? []).filter((one) => typeof one !== "string");
  return {
    name: message.name,
    field: message.fieldsArray.map((field) => fieldOf(field, syntax, oneofs)),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
    nestedType: [...entries, ...nested.map((one) => messageOf(one, syntax))],
    enumType: message.nestedArray.filter((one) => one instanceof protobuf.Enum).map(enumOf),
    reservedRange: ranges.map(([start, end]) => ({ start, end: (end ?? 0) + 1 })),
    reservedName: (message.reserved ?? []).filter((one) => typeof one === "string"),
  };
}

function fieldOf(field: protobuf.Field, syntax: string, oneofs: readonly protobuf.OneOf[]): object {
  const { name, id: number, repeated, required, options = {}, partOf } = field;
  const jsonName = options.json_name ?? name.replace(/_(.?)/g, (_, letter: string) => letter.toUpperCase());
  if (field instanceof protobuf.MapField)
    return {
      name,
      number,
      jsonName,
      label: REPEATED,
      type: MESSAGE,
      typeName: `${field.parent?.fullName}.${entryName(name)}`,
    };
  const fallback = options.default;
  return {
    ...{ name, number, jsonName, ...typeOf(field) },
    label: repeated ? REPEATED : required && syntax === "proto2" ? REQUIRED : OPTIONAL,
    ...(partOf ? { oneofIndex: oneofs.indexOf(partOf) } : {}),
    ...(options.proto3_optional === true ? { proto3Optional: true } : {}),
    ...(fallback === undefined ? {} : { defaultValue: String(fallback) }),
    ...(options.packed === undefined ? {} : { options: { packed: options.packed } }),
  };
}

/** A map is a list of entries, whose message has the name that compilers give it. */
function entryOf(field: protobuf.MapField): object {
  const key = { name: "key", number: 1, jsonName: "key", label: OPTIONAL, type: SCALARS[field.keyType] };
  const value = { name: "value", number: 2, jsonName: "value", label: OPTIONAL, ...typeOf(field) };
  return { name: entryName(field.name), field: [key, value], options: { mapEntry: true } };
}

function entryName(field: string): string {
  const camel = field.replace(/(?:^|_)(.?)/g, (_, letter: string) => letter.toUpperCase());
  return `${camel}Entry`;
}

function typeOf(field: protobuf.FieldBase): object {
  const { resolvedType, type } = field.resolve() as protobuf.FieldBase;
  if (resolvedType === null) return { type: SCALARS[type] };
  if (field instanceof protobuf.Field && field.delimited) throw noDescriptor("it has a group");
  return { type: resolvedType instanceof protobuf.Enum ? ENUM : MESSAGE, typeName: resolvedType.fullName };
}

function enumOf({ name, values, options }: protobuf.Enum): object {
  return {
    name,
    value: Object.entries(values).map(([name, number]) => ({ name, number })),
    ...(options?.allow_alias === true ? { options: { allowAlias: true } } : {}),
  };
}

function noDescriptor(why: string) {
  return unsupported(
    "PROTOBUF",
    `The schema cannot be had as a descriptor: ${why}.`,
    "Ask for its text, or register its descriptor in base64.",
  );
}
