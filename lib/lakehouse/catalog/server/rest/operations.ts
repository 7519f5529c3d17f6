import { KEY_LIFETIME } from "./idempotency.js";
import { metricsOperations } from "./metrics.js";
import { namespaceOperations } from "./namespaces.js";
import type { Operation } from "./operation.js";
import { scanOperations } from "./scans.js";
import { tableCommitOperations } from "./table-commits.js";
import { tableOperations } from "./tables.js";
import { checkWarehouse } from "./target.js";
import { viewOperations } from "./views.js";

const catalogOperations: readonly Operation[] = [
  ...namespaceOperations,
  ...tableOperations,
  ...tableCommitOperations,
  ...scanOperations,
  ...viewOperations,
  ...metricsOperations,
];

const configOperation: Operation = {
  endpoint: "GET /v1/config",
  async run({ context, catalog, query }) {
    checkWarehouse(context, query.warehouse ?? "");
    // A ref that is not there is refused here, before a client has set itself up.
    await catalog.hash();
    return {
      status: 200,
      body: {
        defaults: { ...context.clientConfig },
        // Clients put it into paths as it is.
        overrides: { prefix: encodeURIComponent(catalog.ref) },
        endpoints: catalogOperations.map(({ endpoint }) => endpoint),
        "idempotency-key-lifetime": KEY_LIFETIME,
      },
    };
  },
};

/** Everything that the server answers, but for the token endpoint. */
export const operations: readonly Operation[] = [configOperation, ...catalogOperations];
