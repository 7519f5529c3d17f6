import { branchingOf } from "../../catalog/index.js";
import type { MaintenanceContext } from "../maintenance.js";

/** The lakehouse as a command's `--ref` sees it. @throws LakehouseError UNSUPPORTED_FEATURE where the catalog has no branches. */
export function onRef(context: MaintenanceContext, ref: string | undefined): MaintenanceContext {
  return ref === undefined ? context : { ...context, catalog: branchingOf(context.catalog).on(ref) };
}
