/**
 * The Iceberg REST catalog protocol: a server for the branching catalog, and a client for any server that speaks it.
 */
export { openRestCatalog, type RestCatalogOptions } from "./client/open.js";
export type { RestAuth } from "./server/auth.js";
export { type RestServer, type RestServerOptions, serveRestCatalog } from "./server/serve.js";
