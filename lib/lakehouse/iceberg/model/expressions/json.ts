import { invalidExpression } from "../../errors.js";
import { type Json, type JsonInput, JsonNode, type JsonOrigin, readJson } from "../json.js";
import { locateById, locateByName } from "../schema/lookup.js";
import {
  canTransform,
  parseTransform,
  transformResultType,
  transformToString,
} from "../transforms/transform.js";
import type { Transform } from "../transforms/types.js";
import { isPrimitiveType } from "../types/type-text.js";
import type { PrimitiveType, Schema } from "../types/types.js";
import { bytesToHex, hexToBytes, isHex } from "../values/bytes.js";
import { canonicalValue } from "../values/canonical.js";
import { toJsonValue } from "../values/json-value.js";
import { and, not, or } from "./builders.js";
import { COMPARISONS, isOperation, OPERATIONS } from "./operations.js";
import type {
  ComparisonOperation,
  Expression,
  LiteralInput,
  SetOperation,
  Term,
  UnaryOperation,
} from "./types.js";

/** Types whose numbers are micro- or nanoseconds, which programs write as a bigint. */
const TIMES: ReadonlySet<string> = new Set([
  "time",
  "timestamp",
  "timestamptz",
  "timestamp_ns",
  "timestamptz_ns",
]);

/**
 * The expression as the REST catalog's `Predicate` (expressions spec, "JSON serialization"): for `stringifyJson`, which
 * keeps 64-bit integers whole. Predicates are written in the `term` and `value` form, which readers of every version
 * understand.
 *
 * @param schema gives values the form of their column's type: dates and times as text, bytes in hex. Without it values
 *   are written as they stand.
 * @throws LakehouseError INVALID_EXPRESSION for an infinite number or NaN.
 */
export function expressionToJson(expression: Expression, schema?: Pick<Schema, "fields">): JsonInput {
  switch (expression.type) {
    case "true":
      return true;
    case "false":
      return false;
    case "and":
    case "or": {
      const { type, left, right } = expression;
      return { type, left: expressionToJson(left, schema), right: expressionToJson(right, schema) };
    }
    case "not":
      return { type: "not", child: expressionToJson(expression.child, schema) };
    default:
  }
  const head = { type: expression.type, term: termToJson(expression.term) };
  const type = typeOfTerm(expression.term, schema);
  if ("values" in expression) {
    return { ...head, values: expression.values.map((value) => literalToJson(value, type)) };
  }
  return "value" in expression ? { ...head, value: literalToJson(expression.value, type) } : head;
}

function termToJson(term: Term): JsonInput {
  if (typeof term === "string") return term;
  return { type: "transform", transform: transformToString(term.transform), term: term.source };
}

/** The type of a term's values; `undefined` where the schema does not tell. */
function typeOfTerm(term: Term, schema: Pick<Schema, "fields"> | undefined): PrimitiveType | undefined {
  const name = typeof term === "string" ? term : term.source;
  const type = schema && locateByName(schema, name)?.field.type;
  if (type === undefined || !isPrimitiveType(type)) return undefined;
  if (typeof term === "string") return type;
  return canTransform(term.transform, type) ? transformResultType(term.transform, type) : undefined;
}

function literalToJson(value: LiteralInput, type: PrimitiveType | undefined): JsonInput {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw invalidExpression(
      String(value),
      `JSON has no number ${value}, so a filter with it cannot be sent.`,
      "Use is-nan or not-nan for NaN.",
    );
  }
  const canonical = type && canonicalValue(type, value);
  if (type !== undefined && canonical !== undefined) return toJsonValue(type, canonical);
  if (value instanceof Date) return value.toISOString();
  return value instanceof Uint8Array ? bytesToHex(value) : value;
}

/**
 * Reads a `Predicate` of the REST catalog: in the form of the expressions spec or in the older one with `term`.
 *
 * @param json text, or what `parseJson` made of it.
 * @param schema tells hex from text and micros from a number; and columns may be named by field id then.
 * @throws LakehouseError INVALID_EXPRESSION naming the place in the document.
 */
export function expressionFromJson(json: string | Json, schema?: Pick<Schema, "fields">): Expression {
  const origin: JsonOrigin = { subject: "the filter", kind: invalidExpression };
  // JSON text never starts with the name of an operation, so a string is always a document.
  const root = typeof json === "string" ? readJson(json, origin) : new JsonNode(json, origin);
  return readExpression(root, schema);
}

function readExpression(node: JsonNode, columns: Pick<Schema, "fields"> | undefined): Expression {
  if (typeof node.value === "boolean") return { type: node.value ? "true" : "false" };
  const type = node.get("type").string().toLowerCase();
  switch (type) {
    case "true":
    case "false":
      return { type };
    case "literal":
      return { type: node.get("value").boolean() ? "true" : "false" };
    case "and":
      return and(readExpression(node.get("left"), columns), readExpression(node.get("right"), columns));
    case "or":
      return or(readExpression(node.get("left"), columns), readExpression(node.get("right"), columns));
    case "not":
      return not(readExpression(node.get("child"), columns));
    default:
      return readPredicate(node, type, columns);
  }
}

