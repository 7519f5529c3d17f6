/**
 * SoloLakehouse: an Iceberg-first lakehouse that one person can run, read, explain and evolve. `openLakehouse()` is
 * the front door; the rooms behind it can be imported one by one (`sololakehouse/iceberg`, `sololakehouse/storage`).
 */
export { type ErrorCode, isLakehouseError, LakehouseError, type LakehouseErrorInit } from "./errors.js";
export type { PartHealth } from "./health.js";
export * from "./iceberg/index.js";
export {
  Lakehouse,
  type LakehouseCatalog,
  type LakehouseOptions,
  type NewTableOptions,
  type OnRef,
  openLakehouse,
  openLakehouseCatalog,
} from "./lakehouse.js";
export { type Profile, type ProfileName, type ProfileOptions, resolveProfile } from "./profile.js";
