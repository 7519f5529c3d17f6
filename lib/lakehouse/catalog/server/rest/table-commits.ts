import { commitRequestFromJson, type JsonNode } from "../../../iceberg/index.js";
import { identifierFromJson } from "../../wire/rest/names.js";
import { badRequest } from "../http/fault.js";
import { checkUpdates } from "../http/locations.js";
import { bodyOf, type Call, NO_CONTENT, type Operation } from "./operation.js";
import { etagOf, metadataToJson } from "./table-answers.js";
import { existingTarget, targetOf } from "./target.js";

export const tableCommitOperations: readonly Operation[] = [
  {
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    idempotent: true,
    commits: true,
    async run(call) {
      const request = checkedRequest(call, bodyOf(call));
      const { catalog, identifier } = await targetOf(call, "table");
      const { metadata, metadataLocation } = await catalog.committer(identifier).commit(request);
      return {
        status: 200,
        headers: { etag: etagOf(metadataLocation, "all") },
        body: { "metadata-location": metadataLocation, metadata: metadataToJson(metadata) },
      };
    },
  },
  {
    endpoint: "POST /v1/{prefix}/transactions/commit",
    idempotent: true,
    commits: true,
    async run(call) {
      const changes = bodyOf(call)
        .get("table-changes")
        .array()
        .map((change) => ({
          identifier: identifierFromJson(change.get("identifier")),
          ...checkedRequest(call, change),
        }));
      const targets = [];
      for (const { identifier, ...request } of changes) {
        targets.push({ ...(await existingTarget(call.catalog, identifier, "table")), ...request });
      }
      const catalog = targets[0]?.catalog;
      if (catalog === undefined) return NO_CONTENT;
      if (targets.some((target) => target.catalog.ref !== catalog.ref)) {
        throw badRequest("The tables of one transaction have to be on one branch.");
      }
      await catalog.commitTransaction(
        targets.map(({ identifier, requirements, updates }) => ({
          table: identifier,
          requirements,
          updates,
        })),
      );
      return NO_CONTENT;
    },
  },
];

function checkedRequest({ context }: Call, node: JsonNode): ReturnType<typeof commitRequestFromJson> {
  const request = commitRequestFromJson(node);
  checkUpdates(context, request.updates);
  return request;
}
