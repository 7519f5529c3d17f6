import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { invalidConfig, unsupported } from "../errors.js";
import { type ObjectStore, openStore, type StoreOptions } from "../storage/index.js";
import { type ConnectionOptions, connectionFromEnv } from "./client/http/connection.js";
import { openNessieCatalog } from "./client/nessie/open.js";
import { openRestCatalog } from "./client/rest/open.js";
import { checkNotLost } from "./embedded/lost.js";
import { type EmbeddedOptions, noLakeAt, openEmbeddedCatalog } from "./embedded/open.js";
import type { BranchingCatalog } from "./model/branching-catalog.js";
import type { Catalog } from "./model/catalog.js";
import type { Backend } from "./store/backend.js";
import { EtcdBackend } from "./store/backends/etcd-backend.js";
import { ObjectStoreBackend } from "./store/backends/object-store-backend.js";
import { SqliteBackend } from "./store/backends/sqlite-backend.js";

export interface CatalogOptions extends EmbeddedOptions {
  /**
   * Where the catalog itself is kept: the path of a SQLite file (made where absent; ":memory:" for none), the URI of a
   * place (`etcd://host:2379,host:2379/prefix`, `s3://bucket/catalog`, `file:///…`), or a backend.
   */
  readonly backend: Backend | string;
}

export interface CatalogAtOptions {
  /** Where the tables' files are kept. A catalog over the Iceberg REST protocol says itself where they are. */
  readonly store: ObjectStore;
  /** How to reach the object store that keeps the catalog, where one does: by default what the environment says. */
  readonly storage?: StoreOptions | undefined;
  /** How to reach the server that keeps the catalog, where one does: by default what the environment says. */
  readonly connection?: ConnectionOptions | undefined;
  /** Whether a catalog is made where there is none. True where not given; a server has its own. */
  readonly create?: boolean | undefined;
}

/** A place that keeps a catalog, or a server that does. */
type Scheme =
  | { readonly backend: (uri: string, storage: StoreOptions | undefined) => Backend }
  | { readonly server: (uri: URL, store: ObjectStore, connection: ConnectionOptions) => Promise<Catalog> };

const inObjects: Scheme = {
  backend(uri, storage) {
    const store = openStore(uri, storage);
    return new ObjectStoreBackend(store, store.root);
  },
};

/** What the URI of a catalog may begin with: all that knows a scheme is here. */
const SCHEMES: Readonly<Record<string, Scheme>> = {
  sqlite: { backend: (uri) => new SqliteBackend(uri.slice("sqlite:".length)) },
  etcd: { backend: (uri) => new EtcdBackend(uri) },
  s3: inObjects,
  s3a: inObjects,
  file: inObjects,
  nessie: { server: (uri, store, connection) => openNessieCatalog({ ...connection, uri: uri.href, store }) },
  rest: {
    server(uri, _, connection) {
      const warehouse = uri.searchParams.get("warehouse") ?? undefined;
      uri.search = "";
      return openRestCatalog({ ...connection, uri: uri.href, warehouse });
    },
  },
};

/**
 * Opens a catalog, and makes it where there is none. Any number of processes may have one open at a time.
 *
 * @throws LakehouseError INVALID_CONFIG without a backend or a store, and for a URI that names no catalog.
 * @example
 * const store = new LocalStore(".lake/warehouse");
 * const catalog = await openCatalog({ backend: ".lake/catalog.db", store });
 * await catalog.createNamespace("flights");
 * const table = await catalog.createTable("flights.bronze", { schema });
 */
export async function openCatalog(options: CatalogOptions): Promise<BranchingCatalog> {
  const { backend, ...rest } = checked(options);
  return openEmbeddedCatalog(typeof backend === "string" ? backendAt(backend) : backend, rest);
}

