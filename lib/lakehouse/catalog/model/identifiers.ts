import { invalidArgument, type LakehouseError } from "../../errors.js";
import { describeValue, type TableIdentifier } from "../../iceberg/index.js";
import type { NamespaceName, TableName } from "./catalog.js";
import { type ContentKey, encodeKey } from "./content.js";

/** A table's key. Throws `INVALID_ARGUMENT` for a name that is empty, too long or holds control characters. */
export function tableKey(table: TableName): ContentKey {
  if (typeof table !== "string" && (!isLevels(table?.namespace) || typeof table.name !== "string")) {
    throw noName(
      "A table",
      'Give it as "flights.bronze" or { namespace: ["flights"], name: "bronze" }.',
      table,
    );
  }
  const key = typeof table === "string" ? table.split(".") : [...table.namespace, table.name];
  encodeKey(key);
  return key;
}

/** The namespace of a table, by its levels. */
export function namespaceOf(table: TableName): readonly string[] {
  return tableKey(table).slice(0, -1);
}

/** A namespace's key: `[]` for the top. */
export function namespaceKey(namespace: NamespaceName): ContentKey {
  if (typeof namespace !== "string" && !isLevels(namespace)) {
    throw noName("A namespace", 'Give it as "flights.raw" or ["flights", "raw"].', namespace);
  }
  const key = typeof namespace === "string" ? (namespace === "" ? [] : namespace.split(".")) : namespace;
  if (key.length > 0) encodeKey(key);
  return key;
}

function isLevels(levels: unknown): boolean {
  return Array.isArray(levels) && levels.every((level) => typeof level === "string");
}

/** Types do not hold in plain JavaScript. */
function noName(what: string, remedy: string, given: unknown): LakehouseError {
  return invalidArgument(String(given), `${what} cannot be called ${describeValue(given)}.`, remedy);
}

/** A namespace that can be made, changed or dropped: not the top. */
export function ownNamespaceKey(namespace: NamespaceName): ContentKey {
  const key = namespaceKey(namespace);
  if (key.length > 0) return key;
  throw invalidArgument(
    "",
    "A namespace needs a name.",
    'Give its levels, as "flights" or ["flights", "raw"].',
  );
}

export function toIdentifier(key: ContentKey): TableIdentifier {
  return { namespace: key.slice(0, -1), name: key[key.length - 1] as string };
}

/**
 * The folder of a new table: `<warehouse>/<namespace>/<table>-<unique>`. What engines read in their own way in
 * a URI becomes `_`, and no element can lead out of the warehouse; the unique part keeps such names apart.
 */
export function tableLocation(warehouse: string, key: ContentKey, unique: string): string {
  const elements = key.map((element) => element.replaceAll(/[^A-Za-z0-9_.-]/g, "_").replace(/^\.+/, "_"));
  return `${warehouse}/${elements.join("/")}-${unique}`;
}
