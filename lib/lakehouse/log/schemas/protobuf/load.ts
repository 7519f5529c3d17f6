/** Reads `.proto` files, and file descriptors in base64, which Confluent's clients for JavaScript and Python send. */
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor.js";
import { invalid, type SchemaSource } from "../schema.js";

export interface ProtobufDocument {
  readonly root: protobuf.Root;
  readonly package: string;
  /** The file's own, in its order: a record says by their places which one it is. */
  readonly messages: readonly protobuf.Type[];
  readonly enums: readonly protobuf.Enum[];
  readonly imports: readonly string[];
  readonly canonical: string;
}

/** They are looked at by compilers alone. */
const OPTIONS_ONLY =
  /^(confluent\/|google\/protobuf\/descriptor\.proto$|google\/api\/|gogoproto\/|buf\/validate\/)/;
const BASE64 = /^[A-Za-z0-9+/\s]+=*\s*$/;

interface ProtoFile {
  readonly package: string;
  readonly imports: readonly string[];
  readonly nested: { readonly [name: string]: protobuf.AnyNestedObject };
  readonly messages: readonly string[];
  readonly enums: readonly string[];
}

/** @throws LakehouseError INVALID_RECORD_SCHEMA */
export function loadProtobuf({ text, references }: SchemaSource): ProtobufDocument {
  const root = new protobuf.Root();
  const known = new Set(references.map(({ name }) => name));
  try {
    const others = references.map((reference) => readFile(reference.text));
    const main = readFile(text);
    for (const name of [...others, main].flatMap(({ imports }) => imports)) {
      if (known.has(name) || OPTIONS_ONLY.test(name)) continue;
      const common = protobuf.common.get(name);
      if (common === null) throw invalid("Protobuf", `its import ${name} is not among its references`);
      root.addJSON(common.nested ?? {});
      known.add(name);
    }
    for (const file of [...others, main]) root.addJSON(file.nested);
    root.resolveAll();
    const fullName = (name: string) => (main.package === "" ? name : `.${main.package}.${name}`);
    const messages = main.messages.map((name) => root.lookupType(fullName(name)));
    if (messages.length === 0) throw invalid("Protobuf", "it has no message");
    return {
      root,
      package: main.package,
      messages,
      enums: main.enums.map((name) => root.lookup(fullName(name), protobuf.Enum) as protobuf.Enum),
      imports: main.imports,
      canonical: JSON.stringify([main.package, main.nested, main.imports]),
    };
  } catch (error) {
    if (error instanceof Error && error.name === "LakehouseError") throw error;
    throw invalid("Protobuf", (error as Error).message, error);
  }
}

export function isDescriptor(text: string): boolean {
  return BASE64.test(text) && !/^\s*(syntax|edition|message|package)\b/.test(text);
}

function readFile(text: string): ProtoFile {
  if (isDescriptor(text)) return readDescriptor(text);
  const root = new protobuf.Root();
  const parsed = protobuf.parse(text, root, { keepCase: true });
  const name = parsed.package ?? "";
  const imports = [...(parsed.imports ?? []), ...(parsed.weakImports ?? [])];
  return { package: name, imports, ...contentOf(root, name) };
}

/** Message by message: the types of other files are not there yet. */
function readDescriptor(text: string): ProtoFile {
  const { FileDescriptorProto } = descriptor;
  const file = FileDescriptorProto.toObject(
    FileDescriptorProto.decode(Buffer.from(text, "base64")),
  ) as FileDescriptor;
  const root = new protobuf.Root();
  const name = file.package ?? "";
  const own = name === "" ? root : root.define(name);
  const context = { edition: file.syntax || "proto2", keepCase: true };
  for (const message of file.messageType ?? [])
    own.add(protobuf.Type.fromDescriptor(message as never, context));
  for (const each of file.enumType ?? []) own.add(protobuf.Enum.fromDescriptor(each as never, context));
  return { package: name, imports: file.dependency ?? [], ...contentOf(root, name) };
}

/** What is looked at of a `FileDescriptorProto`. */
interface FileDescriptor {
  readonly package?: string;
  readonly syntax?: string;
  readonly dependency?: readonly string[];
  readonly messageType?: readonly object[];
  readonly enumType?: readonly object[];
}

function contentOf(root: protobuf.Root, name: string): Pick<ProtoFile, "nested" | "messages" | "enums"> {
  const own = name === "" ? root : (root.lookup(name) as protobuf.Namespace | null);
  const all = own?.nestedArray ?? [];
  return {
    nested: root.toJSON().nested ?? {},
    messages: all.filter((each) => each instanceof protobuf.Type).map(({ name }) => name),
    enums: all.filter((each) => each instanceof protobuf.Enum).map(({ name }) => name),
  };
}
