import { invalidArgument } from "../../../errors.js";
import type { ObjectStore } from "../../../storage/index.js";
import type { BranchingCatalog } from "../../model/branching-catalog.js";
import { BEGINNING } from "../../model/hash.js";
import { turns } from "../../model/turns.js";
import { MetadataCache } from "../../versioned/metadata-cache.js";
import { userName } from "../../versioned/user-name.js";
import { VersionedCatalog } from "../../versioned/versioned-catalog.js";
import { TokenSource } from "../http/oauth.js";
import { Transport } from "../http/transport.js";
import { NessieVersions, notOffered } from "./nessie-versions.js";
import { toError } from "./refusal.js";
import { Trees } from "./trees.js";

export interface NessieCatalogOptions {
  /** Base of Nessie's API v2: `http://127.0.0.1:19120/api/v2`. */
  readonly uri: string;
  /** Where the tables' files are: this client writes them itself, as Nessie's clients do. */
  readonly store: ObjectStore;
  /** URI below which new tables get their folders, within the store. The store's root where not given. */
  readonly warehouse?: string;
  /** What the first view is on. The server's default branch where not given. */
  readonly ref?: string;
  /** Author of the commits. The name of the user where not given. */
  readonly author?: string;
  /** Bearer token. */
  readonly token?: string;
  /** OAuth2 client credentials, `id:secret`; they need `oauth2ServerUri`. */
  readonly credential?: string;
  /** Token endpoint. */
  readonly oauth2ServerUri?: string;
  /** OAuth2 scope. `catalog` where not given. */
  readonly scope?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Tries of one request that may be tried again. 5 where not given. */
  readonly maxAttempts?: number;
  /** For one try, in milliseconds. 60 s where not given. */
  readonly timeoutMs?: number;
}

/**
 * Opens the catalog of a Nessie server: Nessie itself, or ours. It is the embedded one's equal, on the server's
 * history: tables, views and namespaces, branches, tags, merges and the log.
 *
 * @throws LakehouseError CATALOG_UNAVAILABLE, NOT_AUTHORIZED, UNSUPPORTED_FEATURE for a server without API v2.
 * @example
 * const store = new LocalStore(".lake/warehouse");
 * const catalog = await openNessieCatalog({ uri: "http://127.0.0.1:19120/api/v2", store });
 * await catalog.createBranch("etl");
 */
export async function openNessieCatalog(options: NessieCatalogOptions): Promise<BranchingCatalog> {
  const { store, warehouse = store.root, author = userName() } = options;
  const uri = options.uri.replace(/\/+$/, "");
  const transport = new Transport({
    uri,
    token: options.token ?? tokenSource(options),
    // Without it the server leaves the conflicts out of its refusals.
    headers: { "nessie-client-spec": "2", ...options.headers },
    maxAttempts: options.maxAttempts ?? 5,
    timeoutMs: options.timeoutMs ?? 60_000,
    toError,
  });
  const answer = await transport.send({ method: "GET", path: "config", kind: "commit", subject: uri });
  const config = answer.json();
  if (config.get("maxSupportedApiVersion").int() < 2) {
    throw notOffered(uri, `The server at ${uri} does not speak version 2 of Nessie's API.`);
  }
  const defaultBranch = config.optional("defaultBranch")?.string() ?? "main";
  const beginning = config.optional("noAncestorHash")?.string() ?? BEGINNING;
  const shared = {
    versions: new NessieVersions({ trees: new Trees(transport), author, beginning }),
    store,
    warehouse: warehouse.replace(/\/+$/, ""),
    defaultBranch,
    metadata: new MetadataCache(store),
    inTurn: turns(),
    // Nessie keeps the catalog, and whoever uses it goes to the same files.
    checkOwner: () => {},
    collectGarbage: async () => {
      throw notOffered(uri, "A Nessie server's garbage is collected by the tools that belong to it.");
    },
  };
  return new VersionedCatalog(shared, options.ref ?? defaultBranch);
}

function tokenSource({ uri, credential, oauth2ServerUri, scope = "catalog" }: NessieCatalogOptions) {
  if (credential === undefined) return undefined;
  if (oauth2ServerUri !== undefined) return new TokenSource({ credential, tokenUri: oauth2ServerUri, scope });
  throw invalidArgument(
    uri,
    "A credential is of no use without the token endpoint that takes it.",
    "Give oauth2ServerUri; of our own server it is <uri>/v1/oauth/tokens.",
  );
}
