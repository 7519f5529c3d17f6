import { invalid, type SchemaSource } from "../schema.js";

export type AvroPrimitiveKind = "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string";

export interface Logical {
  readonly logicalType?: string | undefined;
  readonly precision?: number | undefined;
  readonly scale?: number | undefined;
}

export interface AvroFieldType {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroNode;
  readonly doc: string | undefined;
  readonly hasDefault: boolean;
}

interface Named {
  /** With its namespace. */
  readonly name: string;
  readonly aliases: readonly string[];
}

export interface AvroRecordNode extends Named {
  readonly kind: "record";
  readonly fields: AvroFieldType[];
}

export interface AvroEnumNode extends Named {
  readonly kind: "enum";
  readonly symbols: readonly string[];
  readonly default: string | undefined;
}

export interface AvroFixedNode extends Named, Logical {
  readonly kind: "fixed";
  readonly size: number;
}

/** A type with its names resolved. A record may contain itself: this is a graph. */
export type AvroNode =
  | ({ readonly kind: AvroPrimitiveKind } & Logical)
  | AvroRecordNode
  | AvroEnumNode
  | AvroFixedNode
  | { readonly kind: "array"; readonly items: AvroNode }
  | { readonly kind: "map"; readonly values: AvroNode }
  | { readonly kind: "union"; readonly branches: readonly AvroNode[] };

export type AvroNodeOf<Kind extends AvroNode["kind"]> = Extract<AvroNode, { readonly kind: Kind }>;

const PRIMITIVES: ReadonlySet<string> = new Set([
  ...["null", "boolean", "int", "long", "float", "double", "bytes", "string"],
]);
const MAX_DEPTH = 100;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

type Definition = Readonly<Record<string, unknown>>;

export interface AvroDocument {
  readonly node: AvroNode;
  /** The text without its spaces: docs and defaults tell two schemas apart, as in Confluent's registry. */
  readonly canonical: string;
}

/** @throws LakehouseError INVALID_RECORD_SCHEMA */
export function parseAvro({ text, references }: SchemaSource): AvroDocument {
  const named = new Map<string, AvroNode>();
  for (const reference of references) new AvroParser(named).parse(jsonOf(reference.text));
  const json = jsonOf(text);
  return { node: new AvroParser(named).parse(json), canonical: JSON.stringify(json) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // A primitive's name may stand alone, without quotes.
    if (PRIMITIVES.has(text.trim())) return text.trim();
    throw invalid("Avro", (cause as Error).message, cause);
  }
}

class AvroParser {
  readonly #named: Map<string, AvroNode>;

  constructor(named: Map<string, AvroNode>) {
    this.#named = named;
  }

  parse(json: unknown): AvroNode {
    return this.#node(json, "", 0);
  }

  #node(json: unknown, namespace: string, depth: number): AvroNode {
    if (depth > MAX_DEPTH) throw invalid("Avro", "it nests too deeply");
    if (typeof json === "string") return this.#byName(json, namespace);
    if (Array.isArray(json)) return this.#union(json, namespace, depth);
    if (typeof json !== "object" || json === null)
      throw invalid("Avro", `${JSON.stringify(json)} is no type`);
    const definition = json as Definition;
    const { type } = definition;
    switch (type) {
      case "record":
      case "error":
        return this.#record(definition, namespace, depth);
      case "enum":
        return this.#enum(definition, namespace);
      case "fixed":
        return this.#fixed(definition, namespace);
      case "array":
        return { kind: "array", items: this.#node(definition.items, namespace, depth + 1) };
      case "map":
        return { kind: "map", values: this.#node(definition.values, namespace, depth + 1) };
    }
    if (typeof type === "string" && PRIMITIVES.has(type))
      return { kind: type as AvroPrimitiveKind, ...logicalOf(definition) };
    if (type === undefined) throw invalid("Avro", `${JSON.stringify(json)} has no type`);
    return this.#node(type, namespace, depth + 1);
  }

  #byName(name: string, namespace: string): AvroNode {
    if (PRIMITIVES.has(name)) return { kind: name as AvroPrimitiveKind };
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (found !== undefined) return found;
    throw invalid("Avro", `there is no type ${JSON.stringify(name)}`);
  }

  #union(branches: readonly unknown[], namespace: string, depth: number): AvroNode {
    const nodes = branches.map((branch) => this.#node(branch, namespace, depth + 1));
    const keys = nodes.map((node) => {
      if (node.kind === "union") throw invalid("Avro", "a union contains a union");
      return "name" in node ? node.name : node.kind;
    });
    const twice = keys.find((key, i) => keys.indexOf(key) !== i);
    if (twice !== undefined) throw invalid("Avro", `a union has ${twice} twice`);
    return { kind: "union", branches: nodes };
  }

