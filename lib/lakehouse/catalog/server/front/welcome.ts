import type { FastifyRequest } from "fastify";
import { keyName } from "../../model/content.js";
import type { ApiOptions, ServerContext } from "../http/api.js";
import { type Access, attachSnippets, type Snippet } from "./attach.js";

/** What is served: only for those who are let in. */
export interface Inventory {
  readonly warehouse: string;
  readonly defaultBranch: string;
  readonly branches: readonly string[];
  readonly tags: readonly string[];
  /** On the default branch, as many as a page shows. */
  readonly tables: readonly string[];
  readonly views: readonly string[];
  /** There are more of them. */
  readonly isCut: boolean;
}

/** What the server says of itself to whoever asks for `/`. */
export interface Welcome {
  /** The server's address as this client sees it, without a trailing slash. */
  readonly uri: string;
  readonly access: Access;
  readonly inventory: Inventory | undefined;
  readonly attach: readonly Snippet[];
}

/** Names of each kind that a page shows. */
const MOST = 200;

export async function welcome({ context, gate }: ApiOptions, request: FastifyRequest): Promise<Welcome> {
  const uri = addressOf(request);
  const access = gate.isOpen ? "open" : gate.takesTokens ? "token" : "client";
  const isIn = gate.isOpen || request.headers.authorization !== undefined;
  if (isIn) gate.check(request.headers.authorization);
  const inventory = isIn ? await inventoryOf(context) : undefined;
  return {
    uri,
    access,
    inventory,
    attach: attachSnippets(uri, access, context.store.root.startsWith("file:")),
  };
}

async function inventoryOf({ catalog, warehouseName }: ServerContext): Promise<Inventory> {
  const references = await catalog.references();
  const named = (type: string) => references.filter((each) => each.type === type).map(({ name }) => name);
  const page = async (type: "ICEBERG_TABLE" | "ICEBERG_VIEW") => {
    const { items, nextPageToken } = await catalog.entries({ types: [type], pageSize: MOST });
    return { names: items.map(({ key }) => keyName(key)), isCut: nextPageToken !== undefined };
  };
  const [tables, views] = [await page("ICEBERG_TABLE"), await page("ICEBERG_VIEW")];
  const [branches, tags] = [named("BRANCH"), named("TAG")];
  return {
    warehouse: warehouseName,
    defaultBranch: catalog.ref,
    branches: branches.slice(0, MOST),
    tags: tags.slice(0, MOST),
    tables: tables.names,
    views: views.names,
    isCut: tables.isCut || views.isCut || branches.length > MOST || tags.length > MOST,
  };
}

/**
 * The address that the client used, so that what it copies leads here. `Host` is the client's to write: anything but a
 * name or address and a port is not repeated.
 */
function addressOf({ headers, socket }: FastifyRequest): string {
  const scheme = headers["x-forwarded-proto"] === "https" ? "https" : "http";
  const { host = "" } = headers;
  if (/^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host))
    return `${scheme}://${host}`;
  const { localAddress = "localhost", localPort } = socket;
  return `${scheme}://${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort}`;
}
