import type { ObjectStore } from "../../../storage/index.js";
import type { Catalog } from "../../model/catalog.js";
import { type ConnectionOptions, transportTo } from "../http/connection.js";
import type { Transport } from "../http/transport.js";
import { readRefusal, toError } from "./errors.js";
import { RestCatalog } from "./rest-catalog.js";
import { type RestRequest, Session } from "./session.js";
import { Stores } from "./store.js";

export interface RestCatalogOptions extends ConnectionOptions {
  /** Base of the catalog's API, without `/v1`. With our server and Nessie `<uri>/iceberg/<branch>` is on a branch. */
  readonly uri: string;
  /** Which of the server's warehouses, by its name or location. */
  readonly warehouse?: string | undefined;
  /** Part of all paths after `/v1/`, percent-encoded. What the server says where not given. */
  readonly prefix?: string | undefined;
  /** Where the tables' files are. Opened as the server says where not given. */
  readonly store?: ObjectStore | undefined;
}

/**
 * Opens a catalog that is served over the Iceberg REST protocol: ours, Polaris, Lakekeeper, Nessie and others.
 *
 * @throws LakehouseError CATALOG_UNAVAILABLE, NOT_AUTHORIZED, NO_SUCH_REF for a branch that is not there.
 * @example
 * const catalog = await openRestCatalog({ uri: "http://127.0.0.1:8181/iceberg/etl" });
 * const table = await catalog.loadTable("flights.bronze");
 */
export async function openRestCatalog(options: RestCatalogOptions): Promise<Catalog> {
  const { uri } = options;
  const transport = connect(uri, options, {});
  const answer = await transport.send({
    method: "GET",
    path: "v1/config",
    query: { warehouse: options.warehouse },
    kind: "namespace",
    subject: uri,
  });
  const config = answer.json();
  const defaults = config.optional("defaults")?.stringMap() ?? {};
  const overrides = config.optional("overrides")?.stringMap() ?? {};
  const told = { ...defaults, ...overrides };
  const prefix = overrides.prefix ?? options.prefix ?? defaults.prefix;
  const endpoints = config
    .optional("endpoints")
    ?.array()
    .map((endpoint) => endpoint.string());
  const separator = told["namespace-separator"];
  return new RestCatalog(
    new Session({
      transport: told.uri === undefined ? transport : connect(told.uri, options, told),
      base: prefix === undefined || prefix === "" ? "v1" : `v1/${prefix}`,
      endpoints: endpoints === undefined ? undefined : new Set(endpoints),
      hasIdempotencyKeys: config.optional("idempotency-key-lifetime") !== undefined,
      namespaceSeparator: separator === undefined ? "\u001f" : decodeURIComponent(separator),
      stores: new Stores(options.store, told),
    }),
  );
}

function connect(
  uri: string,
  options: RestCatalogOptions,
  told: Readonly<Record<string, string>>,
): Transport<RestRequest> {
  return transportTo(uri, options, {
    tokenUri: told["oauth2-server-uri"] ?? `${uri.replace(/\/+$/, "")}/v1/oauth/tokens`,
    toError: (status, text, { kind, subject }) => toError(readRefusal(status, text), kind, subject),
  });
}
