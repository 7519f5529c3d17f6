import { corruptFile, type LakehouseError } from "../../../errors.js";

/** An Avro schema as its JSON spells it, with whatever attributes the writer added (`field-id`, `logicalType`, …). */
export type AvroSchemaJson = string | readonly AvroSchemaJson[] | { readonly [key: string]: unknown };

export type AvroPrimitiveName = "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string";

export interface AvroPrimitive {
  readonly kind: AvroPrimitiveName;
  readonly logicalType?: string;
}

export interface AvroFixed {
  readonly kind: "fixed";
  readonly size: number;
  readonly logicalType?: string;
}

export interface AvroEnum {
  readonly kind: "enum";
  readonly symbols: readonly string[];
}

export interface AvroArray {
  readonly kind: "array";
  readonly items: AvroType;
  readonly elementId?: number;
  /** `"map"` where Iceberg stores a map as an array of key-value records. */
  readonly logicalType?: string;
}

export interface AvroMap {
  readonly kind: "map";
  readonly values: AvroType;
  readonly keyId?: number;
  readonly valueId?: number;
}

export interface AvroUnion {
  readonly kind: "union";
  readonly branches: readonly AvroType[];
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  /** The Iceberg field id; absent in files that no Iceberg writer made. */
  readonly fieldId?: number;
}

export interface AvroRecord {
  readonly kind: "record";
  readonly name: string;
  readonly fields: readonly AvroField[];
}

/** An Avro type with its names resolved. Iceberg has no recursive types, so this is always a finite tree. */
export type AvroType = AvroPrimitive | AvroFixed | AvroEnum | AvroArray | AvroMap | AvroUnion | AvroRecord;

const PRIMITIVES: ReadonlySet<string> = new Set([
  "null",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "bytes",
  "string",
]);

/** Deeper than any schema a person writes; a bound on the stack for one that a fuzzer wrote. */
const MAX_DEPTH = 100;
/** Named types may be reused; a bound on the tree they unfold into. */
const MAX_NODES = 100_000;

/**
 * Resolves a schema's names into a tree of types.
 *
 * @throws LakehouseError CORRUPT_FILE when the schema is no Avro schema, or is recursive.
 */
export function parseAvroSchema(json: unknown, subject: string): AvroType {
  const named = new Map<string, unknown>();
  const open = new Set<string>();
  let nodes = 0;

  const bad = (why: string): LakehouseError =>
    corruptFile(subject, `Invalid Avro schema in ${subject}: ${why}.`);

  const fullName = (node: Record<string, unknown>, namespace: string): string => {
    const name = typeof node.name === "string" ? node.name : "";
    if (name === "") throw bad("a named type has no name");
    if (name.includes(".")) return name;
    const space = typeof node.namespace === "string" ? node.namespace : namespace;
    return space === "" ? name : `${space}.${name}`;
  };

  const visitNamed = (node: Record<string, unknown>, namespace: string, depth: number): AvroType => {
    const name = fullName(node, namespace);
    if (open.has(name)) throw bad(`type ${name} contains itself`);
    const inner = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "";
    named.set(name, node);
    switch (node.type) {
      case "fixed": {
        const size = node.size;
        if (typeof size !== "number" || !Number.isInteger(size) || size < 0)
          throw bad(`fixed ${name} has no size`);
        return { kind: "fixed", size, ...logical(node) };
      }
      case "enum": {
        const symbols = node.symbols;
        if (!Array.isArray(symbols)) throw bad(`enum ${name} has no symbols`);
        return { kind: "enum", symbols: symbols.map(String) };
      }
      default: {
        if (!Array.isArray(node.fields)) throw bad(`record ${name} has no fields`);
        open.add(name);
        const fields = node.fields.map((raw: unknown): AvroField => {
          if (!isObject(raw) || typeof raw.name !== "string") throw bad(`a field of ${name} has no name`);
          const type = visit(raw.type, inner, depth + 1);
          const id = raw["field-id"];
          return typeof id === "number" ? { name: raw.name, type, fieldId: id } : { name: raw.name, type };
        });
        open.delete(name);
        return { kind: "record", name, fields };
      }
    }
  };

  const visit = (node: unknown, namespace: string, depth: number): AvroType => {
    if (depth > MAX_DEPTH || ++nodes > MAX_NODES) throw bad("it nests too deeply");
    if (typeof node === "string") {
      if (PRIMITIVES.has(node)) return { kind: node as AvroPrimitiveName };
      const name = named.has(node) || namespace === "" ? node : `${namespace}.${node}`;
      const definition = named.get(name);
      if (!isObject(definition)) throw bad(`unknown type ${JSON.stringify(node)}`);
      const space = name.includes(".") ? name.slice(0, name.lastIndexOf(".")) : "";
      return visitNamed(definition, space, depth);
    }
    if (Array.isArray(node)) {
      return { kind: "union", branches: node.map((branch) => visit(branch, namespace, depth + 1)) };
    }
    if (!isObject(node)) throw bad(`${JSON.stringify(node)} is no type`);
    const { type } = node;
    if (type === "record" || type === "error" || type === "fixed" || type === "enum") {
      return visitNamed(node, namespace, depth);
    }
    if (type === "array") {
      return {
        kind: "array",
        items: visit(node.items, namespace, depth + 1),
        ...id(node, "elementId"),
        ...logical(node),
      };
    }
    if (type === "map") {
      const values = visit(node.values, namespace, depth + 1);
      return { kind: "map", values, ...id(node, "keyId"), ...id(node, "valueId") };
    }
    if (typeof type === "string" && PRIMITIVES.has(type)) {
      return { kind: type as AvroPrimitiveName, ...logical(node) };
    }
    return visit(type, namespace, depth + 1);
  };

  return visit(json, "", 0);
}

const ID_KEYS = { elementId: "element-id", keyId: "key-id", valueId: "value-id" } as const;

function id<K extends keyof typeof ID_KEYS>(node: Record<string, unknown>, key: K): { [P in K]?: number } {
  const value = node[ID_KEYS[key]];
  return (typeof value === "number" ? { [key]: value } : {}) as { [P in K]?: number };
}

function logical(node: Record<string, unknown>): { logicalType?: string } {
  return typeof node.logicalType === "string" ? { logicalType: node.logicalType } : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
