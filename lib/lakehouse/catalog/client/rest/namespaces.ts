import type { JsonNode } from "../../../iceberg/index.js";
import { noSuchNamespace } from "../../errors.js";
import type {
  Namespace,
  NamespaceName,
  Properties,
  PropertiesUpdated,
  PropertyChanges,
} from "../../model/catalog.js";
import { namespaceKey, ownNamespaceKey } from "../../model/identifiers.js";
import type { Page, PageRequest } from "../../model/paging.js";
import { namespaceFromJson } from "../../wire/rest/names.js";
import type { Session } from "./session.js";

function about(levels: readonly string[]): { readonly kind: "namespace"; readonly subject: string } {
  return { kind: "namespace", subject: levels.join(".") };
}

function fromJson(answer: JsonNode): Namespace {
  return {
    levels: namespaceFromJson(answer.get("namespace")),
    properties: answer.optional("properties")?.stringMap() ?? {},
  };
}

export async function createNamespace(
  session: Session,
  name: NamespaceName,
  properties: Properties = {},
): Promise<Namespace> {
  const namespace = ownNamespaceKey(name);
  const body = { namespace, properties };
  return fromJson(
    (
      await session.change({ request: { method: "POST", body, ...about(namespace) }, path: "namespaces" })
    ).json(),
  );
}

function listing(session: Session, parent: NamespaceName) {
  const levels = namespaceKey(parent);
  return { ...about(levels), query: levels.length === 0 ? {} : { parent: session.joined(levels) } };
}

function namesOf(answer: JsonNode): string[][] {
  return answer.get("namespaces").array().map(namespaceFromJson);
}

export function listNamespaces(session: Session, parent: NamespaceName): Promise<string[][]> {
  return session.all(listing(session, parent), "namespaces", namesOf);
}

export function listNamespacesPage(
  session: Session,
  parent: NamespaceName,
  page: PageRequest,
): Promise<Page<string[]>> {
  return session.page(listing(session, parent), "namespaces", page, namesOf);
}

export async function loadNamespace(session: Session, name: NamespaceName): Promise<Namespace> {
  const levels = ownNamespaceKey(name);
  return fromJson(
    (await session.read({ method: "GET", ...about(levels) }, session.namespacePath(levels))).json(),
  );
}

export async function namespaceExists(session: Session, name: NamespaceName): Promise<boolean> {
  const levels = namespaceKey(name);
  if (levels.length === 0) return true;
  const method = session.has("HEAD /v1/{prefix}/namespaces/{namespace}") ? "HEAD" : "GET";
  try {
    await session.read({ method, ...about(levels) }, session.namespacePath(levels));
    return true;
  } catch (error) {
    if (noSuchNamespace.is(error)) return false;
    throw error;
  }
}

export async function updateNamespace(
  session: Session,
  name: NamespaceName,
  { set = {}, remove = [] }: PropertyChanges,
): Promise<PropertiesUpdated> {
  const levels = ownNamespaceKey(name);
  const request = { method: "POST", body: { updates: set, removals: remove }, ...about(levels) } as const;
  const answer = (
    await session.change({ request, path: `${session.namespacePath(levels)}/properties` })
  ).json();
  const keys = (member: string) =>
    answer
      .optional(member)
      ?.array()
      .map((key) => key.string()) ?? [];
  return { updated: keys("updated"), removed: keys("removed"), missing: keys("missing") };
}

export async function dropNamespace(session: Session, name: NamespaceName): Promise<void> {
  const levels = ownNamespaceKey(name);
  await session.change({
    request: { method: "DELETE", ...about(levels) },
    path: session.namespacePath(levels),
  });
}