function readPredicate(
  node: JsonNode,
  type: string,
  columns: Pick<Schema, "fields"> | undefined,
): Expression {
  if (!isOperation(type)) return node.get("type").fail(`is no operation: ${JSON.stringify(type)}`);
  const { form } = OPERATIONS[type];
  switch (form) {
    case "unary":
      return { type: type as UnaryOperation, term: readTerm(operand(node), columns) };
    case "comparison":
      return readComparison(node, type as ComparisonOperation, columns);
    case "set": {
      const term = readTerm(operand(node), columns);
      const listed = node.get("values");
      const values = (Array.isArray(listed.value) ? listed : listed.get("values")).array();
      const valueType = typeOfTerm(term, columns);
      return { type: type as SetOperation, term, values: values.map((each) => readLiteral(each, valueType)) };
    }
  }
}

function operand(node: JsonNode): JsonNode {
  return node.optional("child") ?? node.get("term");
}

function readComparison(
  node: JsonNode,
  type: ComparisonOperation,
  columns: Pick<Schema, "fields"> | undefined,
): Expression {
  const comparison = (operation: ComparisonOperation, term: JsonNode, value: JsonNode): Expression => {
    const read = readTerm(term, columns);
    return { type: operation, term: read, value: readLiteral(value, typeOfTerm(read, columns)) };
  };
  const term = node.optional("term");
  if (term !== undefined) return comparison(type, term, node.get("value"));
  const left = node.get("left");
  const right = node.get("right");
  if (!isLiteral(left)) return comparison(type, left, right);
  return comparison(COMPARISONS[type].mirrored ?? left.fail("should be a column"), right, left);
}

/** A bare string as an operand of `left` and `right` is a literal: references are objects there. */
function isLiteral({ value }: JsonNode): boolean {
  return typeof value !== "object" || value === null || Array.isArray(value) || value.type === "literal";
}

function readTerm(node: JsonNode, columns: Pick<Schema, "fields"> | undefined): Term {
  if (typeof node.value === "string") return node.value;
  const type = node.get("type").string();
  switch (type) {
    case "reference":
      return readReference(node, columns);
    case "transform":
      return transformed(node, node.get("transform").string(), readTerm(node.get("term"), columns));
    case "apply":
      return readApply(node, columns);
    default:
      return node.get("type").fail(`is no column: ${JSON.stringify(type)}`);
  }
}

function readReference(node: JsonNode, columns: Pick<Schema, "fields"> | undefined): string {
  const id = node.optional("id");
  if (id === undefined) return (node.optional("name") ?? node.get("term")).string();
  if (columns === undefined) return id.fail("is a field id, and columns are named here");
  return locateById(columns, id.int())?.name ?? id.fail(`is no column of the table: ${id.int()}`);
}

/** Partition transforms as functions (expressions spec, "Iceberg functions"): `day(x)`, `bucket(16, x)`. */
function readApply(node: JsonNode, columns: Pick<Schema, "fields"> | undefined): Term {
  const name = functionName(node.get("function"));
  const given = node.get("arguments").array();
  const source = given.at(-1) ?? node.get("arguments").fail("should not be empty");
  const parameters = given.slice(0, -1).map((each) => Number(readLiteral(each)));
  const text = parameters.length === 0 ? name : `${name}[${parameters.join(",")}]`;
  return transformed(node, text, readTerm(source, columns));
}

function functionName(node: JsonNode): string {
  if (typeof node.value === "string") return node.value;
  const parts = (Array.isArray(node.value) ? node : node.get("identifier")).array();
  const catalog = Array.isArray(node.value) ? undefined : node.optional("catalog")?.string();
  const [name, ...more] = parts.map((part) => part.string());
  if (name === undefined || more.length > 0 || (catalog ?? "iceberg_functions") !== "iceberg_functions") {
    return node.fail("is no partition transform");
  }
  return name;
}

function transformed(node: JsonNode, name: string, source: Term): Term {
  if (typeof source !== "string") return node.fail("transforms a transformed value");
  const transform: Transform = parseTransform(name);
  if (transform.transform === "unknown") return node.fail(`has an unknown transform: ${name}`);
  return transform.transform === "identity" ? source : { transform, source };
}

function readLiteral(node: JsonNode, type?: PrimitiveType): LiteralInput {
  const { value } = node;
  if (typeof value === "object" && value !== null && !Array.isArray(value) && value.type === "literal") {
    return readLiteral(node.get("value"), type);
  }
  switch (typeof value) {
    case "string":
      return (type?.type === "binary" || type?.type === "fixed") && isHex(value) ? hexToBytes(value) : value;
    case "number":
      return Number.isSafeInteger(value) && type !== undefined && TIMES.has(type.type)
        ? BigInt(value)
        : value;
    case "boolean":
    case "bigint":
      return value;
    default:
      return node.fail("should be a value");
  }
}
