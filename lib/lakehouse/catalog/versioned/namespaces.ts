import { randomUUID } from "node:crypto";
import { invalidArgument } from "../../errors.js";
import { namespaceNotEmpty } from "../errors.js";
import type {
  Namespace,
  NamespaceName,
  Properties,
  PropertiesUpdated,
  PropertyChanges,
} from "../model/catalog.js";
import { ConflictError } from "../model/conflicts.js";
import { type Content, type ContentKey, keyName, type NamespaceContent } from "../model/content.js";
import { namespaceKey, ownNamespaceKey } from "../model/identifiers.js";
import type { Page, PageRequest } from "../model/paging.js";
import { toPage } from "../model/paging.js";
import { checkPropertySize } from "../model/property-limits.js";
import type { Checkout } from "./checkout.js";

export async function createNamespace(
  checkout: Checkout,
  name: NamespaceName,
  properties: Properties = {},
): Promise<Namespace> {
  const key = ownNamespaceKey(name);
  checkPropertySize("namespace", keyName(key), properties);
  const content: NamespaceContent = { type: "NAMESPACE", id: randomUUID(), properties: { ...properties } };
  const create = async (): Promise<void> => {
    try {
      const message = `Create namespace ${keyName(key)}`;
      await checkout.commit([{ type: "PUT", key, content, expected: null }], { message });
    } catch (error) {
      throw await explained(checkout, key, error);
    }
  };
  await checkout.once(create, async () => {});
  return { levels: key, properties: content.properties };
}

export async function listNamespaces(
  checkout: Checkout,
  parent: NamespaceName,
  page: PageRequest,
): Promise<Page<readonly string[]>> {
  const key = namespaceKey(parent);
  const head = await checkout.head();
  if (key.length > 0) await requireNamespace(checkout, key);
  const children = checkout.shared.versions.children(head, key, page.pageToken);
  const namespaces = (async function* () {
    for await (const child of children) if (child.content.type === "NAMESPACE") yield child.key;
  })();
  return toPage(namespaces, page, (levels) => levels[levels.length - 1] as string);
}

export async function loadNamespace(checkout: Checkout, name: NamespaceName): Promise<Namespace> {
  const key = ownNamespaceKey(name);
  return { levels: key, properties: (await requireNamespace(checkout, key)).properties };
}

export async function namespaceExists(checkout: Checkout, name: NamespaceName): Promise<boolean> {
  const key = namespaceKey(name);
  return key.length === 0 || (await checkout.content(key))?.type === "NAMESPACE";
}

export async function updateNamespace(
  checkout: Checkout,
  name: NamespaceName,
  { set = {}, remove = [] }: PropertyChanges,
): Promise<PropertiesUpdated> {
  const key = ownNamespaceKey(name);
  const both = remove.find((property) => Object.hasOwn(set, property));
  if (both !== undefined) {
    throw invalidArgument(
      both,
      `The property ${both} of ${keyName(key)} is to be set and removed at once.`,
      "Do one of the two.",
    );
  }
  const toUpdated = (current: Content | undefined): PropertiesUpdated => {
    const before = current?.type === "NAMESPACE" ? current.properties : {};
    const wasThere = (property: string): boolean => Object.hasOwn(before, property);
    return {
      updated: Object.keys(set),
      removed: remove.filter(wasThere),
      missing: remove.filter((property) => !wasThere(property)),
    };
  };
  const update = async (): Promise<PropertiesUpdated> => {
    const current = await requireNamespace(checkout, key);
    const properties: Record<string, string> = { ...current.properties, ...set };
    for (const property of remove) delete properties[property];
    if (Object.keys(set).length > 0) checkPropertySize("namespace", keyName(key), properties);
    const content = { ...current, properties };
    const message = `Update properties of namespace ${keyName(key)}`;
    await checkout.commit([{ type: "PUT", key, content, expected: current }], { message });
    return toUpdated(current);
  };
  return checkout.once(
    () => retried(update),
    async (made) => toUpdated(await checkout.contentBefore(made, key)),
  );
}

export async function dropNamespace(checkout: Checkout, name: NamespaceName): Promise<void> {
  const key = ownNamespaceKey(name);
  const drop = async (): Promise<void> => {
    const current = await requireNamespace(checkout, key);
    try {
      const message = `Drop namespace ${keyName(key)}`;
      await checkout.commit([{ type: "DELETE", key, expected: current }], { message });
    } catch (error) {
      throw await explained(checkout, key, error);
    }
  };
  await checkout.once(
    () => retried(drop),
    async () => {},
  );
}

/** Throws `NO_SUCH_NAMESPACE`. */
export async function requireNamespace(checkout: Checkout, key: ContentKey): Promise<NamespaceContent> {
  const head = await checkout.head();
  const content = await checkout.shared.versions.content(head, key);
  if (content?.type === "NAMESPACE") return content;
  throw await checkout.noSuchNamespace(key, head);
}

/** A refused commit in the words of those who work with namespaces and tables; other errors as they are. */
export async function explained(checkout: Checkout, key: ContentKey, error: unknown): Promise<unknown> {
  if (!(error instanceof ConflictError)) return error;
  for (const { type, key: at = key } of error.conflicts) {
    const head = await checkout.head();
    const content = await checkout.shared.versions.content(head, at);
    if (type === "KEY_EXISTS" && content !== undefined) return checkout.taken(at, content);
    if (type === "NAMESPACE_ABSENT" || type === "NOT_A_NAMESPACE") return checkout.noSuchNamespace(at, head);
    if (type === "NAMESPACE_NOT_EMPTY") {
      const held = await checkout.names(head, at, ["NAMESPACE", "ICEBERG_TABLE", "ICEBERG_VIEW"]);
      const some = held.slice(0, 3).join(", ");
      return namespaceNotEmpty(
        keyName(at),
        `The namespace ${keyName(at)} still holds ${some}${held.length > 3 ? ", …" : ""}.`,
        "Rename what shall stay into another namespace. Only an empty one can be dropped.",
        error,
      );
    }
  }
  return error;
}

const ATTEMPTS = 20;

/** Runs a read-and-commit again when the key that it read was changed meanwhile. */
export async function retried<T>(change: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await change();
    } catch (error) {
      const isStale =
        error instanceof ConflictError && error.conflicts.every(({ type }) => type.endsWith("_DIFFERS"));
      if (!isStale || attempt === ATTEMPTS) throw error;
    }
  }
}