  #record(definition: Definition, namespace: string, depth: number): AvroNode {
    const node: AvroRecordNode = { kind: "record", ...named(definition, namespace), fields: [] };
    this.#define(node);
    const { fields } = definition;
    if (!Array.isArray(fields)) throw invalid("Avro", `record ${node.name} has no fields`);
    for (const field of fields as Definition[]) {
      const name = field?.name;
      if (typeof name !== "string" || !NAME.test(name) || name.includes("."))
        throw invalid("Avro", `a field of ${node.name} is named ${JSON.stringify(name)}`);
      if (node.fields.some((each) => each.name === name))
        throw invalid("Avro", `${node.name} has the field ${name} twice`);
      const type = this.#node(field.type, namespaceOf(node.name), depth + 1);
      const hasDefault = Object.hasOwn(field, "default");
      if (hasDefault && !isDefault(type, field.default))
        throw invalid("Avro", `the default of ${node.name}.${name} is no value of its type`);
      const doc = typeof field.doc === "string" ? field.doc : undefined;
      node.fields.push({ name, aliases: texts(field.aliases), type, doc, hasDefault });
    }
    return node;
  }

  #enum(definition: Definition, namespace: string): AvroNode {
    const { symbols, default: fallback } = definition;
    const { name, aliases } = named(definition, namespace);
    if (
      !Array.isArray(symbols) ||
      !symbols.every((symbol) => typeof symbol === "string" && NAME.test(symbol))
    )
      throw invalid("Avro", `enum ${name} has no symbols`);
    if (new Set(symbols).size < symbols.length) throw invalid("Avro", `enum ${name} has a symbol twice`);
    if (fallback !== undefined && !symbols.includes(fallback))
      throw invalid("Avro", `the default of enum ${name} is none of its symbols`);
    const node: AvroNode = { kind: "enum", name, aliases, symbols, default: fallback as string | undefined };
    this.#define(node);
    return node;
  }

  #fixed(definition: Definition, namespace: string): AvroNode {
    const { size } = definition;
    const { name, aliases } = named(definition, namespace);
    if (!Number.isInteger(size) || (size as number) < 0) throw invalid("Avro", `fixed ${name} has no size`);
    const node: AvroNode = { kind: "fixed", name, aliases, size: size as number, ...logicalOf(definition) };
    this.#define(node);
    return node;
  }

  #define(node: AvroRecordNode | AvroEnumNode | AvroFixedNode): void {
    if (this.#named.has(node.name)) throw invalid("Avro", `${node.name} is defined twice`);
    this.#named.set(node.name, node);
  }
}

function named(definition: Definition, namespace: string): Named {
  const { name, namespace: given } = definition;
  if (typeof name !== "string" || !NAME.test(name))
    throw invalid("Avro", `a type is named ${JSON.stringify(name)}`);
  const full = fullName(name, typeof given === "string" ? given : namespace);
  return { name: full, aliases: texts(definition.aliases).map((each) => fullName(each, namespaceOf(full))) };
}

function fullName(name: string, namespace: string): string {
  return name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
}

function namespaceOf(name: string): string {
  return name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "";
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function logicalOf({ logicalType, precision, scale }: Definition): Logical {
  if (typeof logicalType !== "string") return {};
  return {
    logicalType,
    precision: typeof precision === "number" ? precision : undefined,
    scale: typeof scale === "number" ? scale : undefined,
  };
}

/** Of a union, the default is of its first branch in the spec before 1.12, of any since. */
function isDefault(node: AvroNode, value: unknown): boolean {
  switch (node.kind) {
    case "null":
      return value === null;
    case "boolean":
      return typeof value === "boolean";
    case "int":
    case "long":
      return Number.isInteger(value);
    case "float":
    case "double":
      return typeof value === "number" || ["NaN", "Infinity", "-Infinity"].includes(value as string);
    case "bytes":
    case "string":
    case "fixed":
      return typeof value === "string";
    case "enum":
      return node.symbols.includes(value as string);
    case "array":
      return Array.isArray(value) && value.every((item) => isDefault(node.items, item));
    case "map":
      return isObject(value) && Object.values(value).every((item) => isDefault(node.values, item));
    case "union":
      return node.branches.some((branch) => isDefault(branch, value));
    case "record":
      return (
        isObject(value) &&
        node.fields.every(({ name, type, hasDefault }) =>
          Object.hasOwn(value, name) ? isDefault(type, value[name]) : hasDefault,
        )
      );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
