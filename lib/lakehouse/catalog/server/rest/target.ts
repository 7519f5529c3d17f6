import type { TableIdentifier } from "../../../iceberg/index.js";
import type { BranchingCatalog } from "../../model/branching-catalog.js";
import { parseReferenceExpression } from "../../model/reference-expression.js";
import { splitNamespace } from "../../wire/rest/names.js";
import type { ServerContext } from "../http/api.js";
import { Fault } from "../http/fault.js";
import { type Call, param } from "./operation.js";

/**
 * The catalog that a prefix means: `{ref}` or `{ref}|{warehouse}`, as Nessie writes it. An empty part is the
 * default. The ref may be any reference expression; one that is not the name of a branch is only read.
 *
 * @throws Fault 404 for a warehouse that is not this server's
 */
export function catalogOf(context: ServerContext, prefix: string): BranchingCatalog {
  const bar = prefix.indexOf("|");
  const ref = bar < 0 ? prefix : prefix.slice(0, bar);
  checkWarehouse(context, bar < 0 ? "" : prefix.slice(bar + 1));
  return ref === "" ? context.catalog : context.catalog.on(ref);
}

/** @throws Fault 404 for a warehouse that is not this server's; it has one, known by its name and its location. */
export function checkWarehouse({ warehouse, warehouseName }: ServerContext, asked: string): void {
  const location = asked.replace(/\/+$/, "");
  if (asked === "" || asked === warehouseName || location === warehouse) return;
  throw new Fault(
    404,
    "NoSuchWarehouseException",
    `There is no warehouse ${asked}; this is ${warehouseName}.`,
  );
}

export function namespaceOf(call: Call): string[] {
  return splitNamespace(param(call, "namespace"));
}

/** A table or view, and the catalog on the ref where it is. */
export interface Target {
  readonly catalog: BranchingCatalog;
  readonly identifier: TableIdentifier;
}

/** The one that the path names. */
export function targetOf(call: Call, kind: "table" | "view"): Promise<Target> {
  return existingTarget(call.catalog, { namespace: namespaceOf(call), name: param(call, kind) }, kind);
}

/**
 * Finds what exists under a name. `table@ref` is the table on another ref, as in Nessie's catalogs; where there is a
 * table whose own name is so, it is that one.
 */
export async function existingTarget(
  catalog: BranchingCatalog,
  identifier: TableIdentifier,
  kind: "table" | "view",
): Promise<Target> {
  if (!identifier.name.includes("@")) return { catalog, identifier };
  const isThere = kind === "table" ? catalog.tableExists(identifier) : catalog.viewExists(identifier);
  return (await isThere) ? { catalog, identifier } : newTarget(catalog, identifier);
}

/** Where a new table or view goes: in a new name `@` is always that of `table@ref`. */
export function newTarget(catalog: BranchingCatalog, identifier: TableIdentifier): Target {
  const { namespace, name } = identifier;
  const at = name.indexOf("@");
  const ref = name.slice(at + 1);
  if (at <= 0 || !isReferenceExpression(ref)) return { catalog, identifier };
  return { catalog: catalog.on(ref), identifier: { namespace, name: name.slice(0, at) } };
}

function isReferenceExpression(text: string): boolean {
  try {
    parseReferenceExpression(text);
    return true;
  } catch {
    return false;
  }
}
