import { BEGINNING, openNessieCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { type BranchingFixture, branchingConformance } from "../support/branching-conformance.js";
import { catalogConformance } from "../support/catalog-conformance.js";
import { evolutionConformance } from "../support/evolution-conformance.js";
import { serve } from "../support/served.js";
import { viewConformance } from "../support/view-conformance.js";

async function overNessie(): Promise<BranchingFixture> {
  const { server, store, stop } = await serve();
  return {
    open: () => openNessieCatalog({ uri: `${server.uri}/api/v2`, store, author: "ada" }),
    dispose: stop,
  };
}

async function onBranch(): Promise<BranchingFixture> {
  const { server, store, catalog, stop } = await serve();
  await catalog.versions.createReference("BRANCH", "etl/daily", BEGINNING);
  return {
    open: () => openNessieCatalog({ uri: `${server.uri}/api/v2`, store, ref: "etl/daily" }),
    dispose: stop,
  };
}

for (const conformance of [catalogConformance, evolutionConformance, viewConformance]) {
  conformance("Nessie", overNessie);
  conformance("Nessie, on a branch,", onBranch);
}
branchingConformance("Nessie", overNessie);
