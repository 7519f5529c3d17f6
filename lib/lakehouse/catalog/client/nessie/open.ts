import type { ObjectStore } from "../../../storage/index.js";
import type { BranchingCatalog } from "../../model/branching-catalog.js";
import { BEGINNING } from "../../model/hash.js";
import { turns } from "../../model/turns.js";
import { MetadataCache } from "../../versioned/metadata-cache.js";
import { userName } from "../../versioned/user-name.js";
import { VersionedCatalog } from "../../versioned/versioned-catalog.js";
import { type ConnectionOptions, transportTo } from "../http/connection.js";
import { NessieVersions, notOffered } from "./nessie-versions.js";
import { toError } from "./refusal.js";
import { Trees } from "./trees.js";

export interface NessieCatalogOptions extends ConnectionOptions {
  /** Base of Nessie's API v2: `http://127.0.0.1:19120/api/v2`. */
  readonly uri: string;
  /** Where the tables' files are: this client writes them itself, as Nessie's clients do. */
  readonly store: ObjectStore;
  /** URI below which new tables get their folders, within the store. The store's root where not given. */
  readonly warehouse?: string | undefined;
  /** The ref that it is opened on. The server's default branch where not given. */
  readonly ref?: string | undefined;
  /** Author of the commits. The name of the user where not given. */
  readonly author?: string | undefined;
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
  const transport = transportTo(uri, options, {
    // Without it the server leaves the conflicts out of its refusals.
    headers: { "nessie-client-spec": "2" },
    toError,
  });
  const answer = await transport.send({ method: "GET", path: "config", subject: uri });
  const config = answer.json();
  if (config.get("maxSupportedApiVersion").int() < 2) {
    throw notOffered(uri, `The server at ${uri} does not speak version 2 of Nessie's API.`);
  }
  const defaultBranch = config.optional("defaultBranch")?.string() ?? "main";
  const beginning = config.optional("noAncestorHash")?.string() ?? BEGINNING;
  const shared = {
    versions: new NessieVersions({ trees: new Trees(transport), author, beginning }),
    store,
    canRelocate: false,
    warehouse: warehouse.replace(/\/+$/, ""),
    defaultBranch,
    metadata: new MetadataCache({ store, canRelocate: false }),
    inTurn: turns(),
    // Nessie keeps the catalog, and whoever uses it goes to the same files.
    checkOwner: () => {},
    collectGarbage: async () => {
      throw notOffered(uri, "A Nessie server's garbage is collected by the tools that belong to it.");
    },
  };
  return new VersionedCatalog(shared, options.ref ?? defaultBranch);
}
