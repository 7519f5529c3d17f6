import { invalidArgument } from "../../../errors.js";
import type { JsonInput, JsonNode } from "../json.js";
import { columnsRemedy, locateById, locateByName } from "../schema/lookup.js";
import { canTransform, parseTransform, sameTransform, transformToString } from "../transforms/transform.js";
import { typeToString } from "../types/type-text.js";
import type { Schema } from "../types/types.js";
import { sourceIdsFromJson, sourceIdsToJson } from "./spec.js";
import type {
  NullOrder,
  PartitionFieldInit,
  SortField,
  SortFieldInit,
  SortOrder,
  SortOrderId,
} from "./types.js";

/** Order id 0 is reserved for it. */
export const UNSORTED: SortOrder = { orderId: 0, fields: [] };

/** A column by name, or a transform of one: `asc("origin")`, `asc(day("date"))`. */
export type SortTerm<Name extends string = string> = Name | PartitionFieldInit<Name>;

function init<Name extends string>(
  term: SortTerm<Name>,
  direction: "asc" | "desc",
  nullOrder: NullOrder,
): SortFieldInit<Name> {
  const [source, transform] =
    typeof term === "string" ? [term, { transform: "identity" } as const] : [term.source, term.transform];
  return { kind: "sort-field", source, transform, direction, nullOrder };
}

/** Ascending; nulls first unless told otherwise. */
export const asc = <Name extends string>(term: SortTerm<Name>, nullOrder: NullOrder = "nulls-first") =>
  init(term, "asc", nullOrder);
/** Descending; nulls last unless told otherwise. */
export const desc = <Name extends string>(term: SortTerm<Name>, nullOrder: NullOrder = "nulls-last") =>
  init(term, "desc", nullOrder);

function invalid(subject: string, message: string, remedy?: string): never {
  throw invalidArgument(subject, message, remedy);
}

/** Binds sort fields to a schema. No fields: the unsorted order. Throws `INVALID_ARGUMENT`. */
export function buildSortOrder(
  schema: Schema,
  fields: readonly SortFieldInit[],
  orderId: SortOrderId = 1,
): SortOrder {
  if (fields.length === 0) return UNSORTED;
  const order: SortOrder = {
    orderId,
    fields: fields.map(({ source, transform, direction, nullOrder }): SortField => {
      const location = locateByName(schema, source);
      if (location === undefined)
        return invalid(source, `There is no column "${source}" to sort by.`, columnsRemedy(schema));
      return { sourceIds: [location.field.id], transform, direction, nullOrder };
    }),
  };
  validateSortOrder(order, schema);
  return order;
}

/** Checks that the order's sources exist and suit their transforms. Throws `INVALID_ARGUMENT`. */
export function validateSortOrder(order: SortOrder, schema: Schema): void {
  for (const field of order.fields) {
    for (const id of field.sourceIds) {
      const location = locateById(schema, id);
      if (location === undefined) invalid(String(id), `The sort column ${id} does not exist.`);
      if (!canTransform(field.transform, location.field.type)) {
        const type = typeToString(location.field.type);
        invalid(
          location.name,
          `Cannot sort "${location.name}" of type ${type} by ${transformToString(field.transform)}.`,
        );
      }
    }
  }
}

/** True for an order that this version can sort by: without unknown transforms, or such of several sources. */
export function isKnownOrder(order: SortOrder): boolean {
  return order.fields.every(
    ({ sourceIds, transform }) => sourceIds.length === 1 && transform.transform !== "unknown",
  );
}

/** True when orders sort alike; ids may differ. */
export function sameSortOrder(a: SortOrder, b: SortOrder): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => {
      const other = b.fields[i]!;
      return (
        sameTransform(field.transform, other.transform) &&
        field.direction === other.direction &&
        field.nullOrder === other.nullOrder &&
        field.sourceIds.length === other.sourceIds.length &&
        field.sourceIds.every((id, j) => id === other.sourceIds[j])
      );
    })
  );
}

/** JSON of a sort order (spec, Appendix C, "Sort Orders"). */
export function sortOrderToJson(order: SortOrder): { readonly [key: string]: JsonInput | undefined } {
  return {
    "order-id": order.orderId,
    fields: order.fields.map((field) => ({
      transform: transformToString(field.transform),
      ...sourceIdsToJson(field.sourceIds),
      direction: field.direction,
      "null-order": field.nullOrder,
    })),
  };
}

/** Reads a sort order. */
export function sortOrderFromJson(node: JsonNode): SortOrder {
  return {
    orderId: node.optional("order-id")?.int() ?? 0,
    fields: node.get("fields").array().map(sortFieldFromJson),
  };
}

function sortFieldFromJson(node: JsonNode): SortField {
  return {
    sourceIds: sourceIdsFromJson(node),
    transform: parseTransform(node.get("transform").string()),
    direction: oneOf(node.get("direction"), "asc", "desc"),
    nullOrder: oneOf(node.get("null-order"), "nulls-first", "nulls-last"),
  };
}

function oneOf<A extends string, B extends string>(node: JsonNode, a: A, b: B): A | B {
  const text = node.string().toLowerCase();
  return text === a ? a : text === b ? b : node.fail(`should be "${a}" or "${b}"`);
}
