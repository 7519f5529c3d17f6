import { unsupported } from "../../errors.js";
import { type BranchingCatalog, isBranchingCatalog } from "../branching-catalog.js";
import type { Catalog } from "../catalog.js";

/** The catalog with its branches. Throws `UNSUPPORTED_FEATURE` where it has none. */
export function branchingOf(catalog: Catalog): BranchingCatalog {
  if (isBranchingCatalog(catalog)) return catalog;
  throw unsupported(
    "catalog",
    "This catalog has no branches.",
    "Open the embedded catalog or a Nessie server; over the Iceberg REST protocol a branch is a catalog of its own, at <uri>/iceberg/<branch>.",
  );
}
