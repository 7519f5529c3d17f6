import { isIP } from "node:net";
import { invalidArgument, invalidConfig } from "../../errors.js";
import { checkObject } from "../../options.js";
import { MovedStore, movedFrom, type ObjectStore, recordedLocation } from "../../storage/index.js";
import { lakeMoved } from "../errors.js";
import type { BranchingCatalog } from "../model/branching-catalog.js";
import { buildApp } from "./app.js";
import { Gate, type RestAuth } from "./http/auth.js";

export interface RestServerOptions {
  /** What is served. It stays open when the server closes. */
  readonly catalog: BranchingCatalog;
  /** Where the tables' files are. */
  readonly store: ObjectStore;
  /** URI below which every location in a request must lie. The store's root where not given. */
  readonly warehouse?: string | undefined;
  /** By which clients may ask for the warehouse. `lakehouse` where not given. */
  readonly warehouseName?: string | undefined;
  /** 8181 where not given; 0 for one that the system gives. */
  readonly port?: number | undefined;
  /** `127.0.0.1` where not given. Elsewhere than on the loopback interface `auth` is needed, and TLS in front. */
  readonly host?: string | undefined;
  readonly auth?: RestAuth | undefined;
  /** Told to every client: how to reach the store (`s3.endpoint`, `client.region`, …). Nothing secret. */
  readonly clientConfig?: Readonly<Record<string, string>> | undefined;
  /** Given to clients that ask for vended credentials (`s3.access-key-id`, …). None where not given. */
  readonly clientCredentials?: Readonly<Record<string, string>> | undefined;
  /** Longest body of a request, in bytes. 16 MiB where not given. */
  readonly bodyLimit?: number | undefined;
  /** How long requests under way may take once the server closes, in milliseconds. 10 s where not given. */
  readonly closeTimeoutMs?: number | undefined;
  /** Told of faults of the server, which clients see as a bare 500. */
  readonly onFault?: ((error: unknown, request: string) => void) | undefined;
}

export interface RestServer {
  /** `http://host:port`: what clients take for `uri`. Branches are at `<uri>/iceberg/<branch>`. */
  readonly uri: string;
  /** Takes no new requests, and ends when those under way are answered. */
  close(): Promise<void>;
}

/**
 * Serves a catalog over the Iceberg REST catalog protocol. The branch is in the path, as with Nessie: a client of
 * `<uri>` is on the default branch, one of `<uri>/iceberg/etl` on `etl`; and a table may be named `table@ref`.
 * Nessie's own clients find its API, version 2, at `<uri>/api/v2`. `<uri>` itself is a page that says how engines
 * attach, and what is served to those who are let in.
 *
 * @throws LakehouseError INVALID_CONFIG without `auth` on an address that others reach, or when it cannot listen.
 * @example
 * const server = await serveRestCatalog({ catalog, store, port: 0 });
 * const client = await openRestCatalog({ uri: server.uri });
 * await server.close();
 */
export async function serveRestCatalog(options: RestServerOptions): Promise<RestServer> {
  checkObject("serveRestCatalog", "options", options);
  if (typeof options.catalog?.committer !== "function" || typeof options.store?.head !== "function") {
    throw invalidArgument(
      "serveRestCatalog",
      "A server needs a catalog and the store of its tables.",
      "Give { catalog, store }, as openLakehouseCatalog() answers them.",
    );
  }
  const { catalog, host = "127.0.0.1", port = 8181, closeTimeoutMs = 10_000 } = options;
  const store = checkServable(catalog, options.store);
  const gate = new Gate(options.auth);
  if (gate.isOpen && !isLoopback(host)) {
    throw invalidConfig(
      host,
      `The catalog would be open to everyone who reaches ${host}.`,
      "Give it a bearer token or OAuth2 clients, or serve it on 127.0.0.1.",
    );
  }
  const app = await buildApp({
    context: {
      catalog,
      store,
      warehouse: recordedLocation(store, (options.warehouse ?? store.root).replace(/\/+$/, "")),
      warehouseName: options.warehouseName ?? "lakehouse",
      clientConfig: options.clientConfig ?? {},
      clientCredentials: options.clientCredentials,
    },
    gate,
    bodyLimit: options.bodyLimit ?? 16 << 20,
    onFault: options.onFault ?? (() => {}),
  });
  let uri: string;
  try {
    uri = await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw invalidConfig(
      `${host}:${port}`,
      `The catalog cannot be served on ${host}:${port} (${(cause as Error).message}).`,
      "Choose a port that is free, from 0 to 65535, and an address of this machine.",
      cause,
    );
  }
  return {
    uri,
    async close() {
      // Requests that hang must not hold the server up for ever.
      const deadline = setTimeout(() => app.server.closeAllConnections(), closeTimeoutMs);
      try {
        await app.close();
      } finally {
        clearTimeout(deadline);
      }
    },
  };
}

/**
 * The store that requests are answered from. Clients follow the locations in manifests by themselves: in a lake that was
 * moved those lead nowhere, and in a copy to the original, where a client would read, and worse, write.
 */
function checkServable(catalog: BranchingCatalog, store: ObjectStore): ObjectStore {
  const from = movedFrom(catalog.store);
  if (from === undefined) return catalog.store instanceof MovedStore ? catalog.store : store;
  throw lakeMoved(
    from,
    `The lake was at ${from}, and its tables' locations say so: other engines would look there.`,
    'Run "slh lake relocate" first, which writes the locations anew for where it is.',
  );
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
