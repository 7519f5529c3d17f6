/** Which changes of messages keep readers able to read, by the rules of Confluent's registry. */
import protobuf from "protobufjs";
import type { ProtobufDocument } from "./load.js";

/** @returns what a reader with `reader` could not read of what was written with `writer`, each with its place. */
export function protobufRefusals(reader: ProtobufDocument, writer: ProtobufDocument): string[] {
  return compareAll(writer.messages, reader.messages, "#", new Set());
}

/** Pairs that were compared, or are: a message may contain itself. */
type Seen = Set<string>;

function compareAll(
  before: readonly protobuf.Type[],
  after: readonly protobuf.Type[],
  path: string,
  seen: Seen,
): string[] {
  return before.flatMap((original) => {
    const update = after.find(({ name }) => name === original.name);
    const place = `${path}/${original.name}`;
    return update === undefined
      ? [`${place}: MESSAGE_REMOVED`]
      : compareMessages(original, update, place, seen);
  });
}

function compareMessages(original: protobuf.Type, update: protobuf.Type, path: string, seen: Seen): string[] {
  const pair = `${original.fullName} ${update.fullName}`;
  if (seen.has(pair)) return [];
  seen.add(pair);
  const refusals = compareOneofs(original, update, path);
  for (const field of original.fieldsArray) {
    const place = `${path}/${field.id}`;
    const now = update.fieldsById[field.id];
    if (now !== undefined) refusals.push(...compareFields(field, now, place, seen));
    else if (isRequired(field)) refusals.push(`${place}: REQUIRED_FIELD_REMOVED`);
    else if (oneofOf(field) !== undefined && !isGone(oneofOf(field), update))
      refusals.push(`${place}: ONEOF_FIELD_REMOVED`);
  }
  for (const field of update.fieldsArray)
    if (original.fieldsById[field.id] === undefined && isRequired(field))
      refusals.push(`${path}/${field.id}: REQUIRED_FIELD_ADDED`);
  return [...refusals, ...compareAll(messagesIn(original), messagesIn(update), path, seen)];
}

/** Fields that could be set together, and cannot any more. */
function compareOneofs(original: protobuf.Type, update: protobuf.Type, path: string): string[] {
  return update.oneofsArray
    .filter((oneof) => !oneof.isProto3Optional)
    .flatMap((oneof) => {
      const before = oneof.fieldsArray.flatMap(({ id }) => original.fieldsById[id] ?? []);
      const groups = new Set(before.map((field) => oneofOf(field)?.name ?? field.id));
      if (groups.size <= 1) return [];
      const alone = before.filter((field) => oneofOf(field) === undefined);
      return [
        `${path}/${oneof.name}: ${alone.length > 1 ? "MULTIPLE_FIELDS_MOVED_TO_ONEOF" : "FIELD_MOVED_TO_EXISTING_ONEOF"}`,
      ];
    });
}

function compareFields(original: protobuf.Field, update: protobuf.Field, path: string, seen: Seen): string[] {
  if (original instanceof protobuf.MapField || update instanceof protobuf.MapField) {
    if (!(original instanceof protobuf.MapField && update instanceof protobuf.MapField))
      return [`${path}: FIELD_KIND_CHANGED`];
    return [
      ...(group(original.keyType) === group(update.keyType) ? [] : [`${path}: FIELD_SCALAR_KIND_CHANGED`]),
      ...compareTypes(original, update, path, seen),
    ];
  }
  return compareTypes(original, update, path, seen);
}

function compareTypes(original: protobuf.Field, update: protobuf.Field, path: string, seen: Seen): string[] {
  const [before, after] = [original.resolvedType, update.resolvedType];
  const isMessage = (type: protobuf.Field["resolvedType"]) => type instanceof protobuf.Type;
  if (isMessage(before) !== isMessage(after)) return [`${path}: FIELD_KIND_CHANGED`];
  if (before instanceof protobuf.Type && after instanceof protobuf.Type) {
    if (before.name !== after.name || compareMessages(before, after, path, seen).length > 0)
      return [`${path}: FIELD_NAMED_TYPE_CHANGED`];
    return [];
  }
  const kind = before === null ? group(original.type) : "number";
  if (kind !== (after === null ? group(update.type) : "number"))
    return [`${path}: FIELD_SCALAR_KIND_CHANGED`];
  const isNumber = kind !== "text";
  return isNumber && original.repeated !== update.repeated ? [`${path}: FIELD_NUMERIC_LABEL_CHANGED`] : [];
}

/** Scalars of one group are read as each other (Protobuf, "Updating A Message Type"). */
const GROUPS: Readonly<Record<string, string>> = {
  int32: "number",
  int64: "number",
  uint32: "number",
  uint64: "number",
  bool: "number",
  sint32: "signed",
  sint64: "signed",
  string: "text",
  bytes: "text",
  fixed32: "fixed32",
  sfixed32: "fixed32",
  fixed64: "fixed64",
  sfixed64: "fixed64",
};

const group = (type: string) => GROUPS[type] ?? type;

const isRequired = (field: protobuf.Field) => field.required;

function oneofOf({ partOf }: protobuf.Field): protobuf.OneOf | undefined {
  return partOf === null || partOf.isProto3Optional ? undefined : partOf;
}

/** A oneof that went as a whole is as fields that went. */
function isGone(oneof: protobuf.OneOf | undefined, update: protobuf.Type): boolean {
  if (oneof === undefined) return false;
  const isThere = update.oneofsArray.some(({ name }) => name === oneof.name);
  return !isThere && oneof.fieldsArray.every(({ id }) => update.fieldsById[id] === undefined);
}

function messagesIn(type: protobuf.Type): readonly protobuf.Type[] {
  return type.nestedArray.filter((each): each is protobuf.Type => each instanceof protobuf.Type);
}
