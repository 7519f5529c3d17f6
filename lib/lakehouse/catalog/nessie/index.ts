/**
 * Nessie's API, version 2: a server of it for any branching catalog, and a client for any server of it.
 */
export { type NessieCatalogOptions, openNessieCatalog } from "./client/open.js";
export { isNessieRequest, type NessieApiOptions, registerNessieApi, sendNessieFault } from "./server/api.js";
