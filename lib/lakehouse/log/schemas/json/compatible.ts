/**
 * Which changes of a JSON Schema keep readers able to read, by the rules of Confluent's registry: a reader of the new
 * schema must take all that the old one allowed, an unknown property of an open object included.
 */
import { invalid } from "../schema.js";
import { type JsonNode, type JsonSchema, type JsonSchemaObject, resolved } from "./nodes.js";

type Kind =
  | "empty"
  | "false"
  | "enum"
  | "combined"
  | "not"
  | "object"
  | "array"
  | "string"
  | "number"
  | "boolean"
  | "null";

type Criterion = "oneOf" | "anyOf" | "allOf";

interface Shape {
  readonly kind: Kind;
  readonly node: JsonNode;
  readonly schema: JsonSchemaObject;
  readonly criterion?: Criterion;
  readonly branches?: readonly JsonNode[];
}

/** Pairs that are compared further out: a schema that contains itself is compared once. */
interface Open {
  readonly pairs: ReadonlyMap<unknown, ReadonlySet<unknown>>;
  /** Of combinations in combinations there are more pairs than anyone waits for. */
  readonly work: { left: number };
}

const MOST_PAIRS = 100_000;

/** @returns what a reader with `reader` could not read of what `writer` allows, each with its place. */
export function jsonRefusals(reader: JsonNode, writer: JsonNode): string[] {
  return compare(writer, reader, "#", { pairs: new Map(), work: { left: MOST_PAIRS } });
}

function compare(given: JsonNode, now: JsonNode, path: string, around: Open): string[] {
  const [from, to] = [resolved(given).schema, resolved(now).schema];
  const compared = around.pairs.get(from);
  if (compared?.has(to)) return [];
  if (around.work.left-- <= 0)
    throw invalid("JSON", "there are too many combinations to compare it with the other");
  const open = { ...around, pairs: new Map(around.pairs).set(from, new Set(compared).add(to)) };
  const [original, update] = [shapeOf(given), shapeOf(now)];
  const throughBranch = compareWithBranch(original, update, path, open);
  if (throughBranch) return [];
  if (original.kind !== update.kind) {
    if (original.kind === "false" || update.kind === "empty") return [];
    return [`${path}: TYPE_CHANGED`];
  }
  return COMPARE[original.kind](original, update, path, open);
}

/** Whether one side is a combination of which one branch already does. */
function compareWithBranch(original: Shape, update: Shape, path: string, open: Open): boolean {
  const fits = (from: JsonNode, to: JsonNode) => compare(from, to, path, open).length === 0;
  if (original.branches === undefined && update.branches !== undefined) {
    const { branches, criterion } = update;
    if (branches.length > 1 && criterion === "allOf") return false;
    return branches.some((branch) => fits(original.node, branch));
  }
  if (original.branches !== undefined && update.branches === undefined) {
    const { branches, criterion } = original;
    if (branches.length > 1 && criterion !== "allOf") return false;
    return branches.some((branch) => fits(branch, update.node));
  }
  return false;
}

type Compare = (original: Shape, update: Shape, path: string, open: Open) => string[];

const nothing: Compare = () => [];

