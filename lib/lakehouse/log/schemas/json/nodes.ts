import { invalid } from "../schema.js";

/** What is looked at of a schema of an object. */
export interface JsonSchemaObject {
  readonly [keyword: string]: unknown;
  readonly $id?: string;
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
}

export type JsonSchema = boolean | JsonSchemaObject;

/** A schema within a document, and the documents that it may refer to. */
export interface JsonNode {
  readonly schema: JsonSchema;
  readonly document: JsonSchema;
  /** By the names under which they are referred to. */
  readonly others: ReadonlyMap<string, JsonSchema>;
}

const MOST_STEPS = 64;

/** What a schema stands for: `$ref`s are followed. @throws LakehouseError INVALID_RECORD_SCHEMA */
export function resolved(node: JsonNode): JsonNode {
  let at = node;
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    if (typeof at.schema !== "object" || typeof at.schema.$ref !== "string") return at;
    at = followed(at, at.schema.$ref);
  }
  throw invalid("JSON", "a $ref leads to itself");
}

function followed(node: JsonNode, ref: string): JsonNode {
  const hash = ref.indexOf("#");
  const uri = hash < 0 ? ref : ref.slice(0, hash);
  const fragment = hash < 0 ? "" : ref.slice(hash + 1);
  const document = uri === "" ? node.document : documentAt(node, uri);
  let schema: unknown = document;
  if (fragment !== "" && !fragment.startsWith("/")) {
    schema = anchored(document, fragment);
  } else {
    for (const part of fragment.split("/").slice(1)) {
      const key = unescaped(part).replaceAll("~1", "/").replaceAll("~0", "~");
      const isThere = typeof schema === "object" && schema !== null && Object.hasOwn(schema, key);
      schema = isThere ? (schema as Record<string, unknown>)[key] : undefined;
    }
  }
  if (typeof schema !== "boolean" && (typeof schema !== "object" || schema === null))
    throw invalid("JSON", `$ref ${JSON.stringify(ref)} leads nowhere`);
  return { ...node, document, schema: schema as JsonSchema };
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw invalid("JSON", `$ref has ${JSON.stringify(part)}`, cause);
  }
}

function documentAt({ document, others }: JsonNode, uri: string): JsonSchema {
  const id = typeof document === "object" ? document.$id : undefined;
  if (id === uri) return document;
  const found = others.get(uri) ?? [...others].find(([, other]) => idOf(other) === absolute(uri, id))?.[1];
  if (found !== undefined) return found;
  throw invalid("JSON", `$ref ${JSON.stringify(uri)} is not among its references`);
}

const idOf = (schema: JsonSchema) => (typeof schema === "object" ? schema.$id : undefined);

function absolute(uri: string, base: string | undefined): string {
  return base !== undefined && URL.canParse(uri, base) ? new URL(uri, base).href : uri;
}

/** The schema in a document with an `$anchor`, or an `$id` that is one. */
function anchored(schema: unknown, anchor: string): unknown {
  if (typeof schema !== "object" || schema === null) return undefined;
  const { $anchor, $id } = schema as Record<string, unknown>;
  if ($anchor === anchor || $id === `#${anchor}`) return schema;
  for (const member of Object.values(schema)) {
    const found = anchored(member, anchor);
    if (found !== undefined) return found;
  }
  return undefined;
}
