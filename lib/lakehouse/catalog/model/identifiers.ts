import { invalidArgument } from "../../errors.js";
import type { TableIdentifier } from "../../iceberg/index.js";
import type { NamespaceName, TableName } from "./catalog.js";
import { type ContentKey, encodeKey } from "./content.js";

/** A table's key. Throws `INVALID_ARGUMENT` for a name that is empty, too long or holds control characters. */
export function tableKey(table: TableName): ContentKey {
  const key = typeof table === "string" ? table.split(".") : [...table.namespace, table.name];
  encodeKey(key);
  return key;
}

/** A namespace's key: `[]` for the top. */
export function namespaceKey(namespace: NamespaceName): ContentKey {
  const key = typeof namespace === "string" ? (namespace === "" ? [] : namespace.split(".")) : namespace;
  if (key.length > 0) encodeKey(key);
  return key;
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