const COMPARE: Readonly<Record<Kind, Compare>> = {
  empty: nothing,
  false: nothing,
  boolean: nothing,
  null: nothing,
  enum: ({ schema: before }, { schema: after }, path) => {
    const texts = (schema: JsonSchemaObject) =>
      new Set(valuesOf(schema).map((value) => JSON.stringify(value)));
    const [old, now] = [texts(before), texts(after)];
    return [...old].every((value) => now.has(value)) ? [] : [`${path}/enum: ENUM_ARRAY_NARROWED`];
  },
  not: ({ node, schema: before }, { node: now, schema: after }, path, open) =>
    // What is excluded may only become less.
    compare(at(now, after.not as JsonSchema), at(node, before.not as JsonSchema), `${path}/not`, open)
      .length === 0
      ? []
      : [`${path}/not: NOT_TYPE_EXTENDED`],
  string: ({ schema: before }, { schema: after }, path) => [
    ...atMost(before, after, "maxLength", path),
    ...atLeast(before, after, "minLength", path),
    ...(after.pattern !== undefined && after.pattern !== before.pattern
      ? [`${path}/pattern: PATTERN_CHANGED`]
      : []),
  ],
  number: ({ schema: before }, { schema: after }, path) => [
    ...(isInteger(after) && !isInteger(before) ? [`${path}: TYPE_NARROWED`] : []),
    ...atMost(before, after, "maximum", path),
    ...atLeast(before, after, "minimum", path),
    ...atMost(before, after, "exclusiveMaximum", path),
    ...atLeast(before, after, "exclusiveMinimum", path),
    ...multiple(before, after, path),
  ],
  array: compareArrays,
  object: compareObjects,
  combined: compareCombined,
};

function compareCombined(original: Shape, update: Shape, path: string, open: Open): string[] {
  const [before, after] = [original.branches ?? [], update.branches ?? []];
  const isSingle = (branches: readonly unknown[]) => branches.length === 1;
  const isExtended =
    original.criterion === update.criterion ||
    update.criterion === "anyOf" ||
    (isSingle(before) && (isSingle(after) || update.criterion === "oneOf")) ||
    (isSingle(after) && original.criterion === "allOf");
  if (!isExtended) return [`${path}: COMBINED_TYPE_CHANGED`];
  const refusals: string[] = [];
  const criterion = update.criterion ?? "anyOf";
  if (criterion === "allOf" && before.length < after.length) refusals.push(`${path}: PRODUCT_TYPE_EXTENDED`);
  if (criterion !== "allOf" && before.length > after.length) refusals.push(`${path}: SUM_TYPE_NARROWED`);
  const fits = before.map((from) =>
    after.flatMap((to, i) => (compare(from, to, path, open).length === 0 ? [i] : [])),
  );
  if (matching(fits) < Math.min(before.length, after.length))
    refusals.push(`${path}/${criterion}: COMBINED_TYPE_SUBSCHEMAS_CHANGED`);
  return refusals;
}

/** How many on the left get one of the right that they fit, each of them another one (augmenting paths). */
function matching(fits: readonly (readonly number[])[]): number {
  const taken = new Map<number, number>();
  const give = (left: number, seen: Set<number>): boolean =>
    (fits[left] ?? []).some((right) => {
      if (seen.has(right)) return false;
      seen.add(right);
      const holder = taken.get(right);
      if (holder !== undefined && !give(holder, seen)) return false;
      taken.set(right, left);
      return true;
    });
  return fits.filter((_, left) => give(left, new Set())).length;
}

function compareObjects(original: Shape, update: Shape, path: string, open: Open): string[] {
  const [before, after] = [original.schema, update.schema];
  const refusals = [
    ...atMost(before, after, "maxProperties", path),
    ...atLeast(before, after, "minProperties", path),
    ...compareRest(original, update, "additionalProperties", `${path}/additionalProperties`, open),
  ];
  const [old, now] = [before.properties ?? {}, after.properties ?? {}];
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const place = `${path}/properties/${key}`;
    const [was, is] = [own(old, key), own(now, key)];
    const isRequired = after.required?.includes(key) ?? false;
    const hasDefault = is !== undefined && hasDefaultValue(at(update.node, is));
    if (is === undefined && was !== undefined) {
      const covering = restOf(update, key);
      if (covering === true) continue;
      const kind = shapeOf(at(original.node, was)).kind;
      if (covering === false) {
        if (kind !== "false") refusals.push(`${place}: PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL`);
      } else if (compare(at(original.node, was), covering, place, open).length > 0)
        refusals.push(`${place}: PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL`);
    } else if (was === undefined && is !== undefined) {
      const covering = restOf(original, key);
      if (covering === true) {
        if (shapeOf(at(update.node, is)).kind !== "empty")
          refusals.push(
            `${place}: ${isRequired ? "REQUIRED" : "OPTIONAL"}_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL`,
          );
        continue;
      }
      if (covering !== false && compare(covering, at(update.node, is), place, open).length > 0)
        refusals.push(`${place}: PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL`);
      if (isRequired && !hasDefault)
        refusals.push(`${place}: REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL`);
    } else if (was !== undefined && is !== undefined) {
      refusals.push(...compare(at(original.node, was), at(update.node, is), place, open));
      if (isRequired && !before.required?.includes(key) && !hasDefault)
        refusals.push(`${path}/required/${key}: REQUIRED_ATTRIBUTE_ADDED`);
    }
  }
  return refusals;
}

