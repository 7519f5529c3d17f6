import {
  type JsonNode,
  newViewMetadata,
  schemaToJson,
  type TableIdentifier,
  viewMetadataFromJson,
  viewRequirementToJson,
  viewUpdateToJson,
  viewVersionToJson,
} from "../../../iceberg/index.js";
import type { NamespaceName } from "../../model/catalog.js";
import type { Page, PageRequest } from "../../model/paging.js";
import type { CreateViewOptions, LoadedView, ViewCommitRequest } from "../../model/view-catalog.js";
import { identifierToJson } from "../../wire/rest/names.js";
import type { Session } from "./session.js";
import { about, identifiersOf, listing } from "./tables.js";

const VIEWS = "/v1/{prefix}/namespaces/{namespace}/views";

/** Reads a `LoadViewResult`. */
function loadedFromJson(answer: JsonNode): LoadedView {
  return {
    metadata: viewMetadataFromJson(answer.get("metadata")),
    metadataLocation: answer.get("metadata-location").string(),
  };
}

export async function createView(
  session: Session,
  view: TableIdentifier,
  options: CreateViewOptions,
): Promise<LoadedView> {
  session.require(`POST ${VIEWS}`, "views");
  const { schemas, versions } = newViewMetadata({
    ...options,
    location: options.location ?? "",
    properties: options.properties ?? {},
  });
  const body = {
    name: view.name,
    location: options.location,
    schema: schemas[0] && schemaToJson(schemas[0]),
    "view-version": versions[0] && viewVersionToJson(versions[0]),
    properties: { ...options.properties },
  };
  const request = { method: "POST", body, ...about(view, "view") } as const;
  const path = `${session.namespacePath(view.namespace)}/views`;
  return loadedFromJson((await session.change({ request, path })).json());
}

export async function loadView(session: Session, view: TableIdentifier): Promise<LoadedView> {
  const request = { method: "GET", ...about(view, "view") } as const;
  return loadedFromJson((await session.read(request, session.tablePath(view, "views"))).json());
}

export function listViews(session: Session, namespace: NamespaceName): Promise<TableIdentifier[]> {
  const { request, path } = listing(session, namespace, "views");
  return session.all(request, path, identifiersOf);
}

export function listViewsPage(
  session: Session,
  namespace: NamespaceName,
  page: PageRequest,
): Promise<Page<TableIdentifier>> {
  const { request, path } = listing(session, namespace, "views");
  return session.page(request, path, page, identifiersOf);
}

export async function dropView(session: Session, view: TableIdentifier): Promise<void> {
  const request = { method: "DELETE", ...about(view, "view") } as const;
  await session.change({ request, path: session.tablePath(view, "views") });
}

export async function registerView(
  session: Session,
  view: TableIdentifier,
  metadataLocation: string,
): Promise<LoadedView> {
  session.require("POST /v1/{prefix}/namespaces/{namespace}/register-view", "registering views");
  const body = { name: view.name, "metadata-location": metadataLocation };
  const request = { method: "POST", body, ...about(view, "view") } as const;
  const path = `${session.namespacePath(view.namespace)}/register-view`;
  return loadedFromJson((await session.change({ request, path })).json());
}

export async function commitView(
  session: Session,
  view: TableIdentifier,
  { requirements, updates, token }: ViewCommitRequest,
): Promise<LoadedView> {
  const body = {
    identifier: identifierToJson(view),
    requirements: requirements.map(viewRequirementToJson),
    updates: updates.map(viewUpdateToJson),
  };
  const request = { method: "POST", body, ...about(view, "view") } as const;
  return loadedFromJson(
    (await session.change({ request, path: session.tablePath(view, "views"), token })).json(),
  );
}
