import type { ObjectStore } from "../../../storage/index.js";
import type { Catalog } from "../../model/catalog.js";
import { TokenSource } from "../http/oauth.js";
import { Transport } from "../http/transport.js";
import { readRefusal, toError } from "./errors.js";
import { RestCatalog } from "./rest-catalog.js";
import { Session } from "./session.js";
import { Stores } from "./store.js";

export interface RestCatalogOptions {
  /** Base of the catalog's API, without `/v1`. With our server and Nessie `<uri>/iceberg/<branch>` is on a branch. */
  readonly uri: string;
  /** Which of the server's warehouses, by its name or location. */
  readonly warehouse?: string;
  /** Part of all paths after `/v1/`, percent-encoded. What the server says where not given. */
  readonly prefix?: string;
  /** Bearer token. */
  readonly token?: string;
  /** OAuth2 client credentials, `id:secret`: tokens are asked for and renewed with them. */
  readonly credential?: string;
  /** Token endpoint. `<uri>/v1/oauth/tokens` where not given. */
  readonly oauth2ServerUri?: string;
  /** OAuth2 scope. `catalog` where not given. */
  readonly scope?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the tables' files are. Opened as the server says where not given. */
  readonly store?: ObjectStore;
  /** Tries of one request that may be tried again. 5 where not given. */
  readonly maxAttempts?: number;
  /** For one try, in milliseconds. 60 s where not given. */
  readonly timeoutMs?: number;
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
  const uri = withoutSlash(options.uri);
  const transport = transportTo(uri, options, {});
  const answer = await transport.send({
    method: "GET",
    path: "v1/config",
    query: options.warehouse === undefined ? {} : { warehouse: options.warehouse },
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
      transport: told.uri === undefined ? transport : transportTo(withoutSlash(told.uri), options, told),
      base: prefix === undefined || prefix === "" ? "v1" : `v1/${prefix}`,
      endpoints: endpoints === undefined ? undefined : new Set(endpoints),
      hasIdempotencyKeys: config.optional("idempotency-key-lifetime") !== undefined,
      namespaceSeparator: separator === undefined ? "\u001f" : decodeURIComponent(separator),
      stores: new Stores(options.store, told),
    }),
  );
}

function transportTo(
  uri: string,
  {
    token,
    credential,
    oauth2ServerUri,
    scope = "catalog",
    headers = {},
    maxAttempts = 5,
    timeoutMs = 60_000,
  }: RestCatalogOptions,
  told: Readonly<Record<string, string>>,
): Transport {
  const tokenUri = oauth2ServerUri ?? told["oauth2-server-uri"] ?? `${uri}/v1/oauth/tokens`;
  const source = credential === undefined ? undefined : new TokenSource({ credential, tokenUri, scope });
  return new Transport({
    uri,
    token: token ?? source,
    headers,
    maxAttempts,
    timeoutMs,
    toError: (status, text, { kind, subject }) => toError(readRefusal(status, text), kind, subject),
  });
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, "");
}