function compareArrays(original: Shape, update: Shape, path: string, open: Open): string[] {
  const [before, after] = [original.schema, update.schema];
  const refusals = [
    ...atMost(before, after, "maxItems", path),
    ...atLeast(before, after, "minItems", path),
    ...(after.uniqueItems === true && before.uniqueItems !== true
      ? [`${path}/uniqueItems: UNIQUE_ITEMS_ADDED`]
      : []),
  ];
  const all = (schema: JsonSchemaObject) =>
    schema.items === undefined || Array.isArray(schema.items) ? true : (schema.items as JsonSchema);
  refusals.push(
    ...compare(at(original.node, all(before)), at(update.node, all(after)), `${path}/items`, open),
    ...compareRest(original, update, "additionalItems", `${path}/additionalItems`, open),
  );
  const list = (schema: JsonSchemaObject) =>
    (Array.isArray(schema.items) ? schema.items : (schema.prefixItems ?? [])) as readonly JsonSchema[];
  const [old, now] = [list(before), list(after)];
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    const place = `${path}/items/${i}`;
    const rest = (shape: Shape) => (shape.schema.additionalItems as JsonSchema | undefined) ?? true;
    const from = at(original.node, old[i] ?? rest(original));
    const to = at(update.node, now[i] ?? rest(update));
    if (old[i] !== undefined && now[i] !== undefined) refusals.push(...compare(from, to, place, open));
    else if (old.length > 0 && compare(from, to, place, open).length > 0)
      refusals.push(`${place}: ${old[i] === undefined ? "ITEM_ADDED" : "ITEM_REMOVED"}`);
  }
  return refusals;
}

/** What is said of properties or items that have no schema of their own. */
function compareRest(
  original: Shape,
  update: Shape,
  keyword: "additionalProperties" | "additionalItems",
  path: string,
  open: Open,
): string[] {
  const [before, after] = [original.schema[keyword] ?? true, update.schema[keyword] ?? true] as [
    JsonSchema,
    JsonSchema,
  ];
  if (after === true || before === false) return [];
  const name = keyword === "additionalProperties" ? "ADDITIONAL_PROPERTIES" : "ADDITIONAL_ITEMS";
  if (after === false) return [`${path}: ${name}_REMOVED`];
  if (before === true) return [`${path}: ${name}_NARROWED`];
  return compare(at(original.node, before), at(update.node, after), path, open);
}

/** What a property that an object does not name may be: anything, nothing, or what a schema says. */
function restOf({ node, schema }: Shape, key: string): boolean | JsonNode {
  for (const [pattern, each] of Object.entries(schema.patternProperties ?? {}))
    if (new RegExp(pattern, "u").test(key)) return at(node, each);
  const { additionalProperties = true } = schema;
  if (typeof additionalProperties === "object") return at(node, additionalProperties);
  return additionalProperties;
}

function atMost(before: JsonSchemaObject, after: JsonSchemaObject, keyword: string, path: string): string[] {
  const [old, now] = [before[keyword], after[keyword]];
  const isLess = typeof now === "number" && !(typeof old === "number" && old <= now);
  return isLess || (now === true && old !== true) ? [`${path}/${keyword}: DECREASED`] : [];
}

