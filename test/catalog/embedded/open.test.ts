import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  backendAt,
  isBranchingCatalog,
  openCatalog,
  openCatalogAt,
  type RestServerOptions,
} from "../../../lib/lakehouse/catalog/index.js";
import { LocalStore } from "../../../lib/lakehouse/storage/index.js";
import { records, schema } from "../support/contents.js";
import { serve } from "../support/served.js";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "catalog-uri-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const store = () => new LocalStore(join(directory, "warehouse"));

test.each([
  ["sqlite", () => `sqlite:${join(directory, "catalog.db")}`],
  ["file", () => pathToFileURL(join(directory, "catalog")).href],
])("the catalog at a URI is kept there (%s:)", async (_, uri) => {
  const catalog = await openCatalogAt(uri(), { store: store() });
  await catalog.createNamespace("ns");
  await (await catalog.createTable("ns.t", { schema })).append(records(1));
  await catalog.close();
  const again = await openCatalogAt(uri(), { store: store() });
  expect(isBranchingCatalog(again)).toBe(true);
  expect(await again.listTables("ns")).toEqual([{ namespace: ["ns"], name: "t" }]);
  await again.close();
});

test.each([
  ["backend", undefined],
  ["backend", {}],
  ["backend", { backend: 3 }],
  ["backend", { backend: {} }],
  ["store", { backend: ":memory:" }],
  ["store", { backend: ":memory:", store: "warehouse" }],
])("openCatalog says that it needs a %s (%j)", async (subject, options) => {
  await expect(openCatalog(options as never)).rejects.toMatchObject({ code: "INVALID_CONFIG", subject });
});

describe("of a server", () => {
  const served = async (
    auth: RestServerOptions["auth"],
    work: (uri: string) => Promise<void>,
  ): Promise<void> => {
    const { server, catalog, stop } = await serve(auth === undefined ? {} : { auth });
    try {
      await catalog.createNamespace("ns");
      await work(server.uri);
    } finally {
      await stop();
    }
  };

  test("nessie: has branches, rest: the one of its path", () =>
    served(undefined, async (uri) => {
      const nessie = await openCatalogAt(`nessie:${uri}/api/v2`, { store: store() });
      expect(isBranchingCatalog(nessie)).toBe(true);
      expect(await nessie.listNamespaces()).toEqual([["ns"]]);
      const rest = await openCatalogAt(`rest:${uri}/iceberg/main?warehouse=lakehouse`, { store: store() });
      expect(isBranchingCatalog(rest)).toBe(false);
      expect(await rest.listNamespaces()).toEqual([["ns"]]);
      const other = openCatalogAt(`rest:${uri}?warehouse=elsewhere`, { store: store() });
      await expect(other).rejects.toThrow(/no warehouse elsewhere/);
    }));

  test("shows what the environment has for it", () =>
    served({ tokens: ["open-sesame"] }, async (uri) => {
      await expect(openCatalogAt(`rest:${uri}`, { store: store() })).rejects.toMatchObject({
        code: "NOT_AUTHORIZED",
      });
      process.env.SLH_CATALOG_CLIENT_TOKEN = "open-sesame";
      try {
        const catalog = await openCatalogAt(`rest:${uri}`, { store: store() });
        expect(await catalog.listNamespaces()).toEqual([["ns"]]);
      } finally {
        delete process.env.SLH_CATALOG_CLIENT_TOKEN;
      }
    }));

  test("keeps no locations to relocate", () => {
    expect(() => backendAt("nessie:http://127.0.0.1:1/api/v2")).toThrow(/A server keeps the catalog/);
  });
});

test.each([
  ["mongodb://user:secret@host/db", "mongodb:"],
  ["http://user:secret@host/path", "http:"],
  ["rest:user:secret@host", "rest:"],
  ["rest:http://user:secret@127.0.0.1:1", "uri"],
  ["nessie:http://user:secret@127.0.0.1:1/api/v2", "uri"],
  ["secret", "catalog"],
])("no catalog is at %s, which no message repeats", async (uri, subject) => {
  const error = await openCatalogAt(uri, { store: store() }).catch((failure) => failure);
  expect(error).toMatchObject({ name: "LakehouseError", subject });
  expect(error.message).not.toContain("secret");
});
