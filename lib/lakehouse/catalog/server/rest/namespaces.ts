import { noSuchNamespace } from "../../errors.js";

import { namespaceFromJson, splitNamespace } from "../../wire/rest/names.js";
import { badRequest, Fault } from "../http/fault.js";
import { bodyOf, NO_CONTENT, type Operation } from "./operation.js";
import { nextToken, pageOf } from "./pages.js";
import { namespaceOf } from "./target.js";

export const namespaceOperations: readonly Operation[] = [
  {
    endpoint: "GET /v1/{prefix}/namespaces",
    async run(call) {
      const { parent = "" } = call.query;
      const page = await call.catalog.listNamespacesPage(
        pageOf(call),
        parent === "" ? undefined : splitNamespace(parent),
      );
      return { status: 200, body: { "next-page-token": nextToken(page), namespaces: page.items } };
    },
  },
  {
    endpoint: "POST /v1/{prefix}/namespaces",
    idempotent: true,
    async run(call) {
      const body = bodyOf(call);
      const levels = namespaceFromJson(body.get("namespace"));
      const namespace = await call.catalog
        .createNamespace(levels, body.optional("properties")?.stringMap())
        .catch((error: unknown) => {
          // The spec has no 404 here: the path exists, and what the body asks for makes no sense.
          if (!noSuchNamespace.is(error)) throw error;
          throw new Fault(400, "NoSuchNamespaceException", error.message);
        });
      return { status: 200, body: { namespace: namespace.levels, properties: namespace.properties } };
    },
  },
  {
    endpoint: "GET /v1/{prefix}/namespaces/{namespace}",
    async run(call) {
      const { levels, properties } = await call.catalog.loadNamespace(namespaceOf(call));
      return { status: 200, body: { namespace: levels, properties } };
    },
  },
  {
    endpoint: "HEAD /v1/{prefix}/namespaces/{namespace}",
    async run(call) {
      const namespace = namespaceOf(call);
      if (await call.catalog.namespaceExists(namespace)) return NO_CONTENT;
      throw new Fault(404, "NoSuchNamespaceException", `There is no namespace ${namespace.join(".")}.`);
    },
  },
  {
    endpoint: "DELETE /v1/{prefix}/namespaces/{namespace}",
    idempotent: true,
    async run(call) {
      await call.catalog.dropNamespace(namespaceOf(call));
      return NO_CONTENT;
    },
  },
  {
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/properties",
    idempotent: true,
    async run(call) {
      const body = bodyOf(call);
      const set = body.optional("updates")?.stringMap() ?? {};
      const removals = body.optional("removals")?.array() ?? [];
      const remove = removals.map((key) => key.string());
      if (new Set(remove).size < remove.length) throw badRequest("A key is among the removals twice.");
      const both = remove.find((key) => Object.hasOwn(set, key));
      if (both !== undefined) {
        const message = `The key ${both} is both to be set and to be removed.`;
        throw new Fault(422, "UnprocessableEntityException", message);
      }
      const changed = await call.catalog.updateNamespace(namespaceOf(call), { set, remove });
      return { status: 200, body: { ...changed } };
    },
  },
];