function atLeast(before: JsonSchemaObject, after: JsonSchemaObject, keyword: string, path: string): string[] {
  const [old, now] = [before[keyword], after[keyword]];
  const isMore = typeof now === "number" && !(typeof old === "number" && old >= now);
  return isMore || (now === true && old !== true) ? [`${path}/${keyword}: INCREASED`] : [];
}

function multiple(before: JsonSchemaObject, after: JsonSchemaObject, path: string): string[] {
  const [old, now] = [before.multipleOf, after.multipleOf];
  if (typeof now !== "number" || old === now) return [];
  return typeof old === "number" && Number.isInteger(old / now)
    ? []
    : [`${path}/multipleOf: MULTIPLE_OF_CHANGED`];
}

const at = (node: JsonNode, schema: JsonSchema): JsonNode => ({ ...node, schema });

function own(members: Readonly<Record<string, JsonSchema>>, key: string): JsonSchema | undefined {
  return Object.hasOwn(members, key) ? members[key] : undefined;
}

function hasDefaultValue(node: JsonNode): boolean {
  const { schema } = node;
  return typeof schema === "object" && Object.hasOwn(schema, "default");
}

const isInteger = ({ type }: JsonSchemaObject) => type === "integer";

const valuesOf = (schema: JsonSchemaObject): readonly unknown[] =>
  Object.hasOwn(schema, "const") ? [schema.const] : (schema.enum ?? []);

/** Keywords that say nothing of what a value may be. */
const SILENT = new Set([
  ...["$schema", "$id", "id", "$anchor", "$comment", "title", "description", "default", "examples"],
  ...["definitions", "$defs", "readOnly", "writeOnly", "deprecated"],
]);

/** Keywords that tell the type where `type` does not. */
const TELLING: readonly (readonly [Kind, readonly string[]])[] = [
  [
    "object",
    ["properties", "required", "additionalProperties", "patternProperties", "maxProperties", "minProperties"],
  ],
  ["array", ["items", "prefixItems", "additionalItems", "maxItems", "minItems", "uniqueItems", "contains"]],
  ["string", ["maxLength", "minLength", "pattern", "format"]],
  ["number", ["maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"]],
];

const CRITERIA: readonly Criterion[] = ["oneOf", "anyOf", "allOf"];

function shapeOf(given: JsonNode): Shape {
  const node = resolved(given);
  if (typeof node.schema === "boolean") return { kind: node.schema ? "empty" : "false", node, schema: {} };
  const { schema } = node;
  const combined = (criterion: Criterion, branches: readonly JsonSchema[]): Shape => ({
    kind: "combined",
    node,
    schema,
    criterion,
    branches: branches.map((branch) => at(node, branch)),
  });
  const said = CRITERIA.filter((criterion) => schema[criterion] !== undefined);
  if (said.length > 0) {
    const rest = Object.fromEntries(
      Object.entries(schema).filter(([key]) => !SILENT.has(key) && !said.includes(key as Criterion)),
    );
    const [criterion] = said as [Criterion];
    if (said.length === 1 && Object.keys(rest).length === 0)
      return combined(criterion, schema[criterion] as readonly JsonSchema[]);
    return combined("allOf", [
      ...(Object.keys(rest).length > 0 ? [rest] : []),
      ...said.map((each) => ({ [each]: schema[each] })),
    ]);
  }
  if (Object.hasOwn(schema, "const") || schema.enum !== undefined) return { kind: "enum", node, schema };
  if (schema.not !== undefined) return { kind: "not", node, schema };
  const { type } = schema;
  if (Array.isArray(type) && type.length > 1)
    return combined(
      "anyOf",
      type.map((each: string) => (each === "null" ? { type: each } : { ...schema, type: each })),
    );
  const word = Array.isArray(type) ? type[0] : type;
  if (word !== undefined) return { kind: word === "integer" ? "number" : word, node, schema } as Shape;
  const told = TELLING.find(([, keywords]) => keywords.some((keyword) => Object.hasOwn(schema, keyword)));
  return { kind: told?.[0] ?? "empty", node, schema };
}
