import {
  readViewMetadata,
  schemaFromJson,
  viewMetadataToJson,
  viewRequirementFromJson,
  viewUpdateFromJson,
  viewVersionFromJson,
} from "../../../iceberg/index.js";
import type { LoadedView } from "../../model/view-catalog.js";
import { identifierToJson } from "../../wire/rest/names.js";
import { Fault } from "../http/fault.js";
import { checkLocation, checkProperties, checkUpdates } from "../http/locations.js";
import { type Answer, bodyOf, NO_CONTENT, type Operation } from "./operation.js";
import { nextToken, pageOf } from "./pages.js";
import { renaming } from "./tables.js";
import { namespaceOf, newTarget, targetOf } from "./target.js";

export const viewOperations: readonly Operation[] = [
  {
    endpoint: "GET /v1/{prefix}/namespaces/{namespace}/views",
    async run(call) {
      const page = await call.catalog.listViewsPage(namespaceOf(call), pageOf(call));
      const identifiers = page.items.map(identifierToJson);
      return { status: 200, body: { "next-page-token": nextToken(page), identifiers } };
    },
  },
  {
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/views",
    idempotent: true,
    async run(call) {
      const body = bodyOf(call);
      const name = body.get("name").string();
      const { catalog, identifier } = newTarget(call.catalog, { namespace: namespaceOf(call), name });
      const location = body.optional("location")?.string();
      const properties = body.optional("properties")?.stringMap() ?? {};
      if (location !== undefined) checkLocation(call.context, location);
      checkProperties(call.context, properties);
      // The catalog gives the ids of version and schema (REST spec, `CreateViewRequest`).
      const { representations, defaultNamespace, defaultCatalog, summary, timestampMs } = viewVersionFromJson(
        body.get("view-version"),
      );
      const created = await catalog.createView(identifier, {
        schema: schemaFromJson(body.get("schema")),
        representations,
        defaultNamespace,
        ...(defaultCatalog !== undefined && { defaultCatalog }),
        summary,
        timestampMs,
        location,
        properties,
      });
      return loadAnswer(created);
    },
  },
  {
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/register-view",
    idempotent: true,
    async run(call) {
      const body = bodyOf(call);
      const name = body.get("name").string();
      const metadataLocation = body.get("metadata-location").string();
      const { catalog, identifier } = newTarget(call.catalog, { namespace: namespaceOf(call), name });
      checkLocation(call.context, metadataLocation);
      const { location, properties } = await readViewMetadata(call.context.store, metadataLocation);
      checkLocation(call.context, location);
      checkProperties(call.context, properties);
      return loadAnswer(await catalog.registerView(identifier, metadataLocation));
    },
  },
  {
    endpoint: "GET /v1/{prefix}/namespaces/{namespace}/views/{view}",
    async run(call) {
      const { catalog, identifier } = await targetOf(call, "view");
      return loadAnswer(await catalog.loadView(identifier));
    },
  },
  {
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/views/{view}",
    idempotent: true,
    commits: true,
    async run(call) {
      const body = bodyOf(call);
      const requirements = body.optional("requirements")?.array().map(viewRequirementFromJson) ?? [];
      const updates = body.get("updates").array().map(viewUpdateFromJson);
      checkUpdates(call.context, updates);
      const { catalog, identifier } = await targetOf(call, "view");
      return loadAnswer(await catalog.commitView(identifier, { requirements, updates }));
    },
  },
  {
    endpoint: "HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}",
    async run(call) {
      const { catalog, identifier } = await targetOf(call, "view");
      if (await catalog.viewExists(identifier)) return NO_CONTENT;
      throw new Fault(404, "NoSuchViewException", `There is no view ${identifier.name}.`);
    },
  },
  {
    endpoint: "DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}",
    idempotent: true,
    async run(call) {
      const { catalog, identifier } = await targetOf(call, "view");
      await catalog.dropView(identifier);
      return NO_CONTENT;
    },
  },
  {
    endpoint: "POST /v1/{prefix}/views/rename",
    idempotent: true,
    async run(call) {
      const { catalog, from, to } = await renaming(call, "view");
      await catalog.renameView(from, to);
      return NO_CONTENT;
    },
  },
];

/** REST spec, `LoadViewResult`. */
function loadAnswer({ metadata, metadataLocation }: LoadedView): Answer {
  return {
    status: 200,
    body: { "metadata-location": metadataLocation, metadata: viewMetadataToJson(metadata), config: {} },
  };
}
