import { badRequest, Fault } from "../http/fault.js";
import { bodyOf, NO_CONTENT, type Operation } from "./operation.js";
import { targetOf } from "./target.js";

const REPORTS: ReadonlySet<string> = new Set(["scan-report", "commit-report"]);

export const metricsOperations: readonly Operation[] = [
  {
    // Engines send these after scans and commits; they are checked and not kept.
    endpoint: "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
    async run(call) {
      const type = bodyOf(call).get("report-type").string();
      if (!REPORTS.has(type)) throw badRequest(`There is no report of type ${JSON.stringify(type)}.`);
      const { catalog, identifier } = await targetOf(call, "table");
      if (await catalog.tableExists(identifier)) return NO_CONTENT;
      throw new Fault(404, "NoSuchTableException", `There is no table ${identifier.name}.`);
    },
  },
];
