/** The generated code is what the protos say: they are read anew, by another parser than the one that it was made with. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { DescField, DescFile } from "@bufbuild/protobuf";
import protobuf from "protobufjs";
import { expect, test } from "vitest";

const HOME = fileURLToPath(new URL("../../../lib/lakehouse/log/rpc/", import.meta.url));
const PROTOS = readdirSync(join(HOME, "proto"), { recursive: true, encoding: "utf8" }).filter((name) =>
  name.endsWith(".proto"),
);

/** Each message, enum and service, with all that is in it, as lines. */
function parsed(path: string): string[] {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => (target.startsWith("/") ? target : join(HOME, "proto", target));
  root.loadSync(path, { keepCase: true });
  root.resolveAll();
  const lines: string[] = [];
  const nameOf = (object: protobuf.ReflectionObject) => object.fullName.slice(1);
  const typeOf = (field: protobuf.Field) => (field.resolvedType ? nameOf(field.resolvedType) : field.type);
  const visit = (object: protobuf.ReflectionObject) => {
    if (object instanceof protobuf.Type && object.filename === path) {
      lines.push(`message ${nameOf(object)}`);
      for (const field of object.fieldsArray) {
        const isMap = field instanceof protobuf.MapField;
        const label = isMap ? `map ${field.keyType}` : field.repeated ? "repeated" : "";
        const { proto3_optional: isOptional } = (field.options ?? {}) as { proto3_optional?: boolean };
        const group = isOptional ? "optional" : (field.partOf?.name ?? "");
        lines.push(`${nameOf(object)}.${field.name} = ${field.id} ${typeOf(field)} ${label} ${group}`);
      }
    }
    if (object instanceof protobuf.Enum && object.filename === path)
      for (const [name, number] of Object.entries(object.values))
        lines.push(`${nameOf(object)} ${name} = ${number}`);
    if (object instanceof protobuf.Service && object.filename === path)
      for (const method of object.methodsArray) {
        const [input, output] = [method.resolvedRequestType, method.resolvedResponseType];
        const streams = `${Boolean(method.requestStream)} ${Boolean(method.responseStream)}`;
        lines.push(
          `${nameOf(object)}/${method.name} ${input && nameOf(input)} ${output && nameOf(output)} ${streams}`,
        );
      }
    if (object instanceof protobuf.Namespace) for (const child of object.nestedArray) visit(child);
  };
  visit(root);
  return lines.sort();
}

function generated(file: DescFile): string[] {
  const lines: string[] = [];
  const addEnum = ({ typeName, values }: DescFile["enums"][number]) => {
    for (const { name, number } of values) lines.push(`${typeName} ${name} = ${number}`);
  };
  const addMessage = (message: DescFile["messages"][number]) => {
    lines.push(`message ${message.typeName}`);
    for (const field of message.fields)
      lines.push(`${message.typeName}.${field.name} = ${field.number} ${shapeOf(field)}`);
    for (const nested of message.nestedMessages) addMessage(nested);
    for (const nested of message.nestedEnums) addEnum(nested);
  };
  for (const message of file.messages) addMessage(message);
  for (const one of file.enums) addEnum(one);
  for (const { typeName, methods } of file.services)
    for (const { name, input, output, methodKind } of methods) {
      const streams = `${/client|bidi/.test(methodKind)} ${/server|bidi/.test(methodKind)}`;
      lines.push(`${typeName}/${name} ${input.typeName} ${output.typeName} ${streams}`);
    }
  return lines.sort();
}

const SCALARS = ["", "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string"];
SCALARS[12] = "bytes";

function shapeOf(field: DescField): string {
  const kind =
    field.fieldKind === "list" ? field.listKind : field.fieldKind === "map" ? field.mapKind : field.fieldKind;
  const type =
    kind === "message"
      ? field.message?.typeName
      : kind === "enum"
        ? field.enum?.typeName
        : SCALARS[field.scalar ?? 0];
  const label =
    field.fieldKind === "map" ? `map ${SCALARS[field.mapKey]}` : field.fieldKind === "list" ? "repeated" : "";
  const group = field.proto.proto3Optional ? "optional" : (field.oneof?.name ?? "");
  return `${type} ${label} ${group}`;
}

test.each(PROTOS)("%s", async (name) => {
  const module = join(HOME, "generated", name.replace(/\.proto$/, "_pb.ts"));
  const exported = (await import(pathToFileURL(module).href)) as Record<string, DescFile>;
  const file = exported[`file_${name.replace(/\.proto$/, "").replace(/[/.]/g, "_")}`] as DescFile;
  expect(generated(file)).toEqual(parsed(join(HOME, "proto", name)));
});

test("there is no generated file without a proto", () => {
  const files = readdirSync(join(HOME, "generated"), { recursive: true, encoding: "utf8" });
  const made = files.filter((name) => name.endsWith(".ts")).map((name) => name.replace(/_pb\.ts$/, ".proto"));
  expect(made.sort()).toEqual(PROTOS.toSorted());
  expect(made.length).toBeGreaterThan(5);
});
