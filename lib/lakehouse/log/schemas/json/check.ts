import { invalid } from "../schema.js";
import { type JsonNode, type JsonSchema, resolved } from "./nodes.js";

const MAX_DEPTH = 200;
const TYPES = ["null", "boolean", "object", "array", "number", "integer", "string"];
/** Keywords whose value is a schema, a list of them, or schemas by name. */
const ONE = [
  "additionalProperties",
  "additionalItems",
  "not",
  "contains",
  "propertyNames",
  "if",
  "then",
  "else",
];
const LISTS = ["oneOf", "anyOf", "allOf", "prefixItems"];
const NAMED = ["properties", "patternProperties", "definitions", "$defs"];
const NUMBERS = ["maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"];
const COUNTS = ["maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"];

/**
 * Checks the keywords that compatibility and columns go by, and that every `$ref` leads somewhere.
 *
 * @throws LakehouseError INVALID_RECORD_SCHEMA
 */
export function checkJsonSchema(root: JsonNode): void {
  const visit = (schema: unknown, path: string, depth: number): void => {
    if (depth > MAX_DEPTH) throw invalid("JSON", "it nests too deeply");
    if (typeof schema === "boolean") return;
    if (typeof schema !== "object" || schema === null || Array.isArray(schema))
      throw invalid("JSON", `${path} is no schema`);
    const node = schema as Readonly<Record<string, unknown>>;
    const has = (keyword: string) => Object.hasOwn(node, keyword);
    const refuse = (keyword: string): never => {
      throw invalid("JSON", `${path}/${keyword} is ${JSON.stringify(node[keyword])}`);
    };
    if (has("type") && ![node.type].flat().every((type) => TYPES.includes(type as string))) refuse("type");
    if (has("required") && !isTexts(node.required)) refuse("required");
    if (has("enum") && !Array.isArray(node.enum)) refuse("enum");
    if (has("$ref") && typeof node.$ref !== "string") refuse("$ref");
    for (const keyword of COUNTS)
      if (has(keyword) && !(Number.isInteger(node[keyword]) && (node[keyword] as number) >= 0))
        refuse(keyword);
    // Draft 4 has true and false for the exclusive ones.
    for (const keyword of NUMBERS)
      if (has(keyword) && !["number", "boolean"].includes(typeof node[keyword])) refuse(keyword);
    for (const keyword of ONE) if (has(keyword)) visit(node[keyword], `${path}/${keyword}`, depth + 1);
    for (const keyword of LISTS) {
      if (!has(keyword)) continue;
      if (!Array.isArray(node[keyword])) refuse(keyword);
      for (const [i, each] of (node[keyword] as unknown[]).entries())
        visit(each, `${path}/${keyword}/${i}`, depth + 1);
    }
    if (has("items"))
      for (const [i, each] of [node.items].flat().entries()) visit(each, `${path}/items/${i}`, depth + 1);
    for (const keyword of NAMED) {
      if (!has(keyword)) continue;
      const named = node[keyword];
      if (typeof named !== "object" || named === null || Array.isArray(named)) refuse(keyword);
      for (const [name, each] of Object.entries(named as object))
        visit(each, `${path}/${keyword}/${name}`, depth + 1);
    }
    if (has("pattern") && !isPattern(node.pattern)) refuse("pattern");
    for (const pattern of Object.keys((node.patternProperties as object | undefined) ?? {}))
      if (!isPattern(pattern))
        throw invalid("JSON", `${path}/patternProperties has ${JSON.stringify(pattern)}`);
    if (has("$ref")) resolved({ ...root, schema: schema as JsonSchema });
  };
  visit(root.schema, "#", 0);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === "string" && new RegExp(value, "u") !== undefined;
  } catch {
    return false;
  }
}