/** Callers without TypeScript may leave out what there is no catalog without. */
function checked(options: Partial<CatalogOptions> | undefined): CatalogOptions {
  const { backend, store } = options ?? {};
  if (typeof backend !== "string" && typeof backend?.moveRef !== "function")
    throw invalidConfig(
      "backend",
      "openCatalog was not told where the catalog is kept.",
      'Give it a backend: the path of a SQLite file, such as ".lake/catalog.db", a URI or a Backend.',
    );
  if (typeof store?.root !== "string")
    throw invalidConfig(
      "store",
      "openCatalog was not told where the tables' files are kept.",
      "Give it a store: new LocalStore(<path>), say, or what openStore(<uri>) gives.",
    );
  return { ...options, backend, store };
}

/**
 * Opens the catalog of a URI, whoever keeps it: `sqlite:<path>`, `etcd://host:2379/prefix`, `s3://bucket/prefix`,
 * `file:///path`, `nessie:http://host:19120/api/v2`, `rest:https://host/path?warehouse=name`. The last one has branches
 * only where its server puts them into the path.
 *
 * @throws LakehouseError INVALID_CONFIG for a URI that names no catalog; NO_SUCH_LAKE where there is none and none is to
 *   be made, or its SQLite file is gone while tables' files are there; and as the catalog's own way to be opened.
 */
export async function openCatalogAt(uri: string, options: CatalogAtOptions): Promise<Catalog> {
  const { store, storage, connection = connectionFromEnv(), create = true } = options;
  const scheme = schemeOf(uri);
  const file = fileOf(uri);
  if (file !== undefined) await checkNotLost(file, store);
  if ("backend" in scheme) return openEmbeddedCatalog(backendAt(uri, { storage, create }), { store, create });
  return scheme.server(serverOf(uri), store, connection);
}

/**
 * The backend at a path or URI. `create`: whether its SQLite file is made where it is missing.
 *
 * @throws LakehouseError NO_SUCH_LAKE where it is not to be made; INVALID_CONFIG for a URI that names no catalog, UNSUPPORTED_FEATURE for that of a server.
 */
export function backendAt(
  place: string,
  { storage, create = true }: Pick<CatalogAtOptions, "storage" | "create"> = {},
): Backend {
  if (!create) checkFileIsThere(place);
  if (nameOf(place) === undefined) return new SqliteBackend(place);
  const scheme = schemeOf(place);
  if ("backend" in scheme) return scheme.backend(place, storage);
  throw unsupported(
    nameOf(place) ?? "",
    `A server keeps the catalog (${nameOf(place)}:), and the locations of its tables: other engines have them from it.`,
    "Put the files back where they were, or register the tables anew from where they are.",
  );
}

function checkFileIsThere(place: string): void {
  const file = fileOf(place);
  if (file !== undefined && !existsSync(file)) throw noLakeAt(dirname(file));
}

/** The SQLite file of a place, where that is one. */
function fileOf(place: string): string | undefined {
  const file = place.replace(/^sqlite:/i, "");
  return nameOf(file) !== undefined || file === "" || file === ":memory:" ? undefined : file;
}

/** A drive letter is none. */
function nameOf(uri: string): string | undefined {
  return /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase();
}

function schemeOf(uri: string): Scheme {
  const name = nameOf(uri) ?? "";
  if (Object.hasOwn(SCHEMES, name)) return SCHEMES[name] as Scheme;
  const known = Object.keys(SCHEMES).map((each) => `${each}:`);
  const servers = known.filter((each) => "server" in (SCHEMES[each.slice(0, -1)] as Scheme));
  // The URI itself may hold a secret.
  throw invalidConfig(
    name === "" ? "catalog" : `${name}:`,
    name === "" ? "The catalog's URI has no scheme." : `No catalog has a URI that begins with ${name}:.`,
    `Begin it with ${anyOf(known)}. After ${anyOf(servers)} comes the address of a server.`,
  );
}

function anyOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function serverOf(uri: string): URL {
  const address = uri.slice(uri.indexOf(":") + 1);
  if (/^https?:/i.test(address) && URL.canParse(address)) return new URL(address);
  const name = nameOf(uri);
  throw invalidConfig(
    `${name}:`,
    `After ${name}: comes the address of a server.`,
    `Write ${name}:http://host:port/path.`,
  );
}
