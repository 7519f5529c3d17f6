import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import {
  type BranchingCatalog,
  openCatalog,
  type RestServer,
  type RestServerOptions,
  serveRestCatalog,
} from "../../../lib/lakehouse/catalog/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";

/** A served catalog in a directory of its own, and what is behind it. */
export interface Served {
  readonly server: RestServer;
  readonly catalog: BranchingCatalog;
  readonly store: LocalStore;
  readonly directory: string;
  stop(): Promise<void>;
}

export async function serve(options: Partial<RestServerOptions> = {}): Promise<Served> {
  const directory = await mkdtemp(join(tmpdir(), "rest-catalog-"));
  const store = new LocalStore(join(directory, "warehouse"));
  const catalog = await openCatalog({ backend: join(directory, "catalog.db"), store });
  const server = await serveRestCatalog({ catalog, store, port: 0, ...options });
  return {
    server,
    catalog,
    store,
    directory,
    async stop() {
      await server.close();
      await catalog.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const running: Served[] = [];
afterEach(async () => {
  for (const served of running.splice(0)) await served.stop();
});

export async function started(options?: Partial<RestServerOptions>): Promise<Served> {
  const served = await serve(options);
  running.push(served);
  return served;
}

export const columns = { type: "struct", fields: [{ id: 1, name: "id", required: true, type: "long" }] };

export function post(
  uri: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${uri}/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}
