import { openRestCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { type CatalogFixture, catalogConformance } from "../support/catalog-conformance.js";
import { evolutionConformance } from "../support/evolution-conformance.js";
import { serve } from "../support/served.js";
import { viewConformance } from "../support/view-conformance.js";

async function overRest(): Promise<CatalogFixture> {
  const { server, store, stop } = await serve();
  return { open: () => openRestCatalog({ uri: server.uri, store }), dispose: stop };
}

async function onBranch(): Promise<CatalogFixture> {
  const { server, store, catalog, stop } = await serve();
  await catalog.createBranch("etl/daily");
  return {
    open: () => openRestCatalog({ uri: `${server.uri}/iceberg/etl%2Fdaily`, store }),
    dispose: stop,
  };
}

for (const conformance of [catalogConformance, evolutionConformance, viewConformance]) {
  conformance("REST", overRest);
  conformance("REST, on a branch,", onBranch);
}
